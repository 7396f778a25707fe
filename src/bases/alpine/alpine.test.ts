// SPDX-License-Identifier: Apache-2.0
import { createPublicKey } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCache } from '#cache';
import { createHttp, digestOf, type ReportEvent } from '#core';
import { type ApkMirror, type ApkSpec, buildApk, createTestClock, makeApkSigner, startApkMirror } from '#testing';
import { openAlpine } from './alpine.ts';
import { readAlpineKeys, RETIRED_ALPINE_KEYS } from './keys.ts';
import type { AlpineOptions, AlpineSpec } from './types.ts';

const NOW = '2026-11-24T00:00:00Z';
const daysAgo = (days: number) => new Date(Date.parse(NOW) - days * 86_400_000);
const MAIN = { repository: 'v3.22/main', date: daysAgo(3), description: 'v3.22.1-8-gabc' };
const SPEC: AlpineSpec = { branch: 'v3.22', repositories: ['main'], packages: ['git'] };

const MUSL: ApkSpec = {
  name: 'musl',
  version: '1.2.5-r10',
  info: { provides: 'so:libc.musl-x86_64.so.1=1', origin: 'musl', commit: 'c0ffee' },
  files: [
    { path: 'lib', kind: 'directory' },
    { path: 'lib/ld-musl-x86_64.so.1', content: 'ELF' },
  ],
};
const GIT: ApkSpec = {
  name: 'git',
  version: '2.49.1-r0',
  info: { depend: ['so:libc.musl-x86_64.so.1'], origin: 'git' },
};

let folder: string;
let mirror: ApkMirror;
let events: ReportEvent[];
let world: AlpineOptions;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-alpine-'));
  mirror = await startApkMirror();
  events = [];
  const clock = createTestClock(NOW);
  world = {
    http: createHttp({ clock }),
    cache: await openCache(join(folder, 'cache')),
    stateFolder: join(folder, 'state'),
    clock,
    mirrors: [mirror.uri],
    keyring: {
      keys: [{ name: mirror.signer.name, key: createPublicKey(mirror.publicKey) }],
      retired: RETIRED_ALPINE_KEYS,
    },
    report: (event) => events.push(event),
  };
});

afterEach(async () => {
  await mirror.stop();
  await rm(folder, { recursive: true });
});

const resolve = (change: Partial<AlpineOptions> = {}, spec: Partial<AlpineSpec> = {}) =>
  openAlpine({ ...world, ...change }).resolve({ ...SPEC, ...spec }, 'amd64');

describe("Alpine's repositories", () => {
  it('give what a list needs in the order of installation, each package proved and pinned by the digest of the whole', async () => {
    const [musl, git] = await mirror.publish({ ...MAIN, packages: [MUSL, GIT] });
    const base = await resolve();
    expect(base.packages).toMatchObject([
      { name: 'musl', origin: 'musl', commit: 'c0ffee', sha256: digestOf(musl?.bytes ?? ''), checksum: musl?.checksum },
      { name: 'git', path: 'v3.22/main/x86_64/git-2.49.1-r0.apk', sha256: digestOf(git?.bytes ?? '') },
    ]);
    expect(base.indexes).toMatchObject([
      {
        repository: 'v3.22/main',
        description: 'v3.22.1-8-gabc',
        date: '2026-11-21T00:00:00Z',
        signers: [mirror.signer.name],
      },
    ]);
  });

  it('are asked for the architecture that is wanted', async () => {
    await mirror.publish({ ...MAIN, architecture: 'aarch64', packages: [{ name: 'git', version: '1-r0' }] });
    const base = await openAlpine(world).resolve(SPEC, 'arm64');
    expect(base.packages[0]).toMatchObject({ architecture: 'aarch64', path: 'v3.22/main/aarch64/git-1-r0.apk' });
  });

  it('are not asked again for packages that were proved', async () => {
    await mirror.publish({ ...MAIN, packages: [MUSL, GIT] });
    await resolve();
    await resolve();
    expect(mirror.requests.filter(({ path }) => path.endsWith('.apk'))).toHaveLength(2);
  });

  it('with a tag give what is asked for by it, and everything else from the rest', async () => {
    await mirror.publish({ ...MAIN, packages: [MUSL, GIT] });
    const newer = [
      { ...MUSL, version: '1.3-r0' },
      { ...GIT, version: '3-r0' },
    ];
    await mirror.publish({ repository: 'edge/testing', date: daysAgo(1), packages: newer });
    const repositories = ['main', '@testing edge/testing'];
    const plain = await resolve({}, { repositories });
    const tagged = await resolve({}, { repositories, packages: ['git@testing'] });
    expect(plain.packages.map(({ version }) => version)).toEqual(['1.2.5-r10', '2.49.1-r0']);
    expect(tagged.packages.map(({ path }) => path)).toEqual([
      'v3.22/main/x86_64/musl-1.2.5-r10.apk',
      'edge/testing/x86_64/git-3-r0.apk',
    ]);
    await expect(resolve({}, { packages: ['git@nowhere'] })).rejects.toMatchObject({ code: 'BASE_REPOSITORY_INVALID' });
  });

  it('may be of one’s own, by their address', async () => {
    await mirror.publish({ ...MAIN, repository: 'own/repo', packages: [{ name: 'git', version: '9-r0' }] });
    const base = await resolve({ mirrors: [] }, { repositories: [`${mirror.uri}/own/repo/`] });
    expect(base.packages[0]?.path).toBe(`${mirror.uri}/own/repo/x86_64/git-9-r0.apk`);
  });

  it('are passed over for the next mirror with a warning where they fail', async () => {
    await mirror.publish({ ...MAIN, packages: [MUSL, GIT] });
    expect((await resolve({ mirrors: [`${mirror.uri}/nothing`, mirror.uri] })).packages).toHaveLength(2);
    expect(events).toMatchObject([{ kind: 'warning', message: expect.stringContaining('mirror passed over') }]);
  });
});

