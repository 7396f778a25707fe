// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Cache, openCache } from '#cache';
import { digestOf, oneChunk, type ReportEvent, type TreeEntry } from '#core';
import { openApk, parseApkInstalled, readTar } from '#formats';
import { writeLayer } from '#image';
import { type ApkFile, type ApkSpec, buildApk } from '#testing';
import type { LockedApk } from '../types.ts';
import { type AlpineRoot, type AlpineRootRequest, composeAlpine } from './compose.ts';

const area = await mkdtemp(join(tmpdir(), 'oakum-alpine-root-'));
afterAll(() => rm(area, { recursive: true }));

const folder = (path: string, mode = 0o755, uid = 0, gid = 0): ApkFile => ({ path, kind: 'directory', mode, uid, gid });
const file = (path: string, content = '', mode = 0o644): ApkFile => ({ path, content, mode });
const link = (path: string, target: string): ApkFile => ({ path, kind: 'symlink', target });

interface Composed extends AlpineRoot {
  readonly cache: Cache;
  readonly events: readonly ReportEvent[];
  read(path: string): Promise<string>;
  find(path: string): TreeEntry | undefined;
}

/** Composes packages in the order given, from a cache of its own. */
async function compose(specs: readonly ApkSpec[], change: Partial<AlpineRootRequest> = {}): Promise<Composed> {
  const built = await Promise.all(specs.map((spec) => buildApk(spec)));
  return composeBuilt(
    built.map(({ bytes, checksum }, index) => ({ bytes, checksum, ...(specs[index] as ApkSpec) })),
    change,
  );
}

interface PackageFile {
  readonly name: string;
  readonly version: string;
  readonly architecture?: string;
  readonly bytes: Buffer;
  readonly checksum: string;
}

async function composeBuilt(files: readonly PackageFile[], change: Partial<AlpineRootRequest> = {}): Promise<Composed> {
  const cache = await openCache(await mkdtemp(join(area, 'cache-')));
  const events: ReportEvent[] = [];
  const packages = files.map(
    ({ name, version, architecture = 'x86_64', bytes, checksum }): LockedApk => ({
      name,
      version,
      architecture,
      origin: name,
      commit: '',
      path: `v3.22/main/x86_64/${name}-${version}.apk`,
      size: bytes.length,
      checksum,
      sha256: digestOf(bytes),
    }),
  );
  const request = {
    branch: 'v3.22',
    architecture: 'x86_64',
    repositories: ['v3.22/main'],
    world: ['b', 'a'],
    packages,
  };
  const root = await composeAlpine(
    { ...request, ...change },
    {
      cache,
      open: async (one) =>
        openApk(oneChunk(files.find(({ name }) => name === one.name)?.bytes ?? Buffer.alloc(0)), { where: one.name }),
      report: (event) => events.push(event),
    },
  );
  const find = (path: string) => root.entries.find((entry) => entry.path === path);
  const read = async (path: string) => {
    const found = find(path);
    return found?.kind === 'file' ? Buffer.concat(await Array.fromAsync(found.open())).toString('utf8') : '';
  };
  return { ...root, cache, events, find, read };
}

const A: ApkSpec = { name: 'a', version: '1-r0', files: [folder('etc'), file('etc/x', 'of a')] };
const B: ApkSpec = { name: 'b', version: '2-r1', files: [folder('etc'), file('etc/x', 'of b'), file('etc/y', 'y')] };

