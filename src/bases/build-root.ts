// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TreeResult } from '#cache';
import { type Architecture, type Digest, digestOf, Measure } from '#core';
import { BaseError, escapes } from './error.ts';
import { fetchPackages } from './fetch.ts';
import { mergedUsrPath } from './rules.ts';
import { streamSlice } from './spool.ts';
import type { DebianOptions, LockedPackage } from './types.ts';
import { isUnpacked, type UnpackedDeb, unpackDeb } from './unpack-deb.ts';

/** GNU's names of the architectures, as Debian's packages of compilers have them. */
const TRIPLES: Readonly<Record<Architecture, string>> = { amd64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };

/** The release of GCC in the build root: that of Debian 13. */
const GCC = '14';

/** What programs are linked with; of the other architecture under names of their own. */
const LIBRARIES = ['libc6', 'libc6-dev', 'linux-libc-dev', `libgcc-${GCC}-dev`];

const NEEDED_BY_COMPILERS = `binutils libbinutils libctf0 libctf-nobfd0 libsframe1 libgcc-s1 libstdc++6
  libgmp10 libisl23 libjansson4 libmpc3 libmpfr6 libzstd1 zlib1g`.split(/\s+/);

/** Raised with every change after which the same packages give another build root. */
const FORM = 1;

/** Gives the name of the C compiler in the build root that compiles for an architecture. */
export function compilerFor(architecture: Architecture): string {
  return `${TRIPLES[architecture]}-gcc-${GCC}`;
}

/**
 * Gives the packages of a build root for machines of an architecture: a C compiler for it and one for the other, each with what it
 * needs to run and a C library to link with. They are named one by one, as a base's are: what is not needed stays out.
 */
export function buildRootPackages(machine: Architecture): readonly string[] {
  const other: Architecture = machine === 'amd64' ? 'arm64' : 'amd64';
  return [
    ...compilerPackages(machine),
    ...compilerPackages(other),
    ...LIBRARIES,
    ...LIBRARIES.map((name) => `${name}-${other}-cross`),
    ...NEEDED_BY_COMPILERS,
  ].sort();
}

function compilerPackages(architecture: Architecture): readonly string[] {
  const triple = TRIPLES[architecture].replace('_', '-');
  return [`binutils-${triple}`, `cpp-${GCC}-${triple}`, `gcc-${GCC}-${triple}`];
}

/** What of the packages is of no use to a compiler. */
const LEFT_OUT = /^usr\/share\/(?!doc\/[^/]+\/copyright$)./;

/** Folders that must be there to be mounted over. */
const PLACES = ['usr/local/go', 'usr/lib64'];

/** Gives what stands for a build root in the key of what is compiled with it. */
export function digestOfBuildRoot(packages: readonly LockedPackage[]): Digest {
  return digestOf([`form ${FORM}`, ...packages.map(({ sha256 }) => sha256).sort()].join('\n'));
}

/**
 * Lays locked packages into a folder of the cache, once, with their programs: a `/usr` to be mounted in a sandbox. No script of theirs
 * is run. Throws `BASE_FILE_CONFLICT`, `BASE_LINK_ESCAPES`, and what fetching and unpacking throw.
 */
export async function layBuildRoot(packages: readonly LockedPackage[], options: DebianOptions): Promise<TreeResult> {
  const key = { name: 'build-root', inputs: { root: digestOfBuildRoot(packages) } };
  const unpacked = await Promise.all(packages.map((one) => isUnpacked(one, options)));
  await fetchPackages(
    packages.filter((_, index) => !unpacked[index]),
    options,
  );
  const tree = new Map<string, Laid>();
  for (const one of packages) gather(one.name, await unpackDeb(one, options), tree);
  const lay = (folder: string) => write(folder, tree, options);
  const laid = await options.cache.tree(key, lay);
  if (!laid.cached || (await isWhole(laid.path, tree))) return laid;
  options.report?.({ kind: 'warning', message: 'the build root in the cache was damaged; making it anew' });
  await options.cache.dropTree(key);
  return options.cache.tree(key, lay);
}

/** Compares every file with the package it is from: what compiles is looked at again before it does. */
async function isWhole(folder: string, tree: ReadonlyMap<string, Laid>): Promise<boolean> {
  for (const [path, { entry }] of tree) {
    if (entry.kind !== 'file') continue;
    const sum = new Measure();
    try {
      for await (const chunk of createReadStream(join(folder, path), { highWaterMark: 1 << 18 }))
        sum.update(chunk as Buffer);
    } catch {
      return false;
    }
    if (sum.digest() !== entry.digest) return false;
  }
  return true;
}

/** An entry in the making, and the package it comes from. */
interface Laid {
  readonly owner: string;
  readonly deb: UnpackedDeb;
  readonly entry: UnpackedDeb['entries'][number];
}

function gather(owner: string, deb: UnpackedDeb, tree: Map<string, Laid>): void {
  for (const entry of deb.entries) {
    const path = mergedUsrPath(entry.path);
    if (path === '' || entry.kind === 'directory' || LEFT_OUT.test(path)) continue;
    const known = tree.get(path);
    if (known !== undefined)
      throw new BaseError('BASE_FILE_CONFLICT', `${known.owner} and ${owner} both hold /${path}`, {
        hint: 'Take one of the two out of `packages` of the build root in the definition.',
      });
    tree.set(path, { owner, deb, entry });
  }
}

/** Files before links: while files are written there is no link that could lead one out of the folder. */
async function write(folder: string, tree: ReadonlyMap<string, Laid>, options: DebianOptions): Promise<void> {
  for (const place of PLACES) await mkdir(join(folder, place), { recursive: true });
  for (const kind of ['file', 'hardlink', 'symlink'] as const) {
    for (const [path, laid] of tree) {
      if (laid.entry.kind === kind) await writeEntry({ folder, path, laid, tree }, options);
    }
  }
}

interface Place {
  readonly folder: string;
  readonly path: string;
  readonly laid: Laid;
  readonly tree: ReadonlyMap<string, Laid>;
}

async function writeEntry({ folder, path, laid, tree }: Place, options: DebianOptions): Promise<void> {
  const { deb, entry } = laid;
  for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
    if (tree.has(parent)) throw escapes(path, `lies below /${parent}, which is no folder`, 'the build root');
  }
  const at = join(folder, path);
  await mkdir(dirname(at), { recursive: true });
  if (entry.kind === 'file') {
    const mode = (entry.mode & 0o111) === 0 ? 0o644 : 0o755;
    await writeFile(at, streamSlice(options.cache, { ...entry, spool: deb.spool }), { flag: 'wx', mode });
  } else if (entry.kind === 'symlink') await symlink(entry.target, at);
  else if (entry.kind === 'hardlink') {
    const target = mergedUsrPath(entry.target);
    if (tree.get(target)?.entry.kind !== 'file')
      throw escapes(path, 'is a hard link to no file of its package', 'the build root');
    await link(join(folder, target), at);
  }
}