describe('an index of Alpine is refused', () => {
  const refused = async (code: string, change: Partial<AlpineOptions> = {}) => {
    await expect(resolve(change)).rejects.toMatchObject({ code });
    expect(await readdir(join(folder, 'state', 'alpine')).catch(() => [])).toEqual([]);
  };

  it('without a signature', async () => {
    await mirror.publish({ ...MAIN, packages: [GIT], unsigned: true });
    await refused('BASE_INDEX_UNSIGNED');
  });

  it('with a signature of a key that is not pinned, naming the key', async () => {
    await mirror.publish({ ...MAIN, packages: [GIT], signer: makeApkSigner('evil@example.org-1.rsa.pub') });
    await expect(resolve()).rejects.toThrow(/evil@example\.org-1\.rsa\.pub: the key is not known/);
  });

  it('with a signature in the name of a pinned key that is not its own', async () => {
    await mirror.publish({ ...MAIN, packages: [GIT], signer: makeApkSigner(mirror.signer.name) });
    await expect(resolve()).rejects.toThrow(/the signature is wrong/);
  });

  it('with a signature of a key that has been retired, saying so', async () => {
    const name = 'alpine-devel@lists.alpinelinux.org-4a6a0840.rsa.pub';
    await mirror.publish({ ...MAIN, packages: [GIT], signer: makeApkSigner(name) });
    await expect(resolve()).rejects.toThrow(/2048 bits that signed branches before v3\.15/);
  });

  it('with a signature of a key for another architecture', async () => {
    await mirror.publish({ ...MAIN, packages: [GIT] });
    const key = { name: mirror.signer.name, key: createPublicKey(mirror.publicKey), architectures: ['aarch64'] };
    await refused('BASE_INDEX_SIGNATURE', { keyring: { keys: [key], retired: new Map() } });
  });

  it('when its signed part was changed', async () => {
    await mirror.publish({ ...MAIN, packages: [MUSL, GIT] });
    const path = '/v3.22/main/x86_64/APKINDEX.tar.gz';
    const response = await fetch(`${mirror.uri}${path}`);
    const bytes = Buffer.from(await response.arrayBuffer());
    bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1;
    mirror.put(path, bytes);
    await refused('BASE_INDEX_SIGNATURE');
  });

  it('of another branch than was asked for, though well signed', async () => {
    await mirror.publish({ ...MAIN, packages: [GIT], description: 'v3.19.4-1-gabc' });
    await refused('BASE_INDEX_BRANCH');
  });

  it('from the future, or too old', async () => {
    await mirror.publish({ ...MAIN, packages: [GIT], date: daysAgo(-1) });
    await refused('BASE_INDEX_FUTURE');
    await mirror.publish({ ...MAIN, packages: [GIT], date: daysAgo(201) });
    await refused('BASE_INDEX_EXPIRED');
    expect((await openAlpine({ ...world, maxAgeDays: 300 }).indexes(SPEC, 'amd64'))[0]?.repository).toBe('v3.22/main');
  });

  it('that is older than one seen before, whatever mirror served that', async () => {
    await mirror.publish({ ...MAIN, packages: [MUSL, GIT] });
    await resolve();
    await mirror.publish({ ...MAIN, packages: [MUSL, GIT], date: daysAgo(4) });
    await expect(resolve()).rejects.toMatchObject({ code: 'BASE_INDEX_ROLLBACK' });
  });
});