describe('the root of Alpine packages', () => {
  it('has files with owners, modes and links as packages have them', async () => {
    const root = await compose([
      {
        ...A,
        files: [
          folder('var/empty', 0o555),
          { path: 'usr/bin/tool', content: 'x', mode: 0o4755, gid: 7 },
          link('bin/sh', '/bin/busybox'),
          { path: 'usr/bin/same', kind: 'link', target: 'usr/bin/tool' },
          file('.hidden'),
          file('var/empty/.keep_dir'),
        ],
      },
    ]);
    expect(root.find('usr/bin/tool')).toMatchObject({ mode: 0o4755, gid: 7 });
    expect(root.find('var/empty')).toMatchObject({ mode: 0o555 });
    expect(root.find('bin/sh')).toMatchObject({ kind: 'symlink', target: '/bin/busybox' });
    expect(root.find('usr/bin/same')).toMatchObject({ kind: 'hardlink', target: 'usr/bin/tool' });
    expect(root.find('usr/bin')).toMatchObject({ kind: 'directory', mode: 0o755 });
    expect(root.entries.some(({ path }) => path.startsWith('.') || path.includes('.keep_'))).toBe(false);
  });

  it('gives the same layer in two composes, from two caches', async () => {
    const layers = await Promise.all(
      [1, 2].map(async () => {
        const { entries, cache, epoch } = await compose([A, { ...B, info: { replaces: 'a' } }]);
        return writeLayer(entries, cache.blobs, { epoch });
      }),
    );
    expect(layers[0]).toEqual(layers[1]);
  });

  it('shares folders with the rights that all agree on, and those of the lowest owner', async () => {
    const root = await compose([
      { ...A, files: [folder('run/a', 0o770, 5, 5), folder('run/b', 0o775)] },
      { ...B, files: [folder('run/a', 0o755), folder('run/b', 0o750)] },
    ]);
    expect(root.find('run/a')).toMatchObject({ mode: 0o755, uid: 0, gid: 0 });
    expect(root.find('run/b')).toMatchObject({ mode: 0o750 });
  });

  it('refuses a file of two packages, naming both', async () => {
    await expect(compose([A, B])).rejects.toMatchObject({
      code: 'BASE_FILE_CONFLICT',
      message: '/etc/x is in two packages: a and b',
    });
    await expect(compose([A, { ...B, files: [folder('etc/x')] }])).rejects.toMatchObject({
      code: 'BASE_FILE_CONFLICT',
    });
    await expect(compose([{ ...A, files: [folder('etc/x')] }, B])).rejects.toMatchObject({
      code: 'BASE_FILE_CONFLICT',
    });
  });

  it.each([
    ['the later one, which replaces the other', {}, { replaces: 'a' }, 'of b'],
    ['the later one, which replaces what is older', {}, { replaces: 'a<2' }, 'of b'],
    ['the earlier one, of greater priority', { replaces: 'b', replaces_priority: '9' }, { replaces: 'a' }, 'of a'],
    ['the later one, of the same source', { origin: 's' }, { origin: 's' }, 'of b'],
  ])('lets a file of two packages be of %s', async (_, first, second, content) => {
    const root = await compose([
      { ...A, info: first },
      { ...B, info: second },
    ]);
    expect(await root.read('etc/x')).toBe(content);
    const paths = root.packages.map((one) => [one.name, one.files.map(({ path }) => path)]);
    const owner =
      content === 'of a'
        ? [
            ['a', ['etc/x']],
            ['b', ['etc/y']],
          ]
        : [
            ['a', []],
            ['b', ['etc/x', 'etc/y']],
          ];
    expect(paths).toEqual(owner);
    const listed = parseApkInstalled(await root.read('lib/apk/db/installed'), 'installed');
    expect(listed.map(({ name, paths: own }) => [name, own])).toEqual(owner);
  });

  it.each([
    ['a version that it does not mean', { replaces: 'a>2' }],
    ['another package', { replaces: 'c' }],
  ])('refuses a file of two packages where one replaces %s', async (_, info) => {
    await expect(compose([A, { ...B, info }])).rejects.toMatchObject({ code: 'BASE_FILE_CONFLICT' });
  });

  it('keeps the bytes of a hard link whose file another package has taken', async () => {
    const root = await compose([
      { ...A, files: [file('etc/x', 'of a'), { path: 'etc/z', kind: 'link', target: 'etc/x' }] },
      { ...B, info: { replaces: 'a' } },
    ]);
    expect([await root.read('etc/x'), await root.read('etc/z')]).toEqual(['of b', 'of a']);
  });

  it.each([
    ['climbs out of the root', [link('etc/up', '../../x')], 'BASE_LINK_ESCAPES'],
    ['climbs out by an absolute link', [link('etc/up', '/../x')], 'BASE_LINK_ESCAPES'],
    ['lies below a link', [link('lib', 'usr/lib'), file('lib/x')], 'TAR_PATH_ESCAPES'],
    ['has an absolute name', [file('/etc/x')], 'TAR_PATH_ESCAPES'],
    ['has a name that climbs', [file('etc/../../x')], 'TAR_PATH_ESCAPES'],
    ['is a device', [{ path: 'dev/null', kind: 'character-device' }], 'TAR_ENTRY_REFUSED'],
    ['is a hard link to nothing', [{ path: 'etc/z', kind: 'link', target: 'etc/none' }], 'TAR_LINK_DANGLING'],
  ] as const)('refuses what %s', async (_, files, code) => {
    await expect(compose([{ ...A, files }])).rejects.toMatchObject({ code });
  });

  it("refuses what lies below another package's link, naming both", async () => {
    const other = { ...B, files: [file('lib/x')] };
    await expect(compose([{ ...A, files: [link('lib', 'usr/lib')] }, other])).rejects.toMatchObject({
      code: 'BASE_LINK_ESCAPES',
      message: '/lib/x of b lies below /lib, which is no folder in a',
    });
  });

  it('refuses a package whose files are not those that it vouches for, and keeps nothing of it', async () => {
    await expect(compose([{ ...A, dataHash: '0'.repeat(64) }])).rejects.toMatchObject({ code: 'APK_DIFFERS' });
  });
});

