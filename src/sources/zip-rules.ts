// SPDX-License-Identifier: Apache-2.0
import { moduleFileFault, type ZipEntry } from '#formats';
import { SourcesError } from './error.ts';

/** https://go.dev/ref/mod#zip-path-size-constraints: the most bytes of a module zip, packed and unpacked. */
export const MAX_ZIP = 500 << 20;
const MAX_SMALL_FILE = 16 << 20;
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;

/** A file of a module zip: where it goes below the module's folder, and its entry. */
export interface ModuleFile {
  readonly path: string;
  readonly entry: ZipEntry;
}

/**
 * Takes a zip's entries and the module's `path@version`; gives the files, folders left out. Throws `ZIP_REFUSED` at
 * the first that breaks a rule of https://go.dev/ref/mod#zip-path-size-constraints: the prefix on each name, valid
 * paths, no two alike but for case, no file that is also a folder, regular files only, go.mod only at the root, sizes.
 */
export function checkModuleZip(entries: readonly ZipEntry[], name: string): readonly ModuleFile[] {
  const prefix = `${name}/`;
  const seen = new Map<string, { path: string; isFolder: boolean }>();
  const files: ModuleFile[] = [];
  let total = 0;
  for (const entry of entries) {
    const fail = (why: string) => refused(name, `${JSON.stringify(entry.name)} ${why}`);
    if (!entry.name.startsWith(prefix)) throw fail(`does not begin with ${prefix}`);
    const isFolder = entry.name.endsWith('/');
    const path = entry.name.slice(prefix.length, isFolder ? -1 : undefined);
    if (path === '' || entry.name === prefix) continue;
    const fault = moduleFileFault(path) ?? kindFault(entry, isFolder) ?? collide(seen, path, isFolder);
    if (fault !== undefined) throw fail(fault);
    if (isFolder) continue;
    const sizeFault =
      goModFault(path) ?? (isSmall(path) && entry.size > MAX_SMALL_FILE ? 'is larger than 16 MiB' : undefined);
    if (sizeFault !== undefined) throw fail(sizeFault);
    total += entry.size;
    if (total > MAX_ZIP) throw refused(name, `its files are larger than ${MAX_ZIP >> 20} MiB in all`);
    files.push({ path, entry });
  }
  return files;
}

/** Gives the error for a module zip that breaks a rule. */
export function refused(name: string, why: string): SourcesError {
  return new SourcesError('ZIP_REFUSED', `the zip file of ${name} is refused: ${why}`, {
    hint: 'No Go tool makes such a file: whoever serves it is broken or hostile. Nothing of it was kept.',
  });
}

function kindFault(entry: ZipEntry, isFolder: boolean): string | undefined {
  const kind = entry.unixMode & S_IFMT;
  if (kind === 0 || kind === (isFolder ? S_IFDIR : S_IFREG)) return undefined;
  return 'is a link or another special file';
}

function goModFault(path: string): string | undefined {
  const base = path.slice(path.lastIndexOf('/') + 1);
  if (base.toLowerCase() !== 'go.mod' || path === 'go.mod') return undefined;
  return base === path ? 'is go.mod, not in lower case' : 'is a go.mod file below the root of the module';
}

function isSmall(path: string): boolean {
  return path === 'go.mod' || path === 'LICENSE';
}

function collide(
  seen: Map<string, { path: string; isFolder: boolean }>,
  path: string,
  isFolder: boolean,
): string | undefined {
  const folded = fold(path);
  const other = seen.get(folded);
  if (other === undefined) seen.set(folded, { path, isFolder });
  else if (other.path !== path) return `differs from ${JSON.stringify(other.path)} in case alone`;
  else if (other.isFolder !== isFolder) return 'is both a file and a folder';
  else if (!isFolder) return 'is there twice';
  else return undefined; // a folder met before: so were its parents
  const slash = path.lastIndexOf('/');
  return slash < 0 ? undefined : collide(seen, path.slice(0, slash), true);
}

/** Simple case folding: upper case first, so that letters with two lower-case forms meet as well. */
function fold(path: string): string {
  return path.toUpperCase().toLowerCase();
}
