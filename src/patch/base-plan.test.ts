// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { digestOf, OakumError } from '#core';
import type { LockedBase } from '#definition';
import { FEED_NAMES, type Feeds } from '#vulnerabilities';
import { planBase } from './base-plan.ts';

const NOW = new Date('2026-11-24T00:00:00Z');

/** One advisory for openssl of Alpine v3.22, fixed in 3.5.4-r0. */
const ADVISORY = {
  id: 'ALPINE-CVE-2026-1',
  aliases: ['CVE-2026-1'],
  modified: '2026-11-01T00:00:00Z',
  published: '2026-11-01T00:00:00Z',
  affected: [
    {
      package: { ecosystem: 'Alpine:v3.22', name: 'openssl' },
      ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '3.5.4-r0' }] }],
    },
  ],
};

const feeds = {
  status: async () => FEED_NAMES.map((name) => ({ name, state: 'fresh', maxAgeDays: 7, ecosystems: ['Alpine:v3.22'] })),
  advisories: async () => [ADVISORY],
  advisoriesById: async () => [],
  kev: async () => new Map(),
  epss: async () => new Map(),
  ssvc: async () => new Map(),
} as unknown as Feeds;

function image(name: string, version: string): LockedBase {
  const libcrypto = { kind: 'apk' as const, name: 'libcrypto3', version, architecture: 'x86_64' };
  return {
    releases: [],
    packages: {},
    image: {
      reference: 'registry.example.com/golden/alpine:3.22',
      digest: digestOf(name),
      platforms: {
        'linux/amd64': {
          manifest: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf(`m ${name}`), size: 1 },
          distribution: { id: 'alpine', versionId: '3.22.1' },
          packages: [{ ...libcrypto, source: { name: 'openssl', version } }],
        },
      },
    },
  };
}

function alpine(version: string, more: readonly string[] = []): LockedBase {
  const one = (name: string, its: string) => ({
    name,
    version: its,
    architecture: 'x86_64',
    origin: name === 'libcrypto3' ? 'openssl' : name,
    commit: '',
    path: `v3.22/main/x86_64/${name}-${its}.apk`,
    size: 1,
    checksum: 'Q1',
    sha256: digestOf(`${name} ${its}`),
  });
  const packages = [one('libcrypto3', version), ...more.map((name) => one(name, '1-r0'))];
  const platforms = { 'linux/amd64': { indexes: [], packages } };
  return { releases: [], packages: {}, alpine: { branch: 'v3.22', repositories: ['main'], world: ['a'], platforms } };
}

const plan = (locked: LockedBase, newest: LockedBase) =>
  planBase({ name: 'golden', locked }, async () => newest, { feeds, now: NOW });

describe('the plan of a base', () => {
  it('takes the image that its tag means now, and says what is fixed by that', async () => {
    const [before, after] = [image('old', '3.5.1-r0'), image('new', '3.5.4-r0')];
    expect(await plan(before, after)).toMatchObject({
      findings: 1,
      fixed: ['CVE-2026-1'],
      staying: [],
      changes: [
        { package: 'registry.example.com/golden/alpine:3.22', from: digestOf('old'), to: digestOf('new') },
        { package: 'libcrypto3', from: '3.5.1-r0', to: '3.5.4-r0' },
      ],
      locked: after,
    });
  });

  it('takes another image also where its packages are the same, and none where it is the same image', async () => {
    const before = image('old', '3.5.1-r0');
    expect((await plan(before, image('new', '3.5.1-r0'))).locked).toBeDefined();
    const same = await plan(before, image('old', '3.5.1-r0'));
    expect(same).toMatchObject({
      changes: [],
      staying: [{ id: 'CVE-2026-1', reason: 'its image does not have 3.5.4-r0 yet' }],
    });
    expect(same.locked).toBeUndefined();
  });

  it('takes newer Alpine packages, and tells what they no longer need', async () => {
    expect(await plan(alpine('3.5.1-r0', ['zlib']), alpine('3.5.4-r0', ['zstd']))).toMatchObject({
      fixed: ['CVE-2026-1'],
      changes: [
        { package: 'libcrypto3', from: '3.5.1-r0', to: '3.5.4-r0' },
        { package: 'zstd', to: '1-r0' },
        { package: 'zlib', from: '1-r0', to: 'gone' },
      ],
    });
  });

  it('leaves a base as it is where nothing newer can be had, and says so', async () => {
    const failing = async () => {
      throw new OakumError('network', 'X', 'the registry does not answer');
    };
    const made = await planBase({ name: 'golden', locked: image('old', '3.5.1-r0') }, failing, { feeds, now: NOW });
    expect(made.locked).toBeUndefined();
    expect(made.gaps).toContainEqual({ what: 'newer packages of base golden', reason: 'the registry does not answer' });
  });
});
