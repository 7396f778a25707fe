// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { digestOf } from '#core';
import { toAnnotations } from './annotations.ts';
import { buildConfig, parseConfig } from './config.ts';
import { buildIndex, buildManifest, parseIndex, parseManifest } from './manifest.ts';
import { MEDIA_TYPES } from './media-types.ts';

const layer = { mediaType: MEDIA_TYPES.layerGzip, digest: digestOf('layer'), size: 5 };
const config = buildConfig({
  platform: { architecture: 'arm64', os: 'linux', variant: 'v8' },
  created: new Date('2026-01-02T03:04:05.678Z'),
  run: {
    user: '65534:65534',
    entrypoint: ['/usr/local/bin/x'],
    environment: ['PATH=/usr/local/bin'],
    exposedPorts: ['8080/tcp'],
    labels: toAnnotations({ version: 'v1.9.3', created: new Date('2026-01-02T03:04:05Z') }),
  },
  layers: [{ diffId: digestOf('tar'), createdBy: 'a test', created: new Date(0) }],
});

describe('the config builder', () => {
  it('writes what the image spec calls for, in one fixed form', () => {
    expect(config.bytes.toString()).toBe(
      '{"architecture":"arm64","config":{"Entrypoint":["/usr/local/bin/x"],"Env":["PATH=/usr/local/bin"],' +
        '"ExposedPorts":{"8080/tcp":{}},"Labels":{"org.opencontainers.image.created":"2026-01-02T03:04:05Z",' +
        '"org.opencontainers.image.version":"v1.9.3"},"User":"65534:65534"},"created":"2026-01-02T03:04:05Z",' +
        '"history":[{"created":"1970-01-01T00:00:00Z","created_by":"a test"}],"os":"linux",' +
        `"rootfs":{"diff_ids":["${digestOf('tar')}"],"type":"layers"},"variant":"v8"}`,
    );
    expect(config.descriptor).toEqual({
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: digestOf(config.bytes),
      size: config.bytes.length,
    });
  });

  it('is read back', () => {
    expect(parseConfig(config.bytes, 'test')).toMatchObject({ architecture: 'arm64', config: { User: '65534:65534' } });
  });
});

describe('the manifest builder', () => {
  it('writes what is read back, with the platform on the descriptor alone', () => {
    const manifest = buildManifest(
      { config: config.descriptor, layers: [layer], annotations: { a: 'b' } },
      { architecture: 'arm64', os: 'linux' },
    );
    expect(manifest.descriptor.platform).toEqual({ architecture: 'arm64', os: 'linux' });
    expect(manifest.bytes.toString()).not.toContain('"platform"');
    expect(parseManifest(manifest.bytes, 'test')).toEqual({
      mediaType: MEDIA_TYPES.manifest,
      config: config.descriptor,
      layers: [layer],
      annotations: { a: 'b' },
    });
  });

  it('carries the artifact type to the descriptor, for referrers', () => {
    const artifact = buildManifest({
      config: config.descriptor,
      layers: [layer],
      artifactType: 'application/x',
      subject: layer,
    });
    expect(artifact.descriptor.artifactType).toBe('application/x');
    expect(parseManifest(artifact.bytes, 'test')).toMatchObject({ artifactType: 'application/x', subject: layer });
  });
});

describe('the index builder', () => {
  it('writes what is read back, in the order given', () => {
    const manifests = ['b', 'a'].map((name) => ({
      ...layer,
      digest: digestOf(name),
      platform: { architecture: name, os: 'linux' },
    }));
    const index = buildIndex(manifests, { a: 'b' });
    expect(parseIndex(index.bytes, 'test')).toEqual({
      mediaType: MEDIA_TYPES.index,
      manifests,
      annotations: { a: 'b' },
    });
    expect(Object.keys(parseIndex(buildIndex([]).bytes, 'test'))).not.toContain('annotations');
  });
});

describe('the manifest reader', () => {
  const good = { schemaVersion: 2, mediaType: MEDIA_TYPES.manifest, config: layer, layers: [layer] };
  const read = (value: unknown) => () =>
    parseManifest(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)), 'example/x:v1');

  it.each([
    ['no JSON', '{', /not JSON/],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]).toString('latin1').slice(0, 2), /not JSON/],
    ['a list', [], /not an image manifest/],
    ['schema version 1', { ...good, schemaVersion: 1 }, /schemaVersion/],
    ['an index', { ...good, mediaType: MEDIA_TYPES.index }, /can't have the media type/],
    ['a negative size', { ...good, layers: [{ ...layer, size: -1 }] }, /layers\.0\.size/],
    [
      'a digest that is a path',
      { ...good, config: { ...layer, digest: 'sha256:../../x' } },
      /config\.digest: not a sha256 digest/,
    ],
    ['an annotation that is no text', { ...good, annotations: { a: 1 } }, /annotations\.a/],
    ['a thousand and one layers', { ...good, layers: Array.from({ length: 1001 }, () => layer) }, /layers/],
    ['five megabytes', ' '.repeat(5 << 20), /larger than/],
  ])('refuses %s and says where', (_, value, message) => {
    expect(read(value)).toThrowError(
      expect.objectContaining({
        code: 'MANIFEST_INVALID',
        where: 'example/x:v1',
        message: expect.stringMatching(message),
      }),
    );
  });

  it('takes null for an empty list, as some registries answer where nothing refers to an image', () => {
    const bytes = Buffer.from('{"schemaVersion":2,"manifests":null}');
    expect(parseIndex(bytes, 'here').manifests).toEqual([]);
  });

  it("accepts what it does not know, and Docker's own media types", () => {
    const docker = { ...good, mediaType: 'application/vnd.docker.distribution.manifest.v2+json', somethingNew: true };
    expect(parseManifest(Buffer.from(JSON.stringify(docker)), 'test').layers).toEqual([layer]);
  });
});
