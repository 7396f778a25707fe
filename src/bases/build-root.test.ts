// SPDX-License-Identifier: Apache-2.0
import { chmod, mkdtemp, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildRootPackages, type DebianOptions, digestOfBuildRoot, type LockedPackage, openDebian } from '#bases';
import { openCache } from '#cache';
import { createHttp } from '#core';
import { buildDeb, createTestClock, type DebEntry } from '#testing';

let folder: string;
let world: DebianOptions;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-build-root-'));
  const clock = createTestClock();
  const cache = await openCache(join(folder, 'cache'));
  world = { http: createHttp({ clock }), cache, stateFolder: folder, clock, mirrors: { main: [], security: [] } };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Builds a package into the cache, as if it had been fetched. */
async function lock(name: string, ...entries: readonly DebEntry[]): Promise<LockedPackage> {
  const { bytes } = await buildDeb({ name, version: '1', entries });
  const blob = await world.cache.blobs.put(
    (async function* () {
      yield bytes;
    })(),
  );
  const at = { name, version: '1', architecture: 'amd64', suite: 'trixie', path: `pool/${name}.deb` };
  return { ...at, source: { name, version: '1' }, size: blob.size, sha256: blob.digest };
}

describe('the build root', () => {
  it('holds programs with their links below a merged /usr, and none of the manuals', async () => {
    const compiler = await lock(
      'gcc',
      { path: './usr/bin/gcc-14', content: '\u007fELF', mode: 0o755 },
      { path: './usr/bin/gcc', type: 'symlink', target: 'gcc-14' },
      { path: './usr/bin/gcc-again', type: 'link', target: './usr/bin/gcc-14' },
      { path: './lib/libc.so', content: 'x' },
      { path: './usr/share/man/man1/gcc.1', content: 'x' },
    );
    const { path } = await openDebian(world).buildRoot([compiler]);
    expect((await stat(join(path, 'usr/bin/gcc-again'))).mode & 0o777).toBe(0o755);
    expect(await readlink(join(path, 'usr/bin/gcc'))).toBe('gcc-14');
    expect(await readFile(join(path, 'usr/lib/libc.so'), 'utf8')).toBe('x');
    await expect(stat(join(path, 'usr/share/man'))).rejects.toThrow('ENOENT');
    expect((await stat(join(path, 'usr/local/go'))).isDirectory()).toBe(true); // to be mounted over
  });

  it('is made once, and anew where a file of it was changed', async () => {
    const compiler = await lock('gcc', { path: './usr/bin/gcc-14', content: 'good', mode: 0o755 });
    const debian = openDebian(world);
    const first = await debian.buildRoot([compiler]);
    expect(first.cached).toBe(false);
    expect((await debian.buildRoot([compiler])).cached).toBe(true);
    const program = join(first.path, 'usr/bin/gcc-14');
    await chmod(program, 0o755);
    await writeFile(program, 'evil');
    expect((await debian.buildRoot([compiler])).cached).toBe(false);
    expect(await readFile(program, 'utf8')).toBe('good');
  });

  it.each([
    ['one file from two packages', { path: './usr/bin/gcc', content: 'b' }, 'BASE_FILE_CONFLICT'],
    ['a file below a link', { path: './usr/out/passwd', content: 'b' }, 'BASE_LINK_ESCAPES'],
    ['a hard link to no file', { path: './usr/x', type: 'link', target: './usr/nothing' }, 'TAR_LINK_DANGLING'],
  ] as const)('refuses %s', async (_what, entry, code) => {
    const first = await lock(
      'a',
      { path: './usr/bin/gcc', content: 'a' },
      { path: './usr/out', type: 'symlink', target: '/etc' },
    );
    await expect(openDebian(world).buildRoot([first, await lock('b', entry)])).rejects.toMatchObject({ code });
  });

  it('has a digest by its packages, whatever their order', async () => {
    const [a, b] = [await lock('a'), await lock('b', { path: './usr/b', content: 'b' })];
    expect(digestOfBuildRoot([a, b])).toBe(digestOfBuildRoot([b, a]));
    expect(digestOfBuildRoot([a])).not.toBe(digestOfBuildRoot([a, b]));
  });

  it('names a compiler and a C library for both architectures, on each machine', () => {
    for (const [machine, other] of [
      ['amd64', 'arm64'],
      ['arm64', 'amd64'],
    ] as const) {
      const names = buildRootPackages(machine);
      expect(names).toEqual(
        expect.arrayContaining([
          'gcc-14-x86-64-linux-gnu',
          'gcc-14-aarch64-linux-gnu',
          'libc6-dev',
          `libc6-dev-${other}-cross`,
        ]),
      );
      expect(names).toEqual([...new Set(names)].sort());
    }
  });
});
