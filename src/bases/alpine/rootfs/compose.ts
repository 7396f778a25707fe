// SPDX-License-Identifier: Apache-2.0
import { posix } from 'node:path';
import type { Report, TreeEntry } from '#core';
import type { SbomPackage } from '#evidence';
import { bundleCertificates, CERTIFICATE_BUNDLE } from '../../certificates.ts';
import { BaseError, escapes } from '../../error.ts';
import { inParallel } from '../../fetch.ts';
import { readSlices, streamSlice } from '../../spool.ts';
import { missingParents, ownFile } from '../../tree.ts';
import type { LockedApk } from '../types.ts';
import { appletLinks, isAppletList } from './busybox.ts';
import { installedList, scriptArchive, triggerList } from './database.ts';
import { type Access, type LaidEntry, layApks, type NamedApk, type OwnedPart } from './lay.ts';
import { type ApkSource, type ApkUnpackedEntry, unpackApk } from './unpack-apk.ts';
import { addsUsers, addUsers, scriptedWork, type UserFiles } from './users.ts';

/** Raised with every change after which the same packages give another root; part of the key of whatever is made of one. */
export const ALPINE_COMPOSITION = 1;

/** Taking one apart mostly waits for zlib and the disk; each more costs memory, of a hostile one up to 16 MiB. */
const UNPACKED_AT_ONCE = 3;

/** What a root is made from. */
export interface AlpineRootRequest {
  /** `v3.22`. */
  readonly branch: string;
  /** Alpine's own name: `x86_64` or `aarch64`. */
  readonly architecture: string;
  /** Repositories by their paths below a mirror, or by their addresses. */
  readonly repositories: readonly string[];
  /** What was asked for, as words of /etc/apk/world. */
  readonly world: readonly string[];
  /** In the order in which apk would install them. */
  readonly packages: readonly LockedApk[];
}

/** A composed root: entries sorted by path, parents first. */
export interface AlpineRoot {
  readonly entries: readonly TreeEntry[];
  readonly packages: readonly SbomPackage[];
  /** The newest time of a file in the packages; no entry is later. */
  readonly epoch: Date;
}

/** How a root is composed; `report` is told of what is left out. */
export type ComposeOptions = ApkSource & { readonly report?: Report };

type Tree = Map<string, TreeEntry>;

/**
 * Composes a root from locked packages as apk would install them, running nothing: what their scripts would do that matters is done as
 * data (links of busybox, the bundle of certificates, system users), and apk's own database is written, so that scanners and apk read
 * it. Same packages, same entries. Throws {@link BaseError}, and #formats' codes for hostile packages.
 */
export async function composeAlpine(request: AlpineRootRequest, options: ComposeOptions): Promise<AlpineRoot> {
  const packages = await inParallel(
    request.packages,
    async (one): Promise<NamedApk> => ({
      checksum: one.checksum,
      size: one.size,
      apk: await unpackApk(one, options),
    }),
    UNPACKED_AT_ONCE,
  );
  tellOfTheUndone(packages, options.report);
  const { tree: laid, parts } = layApks(packages);
  const newest = Math.max(0, ...packages.flatMap(({ apk }) => apk.entries.map(({ mtime }) => mtime)));
  const epoch = new Date(1000 * newest);
  const changed = changedAccess(packages, laid);
  const tree: Tree = new Map(
    [...laid].map(([path, { owner, entry }]) => [
      path,
      toTreeEntry({ owner, entry }, { laid, changed, epoch, options }),
    ]),
  );
  const remade = await placeUsers(tree, { packages, laid, options, epoch });
  await placeApplets(tree, { packages, laid, options, epoch });
  await placeCertificates(tree, { packages, options, epoch });
  placeRelease(tree, request.branch, epoch);
  placeDatabase(tree, { request, packages, parts, changed, epoch });
  for (const parent of missingParents(tree, epoch)) tree.set(parent.path, parent);
  return {
    entries: judge([...tree.values()].sort((a, b) => (a.path < b.path ? -1 : 1))),
    packages: request.packages.map((one, index) => describe(one, parts[index] as OwnedPart, remade)),
    epoch,
  };
}

interface Made {
  readonly packages: readonly NamedApk[];
  readonly laid: ReadonlyMap<string, LaidEntry>;
  readonly options: ComposeOptions;
  readonly epoch: Date;
}

function tellOfTheUndone(packages: readonly NamedApk[], report: Report | undefined): void {
  for (const { apk } of packages) {
    const { name } = apk.info;
    if (scriptedWork(name) === undefined && addsUsers(apk.scripts)) {
      const message = `the package ${name} adds users or groups by a script, which is not run: add them to the image where they are needed`;
      report?.({ kind: 'warning', message });
    }
    const [path] = apk.withAttributes;
    if (path === undefined) continue;
    const message = `/${path} of ${name} has extended attributes (such as capabilities), which layers do not carry: it runs without them`;
    report?.({ kind: 'warning', message });
  }
}

