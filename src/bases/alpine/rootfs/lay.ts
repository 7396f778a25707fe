// SPDX-License-Identifier: Apache-2.0
import { posix } from 'node:path';
import { meetsApkVersion, parseApkDependency } from '#formats';
import { BaseError } from '../../error.ts';
import type { ApkUnpackedEntry, UnpackedApk } from './unpack-apk.ts';

/** A locked package and its content, in the order in which apk would install it. */
export interface NamedApk {
  readonly checksum: string;
  /** Bytes of the package file. */
  readonly size: number;
  readonly apk: UnpackedApk;
}

/** Who may do what with a folder. */
export interface Access {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** What of one package is in the root. */
export interface OwnedPart {
  readonly package: NamedApk;
  /** Its folders as it has them, each with those of its files and links that nobody took from it; in its order. */
  readonly folders: ReadonlyMap<string, Folder>;
}

/** A folder of a package. */
export interface Folder extends Access {
  readonly entries: Map<string, ApkUnpackedEntry>;
}

/** An entry in the making and the package that it is of. */
export interface LaidEntry {
  readonly owner: NamedApk;
  readonly entry: ApkUnpackedEntry;
}

/** Packages laid over each other. */
export interface LaidPackages {
  readonly tree: ReadonlyMap<string, LaidEntry>;
  readonly parts: readonly OwnedPart[];
}

/**
 * Lays packages over each other in their order, as apk does (apk-tools 2.14, src/database.c `apk_db_install_archive_entry`): a file that
 * two packages have is the later one's where both come of one source, or where it says that it replaces the other; of two that replace
 * each other the greater priority decides. Folders are shared, with the rights of the lowest owner and only those that all agree on.
 * Throws `BASE_FILE_CONFLICT` naming both for any other file of two packages, and `BASE_LINK_ESCAPES` for what lies below a link.
 */
export function layApks(packages: readonly NamedApk[]): LaidPackages {
  const tree = new Map<string, LaidEntry>();
  const parts = packages.map((one) => layOne(one, tree));
  for (const { package: owner, folders } of parts) {
    for (const [path, { entries }] of folders) {
      for (const [name] of entries) {
        const whole = path === '' ? name : `${path}/${name}`;
        if (tree.get(whole)?.owner !== owner) entries.delete(name);
      }
    }
  }
  refuseBelowLinks(tree);
  return { tree, parts };
}

function layOne(owner: NamedApk, tree: Map<string, LaidEntry>): OwnedPart {
  const folders = new Map<string, Folder>();
  for (const entry of owner.apk.entries) {
    const known = tree.get(entry.path);
    if (entry.kind === 'directory') {
      folders.set(entry.path, { mode: entry.mode, uid: entry.uid, gid: entry.gid, entries: new Map() });
      if (known === undefined) tree.set(entry.path, { owner, entry });
      else if (known.entry.kind !== 'directory') throw conflict(entry.path, known.owner, owner);
      else tree.set(entry.path, { owner: known.owner, entry: { ...known.entry, ...lowest(known.entry, entry) } });
      continue;
    }
    if (known !== undefined && !takes(entry.path, known, owner)) continue;
    const name = posix.basename(entry.path);
    folderOf(folders, entry.path).entries.set(name, entry);
    tree.set(entry.path, { owner, entry });
  }
  return { package: owner, folders };
}

/** Most archives list a folder before what is in it; where one does not, apk takes it to be a usual one. */
function folderOf(folders: Map<string, Folder>, path: string): Folder {
  const slash = path.lastIndexOf('/');
  const name = slash === -1 ? '' : path.slice(0, slash);
  const folder = folders.get(name) ?? { mode: 0o755, uid: 0, gid: 0, entries: new Map() };
  folders.set(name, folder);
  return folder;
}

/** apk-tools' `apk_db_dir_apply_diri_permissions`. */
function lowest(a: Access, b: Access): Access {
  if (a.uid !== b.uid || a.gid !== b.gid) {
    const { mode, uid, gid } = b.uid < a.uid || (b.uid === a.uid && b.gid < a.gid) ? b : a;
    return { mode, uid, gid };
  }
  return { mode: a.mode & b.mode, uid: a.uid, gid: a.gid };
}

/** Says whether a package's file takes the place of another's. */
function takes(path: string, known: LaidEntry, owner: NamedApk): boolean {
  if (known.entry.kind === 'directory') throw conflict(path, known.owner, owner);
  const [older, newer] = [known.owner.apk.info, owner.apk.info];
  if (older.origin === newer.origin) return true;
  const priority = replaces(newer, older) ? newer.replacesPriority : -1;
  if ((replaces(older, newer) ? older.replacesPriority : -1) > priority) return false;
  if (priority >= 0) return true;
  throw conflict(path, known.owner, owner);
}

type Info = UnpackedApk['info'];

function replaces({ replaces: words }: Info, { name, version }: Info): boolean {
  return words.some((word) => {
    const dependency = parseApkDependency(word);
    return dependency?.name === name && meetsApkVersion(dependency, { version, checksum: '' });
  });
}

/** Nothing is written through a link: whose files these would be, nobody could tell from the layer. */
function refuseBelowLinks(tree: ReadonlyMap<string, LaidEntry>): void {
  for (const [path, { owner }] of tree) {
    for (let parent = posix.dirname(path); parent !== '.'; parent = posix.dirname(parent)) {
      const above = tree.get(parent);
      if (above === undefined || above.entry.kind === 'directory') continue;
      throw new BaseError(
        'BASE_LINK_ESCAPES',
        `/${path} of ${owner.apk.info.name} lies below /${parent}, which is no folder in ${above.owner.apk.info.name}`,
        { hint: 'The packages are of branches that do not go together: take all of one branch.' },
      );
    }
  }
}

function conflict(path: string, first: NamedApk, second: NamedApk): BaseError {
  const names = [first, second].map(({ apk }) => apk.info.name);
  return new BaseError('BASE_FILE_CONFLICT', `/${path} is in two packages: ${names.join(' and ')}`, {
    hint: 'Neither says that it replaces the other: take one of them out of `packages` of the base in the definition.',
  });
}