describe('what scripts of Alpine packages would do', () => {
  const PASSWD: ApkSpec = {
    name: 'alpine-baselayout-data',
    version: '3-r0',
    files: [
      file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n'),
      file('etc/group', 'root:x:0:root\nusers:x:100:\n'),
      file('etc/shadow', 'root:*::0:::::\n', 0o640),
    ],
  };
  const ADDUSER = 'addgroup -S klogd 2>/dev/null\nadduser -S -D -H -G klogd klogd 2>/dev/null\n';
  const BUSYBOX: ApkSpec = {
    name: 'busybox',
    version: '1.37.0-r1',
    info: { triggers: '/bin /usr/bin' },
    scripts: { 'post-install': ADDUSER, trigger: '#!/bin/sh\n' },
    files: [
      file('bin/busybox', 'elf', 0o755),
      file('etc/busybox-paths.d/busybox', 'bin/sh\nbin/cat\n/usr/bin/[\nbin/busybox\n'),
    ],
  };

  it('is done as data: links of busybox, where nothing is yet', async () => {
    const root = await compose([BUSYBOX, { ...A, files: [file('bin/cat', 'own')] }]);
    expect(root.find('bin/sh')).toMatchObject({ kind: 'symlink', target: '/bin/busybox' });
    expect(root.find('usr/bin/[')).toMatchObject({ kind: 'symlink', target: '/bin/busybox' });
    expect(await root.read('bin/cat')).toBe('own');
  });

  it('is refused where a list of links leads out', async () => {
    const files = [file('bin/busybox'), file('etc/busybox-paths.d/busybox', '../x\n')];
    await expect(compose([{ ...BUSYBOX, files }])).rejects.toMatchObject({ code: 'BASE_LINK_ESCAPES' });
  });

  it('is done as data: system users, where there is a list of users before', async () => {
    const root = await compose([PASSWD, BUSYBOX]);
    expect(await root.read('etc/passwd')).toBe(
      'root:x:0:0:root:/root:/bin/sh\nklogd:x:100:101:klogd:/dev/null:/sbin/nologin\n',
    );
    expect(await root.read('etc/group')).toBe('root:x:0:root\nusers:x:100:\nklogd:x:101:\n');
    expect(root.find('etc/shadow')).toMatchObject({ mode: 0o640 });
    expect(root.packages[0]?.files).toEqual([]); // they are no longer as the package has them
    expect(await (await compose([BUSYBOX, PASSWD])).read('etc/passwd')).toBe('root:x:0:0:root:/root:/bin/sh\n');
  });

  it('is done as data: the group of the passwords', async () => {
    const root = await compose([PASSWD, { name: 'alpine-baselayout', version: '3-r0' }]);
    expect(root.find('etc/shadow')).toMatchObject({ mode: 0o640, gid: 42 });
    expect(await root.read('lib/apk/db/installed')).toContain('R:shadow\na:0:42:640\n');
  });

  it('is done as data: the bundle of certificates, unless a package brings it', async () => {
    const certificates = [file('usr/share/ca-certificates/b.crt', 'B'), file('usr/share/ca-certificates/a.crt', 'A\n')];
    const root = await compose([{ ...A, files: certificates }]);
    expect(await root.read('etc/ssl/certs/ca-certificates.crt')).toBe('A\nB\n');
    const own = await compose([{ ...A, files: [...certificates, file('etc/ssl/certs/ca-certificates.crt', 'own')] }]);
    expect(await own.read('etc/ssl/certs/ca-certificates.crt')).toBe('own');
  });

  it('is told of where it is not known: users, and attributes that layers do not carry', async () => {
    const { events } = await compose([
      {
        ...A,
        scripts: { 'pre-install': '#!/bin/sh\nadduser -S web\n' },
        files: [{ ...file('bin/ping'), pax: { 'SCHILY.xattr.security.capability': 'x' } }],
      },
    ]);
    expect(events.map((event) => 'message' in event && event.message)).toEqual([
      expect.stringContaining('the package a adds users'),
      expect.stringContaining('/bin/ping of a has extended attributes'),
    ]);
  });

  it('is kept in the database of apk, which nobody has run', async () => {
    const root = await compose([BUSYBOX]);
    const scripts = await root.read('lib/apk/db/scripts.tar');
    const kept: string[] = [];
    for await (const entry of readTar(oneChunk(Buffer.from(scripts)), { where: 'scripts' })) kept.push(entry.path);
    const [name] = kept;
    expect(kept).toEqual([name, name?.replace('post-install', 'trigger')]);
    expect(name).toMatch(/^busybox-1\.37\.0-r1\.Q1[^.]+=\.post-install$/);
    expect(await root.read('lib/apk/db/triggers')).toMatch(/^Q1\S+= \/bin \/usr\/bin\n$/);
    expect(await root.read('etc/apk/world')).toBe('a\nb\n');
    expect(await root.read('etc/apk/arch')).toBe('x86_64\n');
    expect(await root.read('etc/apk/repositories')).toBe('# v3.22/main of a mirror of Alpine\n');
    expect(root.find('lib/apk/db/lock')).toMatchObject({ mode: 0o600, size: 0 });
  });

  it('leaves the database below usr where lib is a link', async () => {
    const root = await compose([{ ...A, files: [link('lib', 'usr/lib'), folder('usr/lib')] }]);
    expect(await root.read('usr/lib/apk/db/installed')).toContain('P:a\n');
  });

  it('says what the root is of, also where no package does', async () => {
    expect(await (await compose([A])).read('etc/os-release')).toContain('ID=alpine\nVERSION_ID=3.22\n');
    const release = { ...A, files: [file('etc/os-release', 'ID=alpine\nVERSION_ID=3.22.4\n')] };
    expect(await (await compose([release])).read('etc/os-release')).toBe('ID=alpine\nVERSION_ID=3.22.4\n');
  });
});