/** Files whose group a script would change. */
function changedAccess(packages: readonly NamedApk[], laid: Made['laid']): ReadonlyMap<string, Access> {
  const changes = packages.flatMap(({ apk }) => Object.entries(scriptedWork(apk.info.name)?.groups ?? {}));
  return new Map(
    changes.flatMap(([path, gid]): (readonly [string, Access])[] => {
      const known = laid.get(path)?.entry;
      return known === undefined ? [] : [[path, { mode: known.mode, uid: known.uid, gid }]];
    }),
  );
}

interface Origin {
  readonly laid: Made['laid'];
  readonly changed: ReadonlyMap<string, Access>;
  readonly epoch: Date;
  readonly options: ComposeOptions;
}

function toTreeEntry({ owner, entry }: LaidEntry, origin: Origin): TreeEntry {
  const { laid, changed, epoch, options } = origin;
  const { path } = entry;
  const { mode, uid, gid } = changed.get(path) ?? entry;
  const common = { path, mode, uid, gid, mtime: new Date(Math.min(entry.mtime * 1000, epoch.getTime())) };
  if (entry.kind === 'directory') return { ...common, kind: 'directory' };
  if (entry.kind === 'symlink') return { ...common, kind: 'symlink', mode: 0o777, target: entry.target };
  if (entry.kind === 'file') {
    const slice = { ...entry, spool: owner.apk.spool };
    return { ...common, kind: 'file', size: entry.size, open: () => streamSlice(options.cache, slice) };
  }
  if (laid.get(entry.target)?.owner === owner) return { ...common, kind: 'hardlink', target: entry.target };
  // The other name is another package's now, so this one holds the bytes.
  const first = owner.apk.entries.find((one) => one.path === entry.target && one.kind === 'file');
  if (first === undefined)
    throw new BaseError('BASE_LINK_ESCAPES', `/${path} is a hard link to no file of its package`);
  return toTreeEntry({ owner, entry: { ...first, path } }, origin);
}

/** Reads a file that a package has in the root; undefined where there is none. */
async function readLaid(path: string, { laid, options }: Pick<Made, 'laid' | 'options'>): Promise<string | undefined> {
  const found = laid.get(path);
  if (found?.entry.kind !== 'file') return undefined;
  const { spool } = found.owner.apk;
  const [content] = await readSlices(options.cache, spool, [{ ...found.entry, spool }]);
  return content?.toString('utf8');
}

/** Adds the users that scripts would add; gives the paths of the files that are no longer as their package has them. */
async function placeUsers(tree: Tree, made: Made): Promise<ReadonlySet<string>> {
  // A script that runs before /etc/passwd is there adds nobody: so it is in Alpine's own images, where busybox comes first.
  const passwdAt = made.packages.findIndex((one) => one === made.laid.get('etc/passwd')?.owner);
  const later = passwdAt === -1 ? [] : made.packages.slice(passwdAt);
  const users = later.flatMap(({ apk }) => scriptedWork(apk.info.name)?.users ?? []);
  const names = ['passwd', 'group', 'shadow'] as const;
  const texts = await Promise.all(names.map((name) => readLaid(`etc/${name}`, made)));
  const [passwd, group, shadow] = texts;
  const remade = new Set<string>();
  if (users.length === 0 || passwd === undefined || group === undefined) return remade;
  const before: UserFiles = { passwd, group, shadow: shadow ?? '' };
  const after = addUsers(before, users);
  for (const name of names) {
    const known = tree.get(`etc/${name}`);
    if (known === undefined || after[name] === before[name]) continue;
    const { mode, uid, gid } = known;
    tree.set(known.path, { ...ownFile(known.path, Buffer.from(after[name]), made.epoch), mode, uid, gid });
    remade.add(known.path);
  }
  return remade;
}

/** `busybox --install -s` leaves alone what is there. */
async function placeApplets(tree: Tree, made: Made): Promise<void> {
  const lists = [...made.laid.keys()].filter(isAppletList).sort();
  for (const list of lists) {
    const links = appletLinks(list, (await readLaid(list, made)) ?? '');
    for (const { path, target } of links) {
      if (tree.has(path) || !tree.has(target.slice(1))) continue;
      tree.set(path, { path, kind: 'symlink', mode: 0o777, uid: 0, gid: 0, mtime: made.epoch, target });
    }
  }
}

