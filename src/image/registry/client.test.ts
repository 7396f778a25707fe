// SPDX-License-Identifier: Apache-2.0
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttp, digestOf } from '#core';
import {
  createCertificate,
  createTestClock,
  startRegistry,
  type TestRegistry,
  type TestRegistryOptions,
} from '#testing';
import { buildIndex, buildManifest } from '../manifest.ts';
import { openRegistry, type RegistryOptions } from './client.ts';

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});

const config = Buffer.from('{"os":"linux"}');
const configDescriptor = {
  mediaType: 'application/vnd.oci.image.config.v1+json',
  digest: digestOf(config),
  size: config.length,
};
const image = buildManifest({ config: configDescriptor, layers: [] });

async function* bytes() {
  yield config;
}

function clientOf(host: string, options: Partial<RegistryOptions> & { ca?: readonly string[] } = {}) {
  const clock = createTestClock();
  const http = createHttp({ clock, ...(options.ca === undefined ? {} : { ca: options.ca }) });
  const client = openRegistry({ http, clock, credentials: async () => undefined, ...options });
  return { client, clock, name: { registry: host, repository: 'flux/a' } };
}

async function setUp(options: TestRegistryOptions = {}) {
  const registry: TestRegistry = await startRegistry(options);
  running.push(registry);
  const set = { registry, ...clientOf(registry.host) };
  await set.client.putBlob(set.name, configDescriptor, bytes);
  await set.client.putManifest(set.name, image.descriptor, image.bytes, 'v1');
  return set;
}

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  running.push({
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('the registry client', () => {
  it('resolves and fetches what it pushed, by tag and by digest', async () => {
    const { client, name } = await setUp();
    expect(await client.resolve({ ...name, tag: 'v1' })).toEqual(image.descriptor);
    expect(await client.resolve({ ...name, tag: 'v2' })).toBeUndefined();
    expect(await client.resolve({ ...name, repository: 'none', tag: 'v1' })).toBeUndefined();
    const fetched = await client.manifest({ ...name, digest: image.descriptor.digest });
    expect(fetched).toEqual({ descriptor: image.descriptor, bytes: image.bytes });
  });

  it('names what is missing, and what a reference lacks', async () => {
    const { client, name } = await setUp();
    await expect(client.manifest({ ...name, tag: 'v2' })).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    await expect(client.manifest({ ...name, repository: 'x', tag: 'v2' })).rejects.toMatchObject({
      code: 'REGISTRY_NAME_UNKNOWN',
    });
    await expect(client.tags({ ...name, repository: 'x' })).rejects.toMatchObject({ code: 'REGISTRY_NAME_UNKNOWN' });
    await expect(client.resolve(name)).rejects.toMatchObject({ code: 'REFERENCE_INVALID' });
  });

  it('refuses a manifest whose bytes are not those asked for, saying which came', async () => {
    const { registry, client, name } = await setUp();
    registry.fail({ kind: 'wrong-bytes', when: /^GET/, times: 2 });
    for (const reference of [
      { ...name, digest: image.descriptor.digest },
      { ...name, tag: 'v1' },
    ]) {
      await expect(client.manifest(reference)).rejects.toMatchObject({
        code: 'BLOB_DIGEST_MISMATCH',
        message: expect.stringMatching(`served sha256:.* where ${image.descriptor.digest} was asked for`),
      });
    }
  });

  it('asks again for a manifest that broke off', async () => {
    const { registry, client, name } = await setUp();
    registry.fail({ kind: 'reset', when: /^GET/, afterBytes: 10 });
    expect((await client.manifest({ ...name, tag: 'v1' })).bytes).toEqual(image.bytes);
  });

  it('lists tags over many pages', async () => {
    const { client, name } = await setUp({ pageSize: 2 });
    for (const tag of ['v2', 'v3', 'v4', 'v5']) await client.putManifest(name, image.descriptor, image.bytes, tag);
    expect(await client.tags(name)).toEqual(['v1', 'v2', 'v3', 'v4', 'v5']);
  });

  it('refuses a list of referrers that never ends', async () => {
    const entries = Array.from({ length: 400 }, () => ({ ...image.descriptor, artifactType: 'decoy/decoy' }));
    const page = JSON.stringify({ schemaVersion: 2, manifests: entries });
    const host = await listen(
      createServer((request, response) => {
        if (request.url === '/v2/') return response.end();
        response.setHeader('link', `<${request.url}>; rel="next"`);
        response.setHeader('content-type', 'application/vnd.oci.image.index.v1+json');
        return response.end(page);
      }),
    );
    const { client, name } = clientOf(host);
    await expect(client.referrers(name, image.descriptor.digest)).rejects.toMatchObject({ code: 'CONTENT_TOO_LARGE' });
  });

  it.each([
    ['the referrers API', true],
    ['the fallback tag', false],
  ])('finds what refers to an image by %s', async (_, referrers) => {
    const { client, name } = await setUp({ referrers });
    expect(await client.referrers(name, image.descriptor.digest)).toEqual([]);
    const added = ['one', 'two'].map((text) =>
      buildManifest({
        artifactType: 'application/vnd.example',
        config: configDescriptor,
        layers: [],
        subject: image.descriptor,
        annotations: { text },
      }),
    );
    await Promise.all(added.map(({ descriptor, bytes: document }) => client.putManifest(name, descriptor, document)));
    const found = await client.referrers(name, image.descriptor.digest);
    expect(found.map(({ digest }) => digest).toSorted()).toEqual(
      added.map(({ descriptor }) => descriptor.digest).toSorted(),
    );
    expect(found[0]).toMatchObject({ artifactType: 'application/vnd.example', mediaType: image.descriptor.mediaType });
    expect(await client.tags(name)).toEqual(referrers ? ['v1'] : [`sha256-${image.descriptor.digest.slice(7)}`, 'v1']);
  });

  it('passes over trouble that passes, and names trouble that stays', async () => {
    const { registry, client, name } = await setUp();
    registry.fail({ kind: 'status', when: /^GET/, status: 503, times: 3 });
    expect((await client.manifest({ ...name, tag: 'v1' })).bytes).toEqual(image.bytes);
    registry.fail({
      kind: 'status',
      when: /^GET/,
      status: 500,
      times: 5,
      code: 'UNKNOWN',
      message: 'no\u001b[31m disk',
    });
    await expect(client.manifest({ ...name, tag: 'v1' })).rejects.toMatchObject({
      code: 'REGISTRY_FAILED',
      message: expect.stringMatching(/after 5 tries \(UNKNOWN: no \[31m disk\)/),
    });
  });

  it('stops at once when told to', async () => {
    const { registry } = await setUp();
    const controller = new AbortController();
    const { client, name } = clientOf(registry.host, { signal: controller.signal });
    controller.abort(new Error('interrupted'));
    await expect(client.resolve({ ...name, tag: 'v1' })).rejects.toThrow('interrupted');
  });
});

describe('an address that is no registry', () => {
  it('is told from a registry without that image', async () => {
    const host = await listen(
      createServer((_, response) => response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>nothing</h1>')),
    );
    const { client, name } = clientOf(host);
    await expect(client.manifest({ ...name, tag: 'v1' })).rejects.toMatchObject({ code: 'REGISTRY_NOT_OCI' });
    await expect(client.putBlob(name, configDescriptor, bytes)).rejects.toMatchObject({ code: 'REGISTRY_NOT_OCI' });
  });

  it('is seen by the page it serves', async () => {
    const host = await listen(
      createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>welcome</h1>')),
    );
    const { client, name } = clientOf(host);
    await expect(client.manifest({ ...name, tag: 'v1' })).rejects.toMatchObject({ code: 'REGISTRY_NOT_OCI' });
    await expect(client.tags(name)).rejects.toMatchObject({ family: 'registry' });
  });

  it('is unreachable when nobody listens, dropped when somebody hangs up', async () => {
    const { client, name, clock } = clientOf('127.0.0.1:1');
    await expect(client.resolve({ ...name, tag: 'v1' })).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringContaining('after 5 tries'),
    });
    expect(clock.slept).toHaveLength(4);
    const host = await listen(createTcpServer((socket) => socket.destroy()));
    const { client: other } = clientOf(host);
    await expect(other.resolve({ registry: host, repository: 'a', tag: 'v1' })).rejects.toMatchObject({
      code: 'REGISTRY_DROPPED',
    });
  });
});

describe('TLS', () => {
  const certificate = createCertificate(['localhost']);

  it('is found on this machine too, and needs its CA', async () => {
    const registry = await startRegistry({ tls: certificate });
    running.push(registry);
    const { client, name } = clientOf(registry.host, { ca: [certificate.certificate] });
    await client.putBlob(name, configDescriptor, bytes);
    await client.putManifest(name, image.descriptor, image.bytes, 'v1');
    expect(await client.resolve({ ...name, tag: 'v1' })).toEqual(image.descriptor);
    const { client: stranger, clock } = clientOf(registry.host);
    await expect(stranger.resolve({ ...name, tag: 'v1' })).rejects.toMatchObject({
      code: 'REGISTRY_TLS',
      hint: expect.stringContaining('CA'),
    });
    expect(clock.slept).toEqual([]); // a wrong certificate does not mend itself
  });

  it('refuses a certificate for another name', async () => {
    const other = createCertificate(['registry.example.com']);
    const registry = await startRegistry({ tls: other });
    running.push(registry);
    const { client, name } = clientOf(registry.host, { ca: [other.certificate] });
    await expect(client.resolve({ ...name, tag: 'v1' })).rejects.toMatchObject({ code: 'REGISTRY_TLS' });
  });

  it('is demanded of any other host; plain HTTP is recognised and named', async () => {
    const { registry } = await setUp();
    const clock = createTestClock();
    const http = createHttp({ clock });
    const urls: string[] = [];
    // The name stands for a host elsewhere; the request goes to the test registry.
    const rerouted: typeof http = (request) => {
      urls.push(request.url);
      return http({ ...request, url: request.url.replace('registry.example.com', registry.host) });
    };
    const reference = { registry: 'registry.example.com', repository: 'flux/a', tag: 'v1' };
    const strict = openRegistry({ http: rerouted, clock, credentials: async () => undefined });
    await expect(strict.resolve(reference)).rejects.toMatchObject({
      code: 'REGISTRY_PLAIN_HTTP',
      hint: expect.stringContaining('plain'),
    });
    expect(urls.every((url) => url.startsWith('https:'))).toBe(true);
    const plain = openRegistry({ http: rerouted, clock, credentials: async () => undefined, plainHttp: true });
    expect(await plain.resolve(reference)).toEqual(image.descriptor);
  });
});

describe('an index', () => {
  it('may be pushed once its manifests are there', async () => {
    const { client, name } = await setUp();
    const index = buildIndex([image.descriptor]);
    await client.putManifest(name, index.descriptor, index.bytes, 'all');
    expect(await client.resolve({ ...name, tag: 'all' })).toEqual(index.descriptor);
  });
});