const FIXTURES = resolve(import.meta.dirname, '../../../../../shared/fixtures/apk');

describe('the root of genuine Alpine packages', () => {
  it.skipIf(!existsSync(FIXTURES))(
    'has all that alpine-baselayout 3.2.0-r23 ships (needs ../shared/fixtures/apk)',
    async () => {
      const name = 'alpine-baselayout';
      const bytes = readFileSync(join(FIXTURES, `${name}-3.2.0-r23.apk`));
      const checksum = (await openApk(oneChunk(bytes), { where: name })).checksum;
      const root = await composeBuilt([{ name, version: '3.2.0-r23', architecture: 'aarch64', bytes, checksum }]);
      expect(root.find('tmp')).toMatchObject({ kind: 'directory', mode: 0o1777 });
      expect(root.find('root')).toMatchObject({ mode: 0o700 });
      expect(root.find('var/run')).toMatchObject({ kind: 'symlink' });
      expect(root.find('sbin/mkmntdirs')).toMatchObject({ mode: 0o755, size: 5736 });
      expect(root.packages[0]).toMatchObject({
        licence: 'GPL-2.0-only',
        commit: '348653a9ba0701e8e968b3344e72313a9ef334e4',
        source: { name, version: '3.2.0-r23' },
      });
      const [listed] = parseApkInstalled(await root.read('lib/apk/db/installed'), 'installed');
      expect(listed?.paths.length).toBeGreaterThan(10);
      expect(root.packages[0]?.files.length).toBeGreaterThan(10);
    },
  );
});