/** What update-ca-certificates, the trigger of ca-certificates, writes; ca-certificates-bundle brings it along. */
async function placeCertificates(tree: Tree, { packages, options, epoch }: Omit<Made, 'laid'>): Promise<void> {
  if (tree.has(CERTIFICATE_BUNDLE)) return;
  const bundle = await bundleCertificates(
    options.cache,
    packages.map(({ apk }) => apk),
  );
  if (bundle !== undefined) tree.set(CERTIFICATE_BUNDLE, ownFile(CERTIFICATE_BUNDLE, bundle, epoch));
}

/** The package alpine-release has it; without it scanners would not know which advisories are for this root. */
function placeRelease(tree: Tree, branch: string, epoch: Date): void {
  if (tree.has('etc/os-release') || tree.has('usr/lib/os-release')) return;
  const version = branch.replace(/^v/, '');
  const text = `NAME="Alpine Linux"\nID=alpine\nVERSION_ID=${version}\nPRETTY_NAME="Alpine Linux ${branch}"\nHOME_URL="https://alpinelinux.org/"\n`;
  tree.set('etc/os-release', ownFile('etc/os-release', Buffer.from(text), epoch));
}

interface Database extends Pick<Made, 'packages' | 'epoch'> {
  readonly request: AlpineRootRequest;
  readonly parts: readonly OwnedPart[];
  readonly changed: ReadonlyMap<string, Access>;
}

/** Where apk looks: since apk-tools 3 below usr where lib is a link to it. */
function databaseFolder(tree: Tree): string {
  return tree.get('lib')?.kind === 'symlink' ? 'usr/lib/apk/db' : 'lib/apk/db';
}

function placeDatabase(tree: Tree, { request, packages, parts, changed, epoch }: Database): void {
  const folder = databaseFolder(tree);
  const place = (path: string, content: string | Buffer, mode = 0o644) =>
    tree.set(path, { ...ownFile(path, Buffer.from(content as string), epoch), mode });
  place(`${folder}/installed`, installedList(parts, changed));
  place(`${folder}/scripts.tar`, scriptArchive(packages));
  place(`${folder}/triggers`, triggerList(packages));
  place(`${folder}/lock`, '', 0o600);
  tree.set('var/cache/apk', { path: 'var/cache/apk', kind: 'directory', mode: 0o755, uid: 0, gid: 0, mtime: epoch });
  place('etc/apk/arch', `${request.architecture}\n`);
  place(
    'etc/apk/world',
    [...request.world]
      .sort()
      .map((word) => `${word}\n`)
      .join(''),
  );
  place('etc/apk/repositories', repositoryList(request.repositories));
}

/** Which mirror served a package is not written down: another one gives the same root. */
function repositoryList(repositories: readonly string[]): string {
  const lines = repositories.map((one) => (/^(?:@\S+ )?https?:/.test(one) ? one : `# ${one} of a mirror of Alpine`));
  return [...new Set(lines)].map((line) => `${line}\n`).join('');
}

/** A second pair of eyes: what the composer adds must not lie below a link either, and no link may climb out of the root. */
function judge(entries: readonly TreeEntry[]): readonly TreeEntry[] {
  const kinds = new Map(entries.map(({ path, kind }) => [path, kind]));
  for (const entry of entries) {
    for (let parent = posix.dirname(entry.path); parent !== '.'; parent = posix.dirname(parent)) {
      if (kinds.get(parent) !== 'directory') throw escapes(entry.path, `lies below /${parent}, which is no folder`);
    }
    if (entry.kind !== 'symlink') continue;
    const folder = entry.target.startsWith('/')
      ? []
      : posix
          .dirname(entry.path)
          .split('/')
          .filter((part) => part !== '.');
    let depth = folder.length;
    for (const part of entry.target.split('/')) {
      depth += part === '..' ? -1 : part === '' || part === '.' ? 0 : 1;
      if (depth < 0) throw escapes(entry.path, `is a link out of the root, to ${entry.target}`);
    }
  }
  return entries;
}

function describe(one: LockedApk, { package: owner, folders }: OwnedPart, remade: ReadonlySet<string>): SbomPackage {
  const { info } = owner.apk;
  const entries = [...folders.values()].flatMap((folder) => [...folder.entries.values()]);
  const files = entries.filter((entry): entry is Extract<ApkUnpackedEntry, { kind: 'file' }> => entry.kind === 'file');
  return {
    kind: 'apk',
    name: info.name,
    version: info.version,
    architecture: info.architecture,
    source: { name: info.origin, version: info.version },
    sha256: one.sha256,
    maintainer: info.maintainer,
    ...(info.homepage === '' ? {} : { homepage: info.homepage }),
    licenses: [],
    licence: info.licence,
    ...(info.commit === '' ? {} : { commit: info.commit }),
    files: files.filter(({ path }) => !remade.has(path)).map(({ path, digest }) => ({ path, digest })),
  };
}
