// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { digestOf } from '#core';
import { canonicalJson } from '#formats';
import { PREDICATES } from '../statement.ts';
import { RECORD } from './__fixtures__/record.ts';
import { buildTypeOf, builderIdOf, claimedLevel } from './levels.ts';
import { toResources } from './materials.ts';
import { toProvenanceV02, toProvenanceV1 } from './provenance.ts';
import { readProvenance } from './read.ts';

const WRITERS = { [PREDICATES.provenanceV1]: toProvenanceV1, [PREDICATES.provenanceV02]: toProvenanceV02 };
const { materials } = RECORD;

describe('the provenance writer', () => {
  // These digests change only when what provenance says of a build is meant to change.
  it.each([
    [PREDICATES.provenanceV1, 'sha256:e0b65a99ec4063910b10475712855969eea1487ead9707b1ab910b124d4b2c19'],
    [PREDICATES.provenanceV02, 'sha256:0dedb51f64f378f38937d82930389110d153f6146d10773c286d2f6ebaf8378e'],
  ] as const)('gives one text of %s for a record', (type, golden) => {
    expect(digestOf(canonicalJson(WRITERS[type](RECORD)))).toBe(golden);
  });

  it('gives the same text whatever order the record has', () => {
    const other = { path: 'example.com/a', version: 'v1.0.0', h1: materials.source.h1 };
    const modules = [...materials.modules, other];
    const reason = 'a reason';
    const exemptions = [
      { module: 'b', reason },
      { module: 'a', reason },
    ];
    const there = { ...RECORD, materials: { ...materials, modules, exemptions } };
    const back = {
      ...RECORD,
      materials: { ...materials, modules: modules.toReversed(), exemptions: exemptions.toReversed() },
      steps: Object.fromEntries(Object.entries(RECORD.steps).toReversed()),
    };
    for (const write of Object.values(WRITERS)) expect(canonicalJson(write(back))).toBe(canonicalJson(write(there)));
  });

  it('names all that went in, by purl and digest, in a fixed order', () => {
    expect(toResources(RECORD).map(({ uri, digest }) => `${uri} ${Object.keys(digest).join()}`)).toEqual([
      'git+https://github.com/fluxcd/source-watcher@refs/tags/v2.2.2 gitCommit',
      'pkg:golang/github.com/fluxcd/source-watcher/v2@v2.2.2 dirHash',
      'pkg:golang/github.com/fluxcd/source-watcher/api/v2@v2.2.2 dirHash',
      'pkg:golang/golang.org/toolchain@v0.0.1-go1.27.3.linux-amd64 dirHash',
      'pkg:golang/github.com/masterminds/semver@v1.5.0%2Bincompatible dirHash',
      'pkg:deb/debian/base-files@13.8%2Bdeb13u8?arch=amd64&distro=debian-13 sha256',
      `pkg:generic/distribution.yaml?checksum=${digestOf('definition')} sha256`,
      `pkg:generic/oakum.lock?checksum=${digestOf('lock')} sha256`,
    ]);
  });

  it.each([
    ['registry.example.com:5000/golden/alpine:3.22', 'pkg:oci/alpine@', 'registry.example.com:5000%2Fgolden%2Falpine'],
    ['registry.example.com/alpine@sha256:0', 'pkg:oci/alpine@', 'registry.example.com%2Falpine'],
    ['oci:/home/me/golden:alpine:3.22', 'pkg:oci/', undefined],
  ])(
    'names %s, the image that was taken as a base, by digest and without a folder of ours',
    (reference, start, place) => {
      const digest = `sha256:${'d'.repeat(64)}` as const;
      const base = toResources({ ...RECORD, materials: { ...RECORD.materials, image: { reference, digest } } }).find(
        ({ name }) => name === 'base',
      );
      expect(base?.digest).toEqual({ sha256: 'd'.repeat(64) });
      expect(base?.uri.startsWith(start)).toBe(true);
      expect(base?.uri.split('repository_url=')[1]).toBe(place);
    },
  );

  it('names the overlay of a patched revision and its patch files beside the sources', () => {
    const patches = [{ file: 'patches/source-watcher/0001-fix.patch', digest: digestOf('patch') }];
    const patched = { ...RECORD, materials: { ...materials, overlay: { digest: digestOf('overlay'), patches } } };
    const added = toResources(patched).filter(({ uri }) => !toResources(RECORD).some((one) => one.uri === uri));
    expect(added.map(({ uri }) => uri)).toEqual([
      `pkg:generic/overlay?checksum=${digestOf('overlay')}`,
      `pkg:generic/0001-fix.patch?checksum=${digestOf('patch')}`,
    ]);
  });

  it('writes h1 hashes as in-toto wants dirHash: the vector of digest_set.md', () => {
    const toolchain = toResources(RECORD).find(({ name }) => name === 'toolchain');
    expect(toolchain?.digest).toEqual({ dirHash: '2a1bb6127fb481c60f67692e22285fb306f3c6ffe62075e0ccf674d7c3adcb8f' });
    const broken = { ...RECORD, materials: { ...materials, toolchain: { ...materials.toolchain, h1: 'h1:short' } } };
    expect(() => toResources(broken)).toThrow(expect.objectContaining({ code: 'PROVENANCE_INVALID' }));
  });

  it('names a module once though it is also nested, and no commit where none is known', () => {
    const { repository: _, commit: __, ref: ___, ...source } = materials.source;
    const modules = [...materials.nested, ...materials.modules];
    const uris = toResources({ ...RECORD, materials: { ...materials, source, modules } }).map(({ uri }) => uri);
    expect(uris.some((uri) => uri.startsWith('git+'))).toBe(false);
    expect(new Set(uris).size).toBe(uris.length);
    expect(uris).toHaveLength(7);
  });

  it.each([
    [{ engine: 'local' }, 'SLSA_BUILD_LEVEL_1'],
    [{ engine: 'local', separateSigner: true }, 'SLSA_BUILD_LEVEL_1'],
    [{ engine: 'kubernetes' }, 'SLSA_BUILD_LEVEL_2'],
    [{ engine: 'kubernetes', separateSigner: true }, 'SLSA_BUILD_LEVEL_3'],
  ] as const)('claims for %j %s, no more', (kind, level) => {
    expect(claimedLevel(kind)).toBe(level);
    const builder = { ...RECORD.builder, ...kind };
    for (const write of Object.values(WRITERS)) {
      const levels = canonicalJson(write({ ...RECORD, builder })).match(/SLSA_BUILD_LEVEL_\d/g);
      expect(new Set(levels)).toEqual(new Set([level]));
    }
  });

  it('points at the page of its build type, also on another site', () => {
    expect(buildTypeOf()).toBe('https://oakum.dev/build-types/release/v1');
    expect(builderIdOf('kubernetes', 'https://docs.example.com')).toBe(
      'https://docs.example.com/builders/kubernetes/v1',
    );
    const moved = { ...RECORD, documentationBase: 'https://docs.example.com' };
    const { buildType } = readProvenance(PREDICATES.provenanceV1, toProvenanceV1(moved));
    expect(buildType).toBe('https://docs.example.com/build-types/release/v1');
  });
});

