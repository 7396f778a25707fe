// SPDX-License-Identifier: Apache-2.0
import { tarEnd, tarHeader, tarPadding } from '#formats';
import type { Access, Folder, NamedApk, OwnedPart } from './lay.ts';
import type { ApkUnpackedEntry } from './unpack-apk.ts';

/** Scripts in the order in which apk keeps them (apk-tools 2.14, src/package.c `apk_script_types`). */
const SCRIPTS = [
  'pre-install',
  'post-install',
  'pre-deinstall',
  'post-deinstall',
  'pre-upgrade',
  'post-upgrade',
  'trigger',
];

/**
 * Gives apk's list of what is installed (apk-tools 2.14, src/database.c `apk_db_write_fdb`): packages by name, each with its fields, its
 * folders and of its files those that it still owns. `access` says what the composer gave a path other than its package.
 */
export function installedList(parts: readonly OwnedPart[], access: ReadonlyMap<string, Access>): string {
  const sorted = [...parts].sort((a, b) => (a.package.apk.info.name < b.package.apk.info.name ? -1 : 1));
  return sorted.map((part) => `${headOf(part.package)}${bodyOf(part, access)}\n`).join('');
}

function headOf({ checksum, size, apk }: NamedApk): string {
  const { info } = apk;
  const fields: readonly (readonly [string, string | number])[] = [
    ['C', checksum],
    ['P', info.name],
    ['V', info.version],
    ['A', info.architecture],
    ['S', size],
    ['I', info.installedSize],
    ['T', info.description],
    ['U', info.homepage],
    ['L', info.licence],
    ['o', info.origin],
  ];
  const optional: readonly (readonly [string, string | number])[] = [
    ['m', info.maintainer],
    ['t', info.builtAt],
    ['c', info.commit],
    ['k', info.providerPriority],
    ['D', info.depends.join(' ')],
    ['p', info.provides.join(' ')],
    ['i', info.installIf.join(' ')],
    ['r', info.replaces.join(' ')],
    ['q', info.replacesPriority],
  ];
  const told = optional.filter(([, value]) => value !== '' && value !== 0);
  return [...fields, ...told].map(([letter, value]) => `${letter}:${value}\n`).join('');
}

function bodyOf({ package: owner, folders }: OwnedPart, access: ReadonlyMap<string, Access>): string {
  const byPath = new Map(owner.apk.entries.map((entry) => [entry.path, entry]));
  const lines: string[] = [];
  for (const [path, folder] of folders) {
    lines.push(`F:${path}`, ...accessLine('M', folder, 0o755));
    for (const [name, entry] of filesOf(folder)) {
      const own = access.get(path === '' ? name : `${path}/${name}`) ?? entry;
      lines.push(`R:${name}`, ...accessLine('a', own, 0o644), ...checksumLine(entry, byPath));
    }
  }
  return lines.map((line) => `${line}\n`).join('');
}

function filesOf({ entries }: Folder): readonly (readonly [string, ApkUnpackedEntry])[] {
  return [...entries];
}

/** What is not as usual: owner, group and mode. */
function accessLine(letter: string, { uid, gid, mode }: Access, usual: number): readonly string[] {
  return uid === 0 && gid === 0 && mode === usual ? [] : [`${letter}:${uid}:${gid}:${mode.toString(8)}`];
}

/** A hard link has its file's. */
function checksumLine(entry: ApkUnpackedEntry, byPath: ReadonlyMap<string, ApkUnpackedEntry>): readonly string[] {
  const meant = entry.kind === 'hardlink' ? byPath.get(entry.target) : entry;
  if (meant === undefined || !('sha1' in meant)) return [];
  return [`Z:Q1${Buffer.from(meant.sha1, 'hex').toString('base64')}`];
}

/** Gives the archive of the packages' scripts (`apk_db_scriptdb_write`), which nobody has run; apk runs them when it removes or upgrades. */
export function scriptArchive(packages: readonly NamedApk[]): Buffer {
  const blocks = packages.flatMap(({ checksum, apk }) => {
    const { name, version, builtAt } = apk.info;
    const scripts = [...apk.scripts].sort(([a], [b]) => SCRIPTS.indexOf(a) - SCRIPTS.indexOf(b));
    return scripts.flatMap(([kind, text]) => {
      const body = Buffer.from(text);
      const path = `${name}-${version}.${checksum}.${kind}`;
      const header = tarHeader({ path, kind: 'file', mode: 0o755, uid: 0, gid: 0, mtime: builtAt, size: body.length });
      return [header, body, tarPadding(body.length)];
    });
  });
  return Buffer.concat([...blocks, tarEnd()]);
}

/** Gives what runs which trigger (`apk_db_triggers_write`). */
export function triggerList(packages: readonly NamedApk[]): string {
  return packages
    .filter(({ apk }) => apk.info.triggers.length > 0)
    .map(({ checksum, apk }) => `${[checksum, ...apk.info.triggers].join(' ')}\n`)
    .join('');
}