describe('a package of Alpine is refused', () => {
  const GIT_PATH = '/v3.22/main/x86_64/git-2.49.1-r0.apk';
  const lone: ApkSpec = { name: 'git', version: '2.49.1-r0', files: [{ path: 'git', content: 'git' }] };

  /** Publishes git, and says in the index of another file that it is git. */
  async function publishInstead(spec: ApkSpec, signer = mirror.signer) {
    const other = await buildApk({ architecture: 'x86_64', ...spec }, signer);
    const forge = (text: string) =>
      text.replace(/^C:.*$/m, `C:${other.checksum}`).replace(/^S:.*$/m, `S:${other.bytes.length}`);
    await mirror.publish({ ...MAIN, packages: [lone], index: forge });
    mirror.put(GIT_PATH, other.bytes);
  }

  it('whose own control part names another version', async () => {
    await publishInstead({ ...lone, version: '2.49.0-r0' });
    await expect(resolve()).rejects.toThrow(/git 2\.49\.1-r0 is git 2\.49\.0-r0 for x86_64 by its own \.PKGINFO/);
  });

  it('whose files are not those of its data hash, and does not stay in the cache', async () => {
    await publishInstead({ ...lone, dataHash: 'ab'.repeat(32) });
    await expect(resolve()).rejects.toMatchObject({ code: 'APK_DIFFERS' });
    await expect(resolve()).rejects.toMatchObject({ code: 'APK_DIFFERS' });
  });

  it('whose control part is not the one that the index names', async () => {
    await mirror.publish({
      ...MAIN,
      packages: [lone],
      index: (text) => text.replace(/^C:Q1./m, 'C:Q1_').replace('_', 'A'),
    });
    await expect(resolve()).rejects.toMatchObject({ code: 'BASE_PACKAGE_DIFFERS' });
  });

  it('that no pinned key has signed, though the index names it', async () => {
    await publishInstead(lone, makeApkSigner('evil@example.org-1.rsa.pub'));
    await expect(resolve()).rejects.toMatchObject({ code: 'BASE_PACKAGE_SIGNATURE' });
  });

  it('that is gone from every mirror', async () => {
    await mirror.publish({ ...MAIN, packages: [lone] });
    const { packages } = await resolve();
    const other = await openCache(join(folder, 'other'));
    await expect(
      openAlpine({ ...world, cache: other, mirrors: [`${mirror.uri}/x`] }).fetch(packages),
    ).rejects.toMatchObject({
      code: 'BASE_PACKAGE_GONE',
    });
  });

  it('that was locked with another digest', async () => {
    await mirror.publish({ ...MAIN, packages: [lone] });
    const { packages } = await resolve();
    mirror.put(GIT_PATH, (await buildApk({ ...lone, files: [] }, mirror.signer)).bytes);
    const other = await openCache(join(folder, 'other'));
    await expect(openAlpine({ ...world, cache: other }).fetch(packages)).rejects.toMatchObject({
      code: 'BASE_PACKAGE_DIFFERS',
    });
  });
});

describe("a keyring for one's own repositories", () => {
  it('is read from a file or a folder of files, named as they are', async () => {
    const file = join(folder, 'me@example.org-1.rsa.pub');
    await writeFile(file, mirror.publicKey);
    for (const path of [file, folder]) {
      expect((await readAlpineKeys(path)).keys.map(({ name }) => name)).toEqual(['me@example.org-1.rsa.pub']);
    }
  });

  it('is refused when it is missing, empty or no RSA key', async () => {
    const file = join(folder, 'no.rsa.pub');
    await writeFile(file, 'nothing');
    for (const path of [file, join(folder, 'absent'), join(folder, 'cache')]) {
      await expect(readAlpineKeys(path)).rejects.toMatchObject({ code: 'BASE_KEYRING_INVALID' });
    }
  });
});