describe('the provenance reader', () => {
  it.each(Object.entries(WRITERS))('reads back what was written as %s', (type, write) => {
    const reading = readProvenance(type, JSON.parse(canonicalJson(write(RECORD))));
    expect(reading).toMatchObject({
      builderId: RECORD.builder.id,
      invocationId: RECORD.invocation.id,
      startedOn: '2026-11-24T09:00:00Z',
      finishedOn: '2026-11-24T09:03:20Z',
      parameters: { component: 'source-watcher', platform: 'linux/amd64', revision: '2.9.2-r0' },
      sources: [
        {
          repository: 'https://github.com/fluxcd/source-watcher',
          ref: 'refs/tags/v2.2.2',
          commit: materials.source.commit,
        },
      ],
    });
    expect(reading.materials).toHaveLength(8);
  });

  it("reads other builders' provenance: slsa-github-generator's and BuildKit's ways to name a source", () => {
    const sha1 = 'a'.repeat(40);
    const from = (uri: string) =>
      readProvenance(PREDICATES.provenanceV02, {
        builder: { id: 'https://github.com/slsa-framework/slsa-github-generator/x@refs/tags/v2.1.0' },
        buildType: 'https://example.com/t',
        invocation: { configSource: { uri, digest: { sha1 }, entryPoint: 'x' }, parameters: {} },
        metadata: null,
        materials: [
          { uri, digest: { sha1 } },
          { uri: 'pkg:docker/golang@1.27', digest: { sha256: '0' } },
        ],
      }).sources;
    const repository = 'https://github.com/fluxcd/flux2';
    expect(from(`git+${repository}@refs/tags/v2.9.2`)).toEqual([{ repository, ref: 'refs/tags/v2.9.2', commit: sha1 }]);
    expect(from(`${repository}.git#refs/heads/main`)).toEqual([{ repository, ref: 'refs/heads/main', commit: sha1 }]);
    expect(from('git+ssh://git@github.com/a/b')).toEqual([
      { repository: 'ssh://git@github.com/a/b', ref: undefined, commit: sha1 },
    ]);
    expect(from('https://example.com/archive.tar.gz')).toEqual([]);
  });

  it.each([
    ['another type', 'https://example.com/other', {}],
    ['an empty predicate', PREDICATES.provenanceV1, {}],
    ['no predicate', PREDICATES.provenanceV02, undefined],
    ['a builder without id', PREDICATES.provenanceV02, { builder: { id: '' }, buildType: 'x' }],
    ['materials that are no list', PREDICATES.provenanceV02, { builder: { id: 'x' }, buildType: 'x', materials: 'x' }],
  ])('refuses %s', (_, type, predicate) => {
    expect(() => readProvenance(type, predicate)).toThrow(expect.objectContaining({ code: 'PROVENANCE_INVALID' }));
  });
});
