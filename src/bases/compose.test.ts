// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type BaseRoot, type DebianOptions, type LockedPackage, openDebian } from '#bases';
import { openCache } from '#cache';
import { createHttp, digestOf, type TreeEntry } from '#core';
import { buildDeb, createTestClock, type DebEntry, type DebSpec } from '#testing';

let folder: string;
let world: DebianOptions;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-compose-'));
  const clock = createTestClock();
  const cache = await openCache(join(folder, 'cache'));
  world = { http: createHttp({ clock }), cache, stateFolder: folder, clock, mirrors: { main: [], security: [] } };
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** Builds a package into the cache, as if it had been fetched. */
async function lock(spec: Partial<DebSpec>, claims: Partial<LockedPackage> = {}): Promise<LockedPackage> {
  const full = { name: 'sample', version: '1', ...spec };
  const { bytes } = await buildDeb(full);
  const blob = await world.cache.blobs.put(
    (async function* () {
      yield bytes;
    })(),
  );
  return {
    name: full.name,
    version: full.version,
    architecture: full.architecture ?? 'all',
    source: { name: full.name, version: full.version },
    suite: 'trixie',
    path: `pool/${full.name}.deb`,
    size: blob.size,
    sha256: blob.digest,
    ...claims,
  };
}

async function compose(...specs: Partial<DebSpec>[]): Promise<BaseRoot> {
  return openDebian(world).root(await Promise.all(specs.map((spec) => lock(spec))));
}

const withEntries = (...entries: DebEntry[]) => compose({ entries });

async function contentOf(root: BaseRoot, path: string): Promise<string> {
  const entry = root.entries.find((one) => one.path === path);
  if (entry?.kind !== 'file') throw new Error(`${path} is no file of the root`);
  let text = '';
  for await (const chunk of entry.open()) text += Buffer.from(chunk).toString();
  return text;
}

/** All that makes a layer's bytes. */
async function bytesOf(root: BaseRoot): Promise<string> {
  const parts: string[] = [];
  for (const { ...entry } of root.entries) {
    parts.push(JSON.stringify(entry), entry.kind === 'file' ? await contentOf(root, entry.path) : '');
  }
  return digestOf(parts.join('\n'));
}

function paths(root: BaseRoot): string[] {
  return root.entries.map(({ path }) => path);
}

function find(root: BaseRoot, path: string): TreeEntry | undefined {
  return root.entries.find((entry) => entry.path === path);
}

describe('the base composer', () => {
  test('lays files, folders and links over each other, and adds users, homes and folders', async () => {
    const root = await withEntries(
      { path: './', type: 'directory' },
      { path: './etc/', type: 'directory' },
      { path: './etc/sample.conf', content: 'x=1\n' },
      { path: './usr/share/sample/a', content: 'a' },
      { path: './usr/share/sample/b', type: 'link', target: './usr/share/sample/a' },
      { path: './usr/share/sample/c', type: 'symlink', target: '../sample/a' },
    );
    expect(await contentOf(root, 'etc/sample.conf')).toBe('x=1\n');
    expect(find(root, 'usr/share/sample/b')).toMatchObject({ kind: 'hardlink', target: 'usr/share/sample/a' });
    expect(find(root, 'usr/share/sample/c')).toMatchObject({ kind: 'symlink', target: '../sample/a' });
    expect(find(root, 'home/nonroot')).toMatchObject({ kind: 'directory', mode: 0o700, uid: 65532, gid: 65532 });
    expect(find(root, 'root')).toMatchObject({ mode: 0o700, uid: 0 });
    expect(find(root, 'tmp')).toMatchObject({ kind: 'directory', mode: 0o1777, uid: 0 });
    expect(await contentOf(root, 'etc/passwd')).toMatch(
      /^root:x:0:0:.*\nnobody:x:65534:65534:.*\nnonroot:x:65532:65532:/,
    );
    expect(await contentOf(root, 'etc/group')).toBe('root:x:0:\nnobody:x:65534:\nnonroot:x:65532:\n');
    expect(await contentOf(root, 'etc/nsswitch.conf')).toContain('hosts: files dns\n');
    expect(paths(root)).toEqual([...paths(root)].sort());
  });

  test('takes programs and scripts in where they are wanted, without rights of others, and no manuals', async () => {
    const sealed = await lock({
      entries: [
        { path: './bin/sh', type: 'symlink', target: 'dash' },
        { path: './usr/bin/dash', content: '\u007fELF', mode: 0o755 },
        { path: './usr/bin/again', type: 'link', target: './usr/bin/dash' },
        { path: './usr/lib/git-core/git-submodule', content: '#!/bin/sh\n', mode: 0o755 },
        { path: './usr/lib/openssh/ssh-keysign', content: '\u007fELF', mode: 0o4755 },
        { path: './usr/share/man/man1/dash.1', content: 'x' },
      ],
    });
    const debian = openDebian(world);
    const full = await debian.root([sealed], { programs: true });
    expect(find(full, 'usr/bin/sh')).toMatchObject({ kind: 'symlink', target: 'dash' });
    expect(find(full, 'usr/bin/again')).toMatchObject({ kind: 'hardlink', target: 'usr/bin/dash' });
    expect(await contentOf(full, 'usr/lib/git-core/git-submodule')).toBe('#!/bin/sh\n');
    expect(find(full, 'usr/lib/openssh/ssh-keysign')).toMatchObject({ mode: 0o755 });
    expect(paths(full)).not.toContain('usr/share/man/man1/dash.1');
    expect(paths(await debian.root([sealed])).filter((path) => /dash|sh$|git|ssh/.test(path))).toEqual([]);
  });

  test('gives the same bytes in two composes, from two caches, in any order', async () => {
    const specs = [
      {
        name: 'b',
        entries: [
          { path: './usr/share/b/', type: 'directory' as const, mode: 0o700 },
          { path: './usr/share/b/f', content: 'b' },
        ],
      },
      {
        name: 'a',
        entries: [
          { path: './usr/share/b/', type: 'directory' as const, mode: 0o755 },
          { path: './usr/share/a', content: 'a' },
        ],
      },
      { name: 'base-files', entries: [{ path: './usr/share/b/', type: 'directory' as const, mode: 0o711 }] },
    ];
    const first = await compose(...specs);
    world = { ...world, cache: await openCache(join(folder, 'second')) };
    const second = await compose(...specs.toReversed());
    expect(await bytesOf(second)).toBe(await bytesOf(first));
    expect(find(first, 'usr/share/b')?.mode, 'base-files sets the modes of shared folders').toBe(0o711);
    const other = await compose({ ...specs[0], entries: [{ path: './usr/share/b/f', content: 'c' }] }, specs[1] ?? {});
    expect(await bytesOf(other)).not.toBe(await bytesOf(first));
  });

  test("takes the newest file's time as epoch, of dropped files too, and lets no entry be later", async () => {
    const root = await compose(
      { name: 'old', mtime: new Date('2020-01-01T00:00:00Z'), entries: [{ path: './etc/old', content: '' }] },
      { name: 'new', mtime: new Date('2021-01-01T00:00:00Z'), entries: [{ path: './usr/share/man/new', content: '' }] },
    );
    expect(root.epoch).toEqual(new Date('2021-01-01T00:00:00Z'));
    expect(find(root, 'etc/old')?.mtime).toEqual(new Date('2020-01-01T00:00:00Z'));
    expect(root.entries.filter(({ mtime }) => mtime > root.epoch)).toEqual([]);
  });

  test('leaves out what could run and what nobody reads, whatever it is called', async () => {
    const root = await withEntries(
      { path: './bin/sh', content: '\u007fELF', mode: 0o755 },
      { path: './usr/bin/link', type: 'symlink', target: 'sh' },
      { path: './usr/bin/su', content: 'x', mode: 0o4755 },
      { path: './usr/share/sample/helper', content: 'binary', mode: 0o755 },
      { path: './usr/share/sample/hidden', content: '#!/bin/sh\n', mode: 0o644 },
      { path: './usr/share/sample/elf', content: '\u007fELF', mode: 0o644 },
      { path: './usr/share/man/man1/x.1.gz', content: 'x' },
      { path: './usr/share/doc/sample/README', content: 'x' },
      { path: './usr/share/doc/sample/copyright', content: 'x' },
      { path: './etc/cron.daily/x', content: 'x' },
      { path: './lib/systemd/system/x.service', content: 'x' },
      { path: './lib/x/libx.so.1', content: '\u007fELF', mode: 0o644 },
      { path: './usr/share/bash-completion/completions/x', content: 'x' },
      { path: './usr/share/locale/de/x.mo', content: 'x' },
      { path: './usr/share/sample/data', content: 'kept' },
    );
    const files = root.entries.filter(({ kind, path }) => kind !== 'directory' && !/^(?:etc|var)\//.test(path));
    expect(files.map(({ path }) => path)).toEqual([
      'usr/lib/x/libx.so.1',
      'usr/share/doc/sample/copyright',
      'usr/share/sample/data',
    ]);
    expect(paths(root).filter((path) => /man|cron|systemd|locale|completion/.test(path))).toEqual([]);
  });

  test('removes folders that dropping has emptied, and keeps those that were empty', async () => {
    const root = await withEntries(
      { path: './opt/', type: 'directory' },
      { path: './srv/tool/', type: 'directory' },
      { path: './srv/tool/run', content: '#!/bin/sh', mode: 0o755 },
    );
    expect(paths(root)).toContain('opt');
    expect(paths(root).filter((path) => path.startsWith('srv'))).toEqual([]);
  });

  test('gives a hard link the bytes when its first name is left out', async () => {
    const root = await withEntries(
      { path: './usr/share/man/x', content: 'text' },
      { path: './usr/share/x', type: 'link', target: './usr/share/man/x' },
    );
    expect(await contentOf(root, 'usr/share/x')).toBe('text');
  });

  test('writes the package database that scanners read', async () => {
    const root = await compose({
      version: '1:2-3',
      fields: { Source: 'origin (2)', Homepage: 'https://example.com' },
      entries: [
        { path: './etc/kept', content: 'k' },
        { path: './usr/bin/gone', content: 'g', mode: 0o755 },
        {
          path: './usr/share/doc/sample/copyright',
          content:
            'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: MIT\n\nFiles: b\nLicense: Apache-2.0\n text\n',
        },
      ],
      control: { postinst: '#!/bin/sh\ntouch /tmp/this-never-runs\n' },
    });
    expect(await contentOf(root, 'var/lib/dpkg/status.d/sample')).toMatch(/^Package: sample\nVersion: 1:2-3\n/);
    expect(await contentOf(root, 'var/lib/dpkg/status.d/sample.md5sums')).toMatch(
      /^[0-9a-f]{32} {2}etc\/kept\n[0-9a-f]{32} {2}usr\/share\/doc\/sample\/copyright\n$/,
    );
    expect(root.packages).toMatchObject([
      {
        name: 'sample',
        copyright: 'usr/share/doc/sample/copyright',
        licenses: ['Apache-2.0', 'MIT'],
        homepage: 'https://example.com',
        files: [{ path: 'etc/kept', digest: digestOf('k'), size: 1 }, {}],
      },
    ]);
    expect(paths(root).filter((path) => path.includes('postinst'))).toEqual([]);
  });

  test('joins certificates in the order of their names, each on lines of its own', async () => {
    const root = await withEntries(
      { path: './usr/share/ca-certificates/mozilla/b.crt', content: 'B' },
      { path: './usr/share/ca-certificates/mozilla/A.crt', content: 'A\n' },
      { path: './usr/share/ca-certificates/mozilla/a.crt', content: 'a\n' },
      { path: './usr/share/ca-certificates/mozilla/readme', content: 'no' },
    );
    expect(await contentOf(root, 'etc/ssl/certs/ca-certificates.crt')).toBe('A\na\nB\n');
    expect(paths(root).filter((path) => path.startsWith('usr/share/ca-certificates'))).toEqual([]);
  });

  test.each(['none', 'gz', 'xz', 'zst'] as const)('reads packages compressed with %s', async (compression) => {
    const root = await compose({ compression, entries: [{ path: './etc/x', content: 'x'.repeat(70_000) }] });
    expect(await contentOf(root, 'etc/x')).toHaveLength(70_000);
  });

  test('refuses two packages with one file, naming both', async () => {
    const specs = ['one', 'two'].map((name) => ({ name, entries: [{ path: './etc/same', content: 'x' }] }));
    await expect(compose(...specs)).rejects.toMatchObject({
      code: 'BASE_FILE_CONFLICT',
      message: 'one and two both hold /etc/same',
    });
    await expect(
      compose(
        { name: 'one', entries: [{ path: './lib/x', content: 'x' }] },
        { name: 'two', entries: [{ path: './usr/lib/x', content: 'x' }] },
      ),
      'also through a merged /usr',
    ).rejects.toMatchObject({ code: 'BASE_FILE_CONFLICT' });
  });

  test('refuses a package that is not the one it was locked as', async () => {
    for (const claim of [{ name: 'other' }, { version: '2' }, { architecture: 'amd64' }]) {
      const locked = await lock({}, claim);
      await expect(openDebian(world).root([locked])).rejects.toMatchObject({ code: 'BASE_PACKAGE_MISNAMED' });
    }
  });
});

describe('the base composer, faced with a hostile package,', () => {
  const entries: readonly (readonly [string, readonly DebEntry[], string])[] = [
    ['a path out of the root', [{ path: './../etc/x', content: 'x' }], 'TAR_PATH_ESCAPES'],
    ['an absolute path', [{ path: '/etc/x', content: 'x' }], 'TAR_PATH_ESCAPES'],
    [
      'a path through a link',
      [
        { path: './a', type: 'symlink', target: 'etc' },
        { path: './a/x', content: 'x' },
      ],
      'TAR_PATH_ESCAPES',
    ],
    ['a device', [{ path: './dev/null', type: 'character-device' }], 'TAR_ENTRY_REFUSED'],
    ['a fifo', [{ path: './run/x', type: 'fifo' }], 'TAR_ENTRY_REFUSED'],
    [
      'a path twice',
      [
        { path: './a', content: '1' },
        { path: './a', content: '2' },
      ],
      'TAR_PATH_DUPLICATE',
    ],
    ['a hard link to nothing', [{ path: './a', type: 'link', target: './b' }], 'TAR_LINK_DANGLING'],
    ['an absolute link', [{ path: './a', type: 'symlink', target: '/etc/shadow' }], 'BASE_LINK_ESCAPES'],
    ['a link out of the root', [{ path: './etc/a', type: 'symlink', target: '../../x' }], 'BASE_LINK_ESCAPES'],
    ['a link that climbs later', [{ path: './etc/a', type: 'symlink', target: 'b/../../../x' }], 'BASE_LINK_ESCAPES'],
    ['a setuid library', [{ path: './usr/lib/x.so', content: '\u007fELF', mode: 0o4644 }], 'BASE_ROOT_UNCLEAN'],
    ['a folder where a link is due', [{ path: './var/run/x', content: 'x' }], 'BASE_FILE_CONFLICT'],
  ];
  test.each(entries)('refuses %s', async (_name, list, code) => {
    await expect(withEntries(...list)).rejects.toMatchObject({ code });
    expect(await readdir(join(folder, 'cache', 'tmp'))).toEqual([]);
  });

  const members: readonly (readonly [string, Partial<DebSpec>, string])[] = [
    ['no data member', { members: (all) => all.slice(0, 2) }, 'BASE_PACKAGE_INVALID'],
    [
      'no control member',
      { members: (all) => [all[0], all[2]].filter((one) => one !== undefined) },
      'BASE_PACKAGE_INVALID',
    ],
    ['no members', { members: () => [] }, 'BASE_PACKAGE_INVALID'],
    ['members in another order', { members: (all) => all.toReversed() }, 'BASE_PACKAGE_INVALID'],
    [
      'a member too many',
      { members: (all) => [...all, { name: 'data.tar', bytes: Buffer.alloc(1024) }] },
      'BASE_PACKAGE_INVALID',
    ],
    [
      'another format version',
      { members: ([, ...rest]) => [{ name: 'debian-binary', bytes: Buffer.from('3.0\n') }, ...rest] },
      'BASE_PACKAGE_INVALID',
    ],
    [
      'a compression that is unknown',
      { members: (all) => all.map((one) => ({ ...one, name: one.name.replace('.xz', '.lzma') })) },
      'BASE_PACKAGE_INVALID',
    ],
    [
      'a member longer than the archive',
      {
        members: (all) =>
          all.map((one) => ({ ...one, size: one.bytes.length + (one.name.startsWith('data') ? 9 : 0) })),
      },
      'AR_TRUNCATED',
    ],
    [
      'a member shorter than its content',
      {
        members: (all) =>
          all.map((one) => ({ ...one, size: one.bytes.length - (one.name.startsWith('data') ? 8 : 0) })),
      },
      'DECOMPRESS_INVALID',
    ],
    [
      'junk after the data',
      {
        members: (all) =>
          all.map((one) =>
            one.name.startsWith('data') ? { ...one, bytes: Buffer.concat([one.bytes, Buffer.from('junk')]) } : one,
          ),
      },
      'DECOMPRESS_INVALID',
    ],
    ['control text that is no stanza', { control: { control: 'nonsense\n' } }, 'BASE_PACKAGE_INVALID'],
  ];
  test.each(members)('refuses %s', async (_name, spec, code) => {
    await expect(compose(spec)).rejects.toMatchObject({ code });
  });

  test('stops a bomb at its limit, leaving nothing', async () => {
    const bomb = { entries: [{ path: './etc/bomb', content: Buffer.alloc(32 << 20) }] };
    world = { ...world, maxUnpackedBytes: 1 << 20 };
    await expect(compose(bomb)).rejects.toMatchObject({ code: 'TAR_TOO_LARGE' });
    const many = Array.from({ length: 3000 }, (_, index) => ({ path: `./etc/${index}`, content: '' }));
    await expect(compose({ entries: many }), 'headers count as well').rejects.toMatchObject({
      code: 'DECOMPRESS_TOO_LARGE',
    });
    expect(await readdir(join(folder, 'cache', 'tmp'))).toEqual([]);
  });

  test('notices unpacked files that were damaged on disk, and unpacks anew', async () => {
    const locked = await lock({ entries: [{ path: './etc/x', content: 'good' }] });
    const damage = async (root: BaseRoot) => {
      const spool = await world.cache.blobs.find(digestOf('good'));
      expect(await readFile(spool?.path ?? '', 'utf8')).toBe('good');
      await writeFile(spool?.path ?? '', 'evil');
      await expect(contentOf(root, 'etc/x')).rejects.toMatchObject({ code: 'CACHE_CORRUPT' });
    };
    await damage(await openDebian(world).root([locked]));
    expect(await contentOf(await openDebian(world).root([locked]), 'etc/x')).toBe('good');
  });
});
