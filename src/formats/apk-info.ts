// SPDX-License-Identifier: Apache-2.0
import { FormatError } from './error.ts';

/** What an index and a package's own .PKGINFO both tell (apk-package(5)). Lists are of words that `parseApkDependency` reads. */
export interface AlpinePackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** The package whose build made it; its own name where none is told. */
  readonly origin: string;
  /** An SPDX expression, mostly. This and the next four are empty where none is told. */
  readonly licence: string;
  readonly description: string;
  readonly homepage: string;
  readonly maintainer: string;
  /** Of the packages' repository (aports), when it was built. */
  readonly commit: string;
  /** Seconds since 1970; 0 where none is told. */
  readonly builtAt: number;
  /** Bytes that its files take. */
  readonly installedSize: number;
  readonly depends: readonly string[];
  readonly provides: readonly string[];
  readonly installIf: readonly string[];
  /** Of packages that provide one name without a version, the one with the greatest is taken; 0 is none. */
  readonly providerPriority: number;
}

/** A package as an index lists it. */
export interface IndexedAlpinePackage extends AlpinePackage {
  /** `Q1` and the base64 of the SHA-1 of its control part. */
  readonly checksum: string;
  /** Bytes of the package file. */
  readonly size: number;
  /** Whether it asks for what only a newer apk knows, so that it must not be installed. */
  readonly uninstallable: boolean;
}

/** What a package's .PKGINFO tells. */
export interface ApkInfo extends AlpinePackage {
  /** Packages whose files it may take the place of. */
  readonly replaces: readonly string[];
  /** Of two packages that replace each other's files, the one with the greater wins. */
  readonly replacesPriority: number;
  /** Folders (patterns) whose change runs its trigger. */
  readonly triggers: readonly string[];
  /** SHA-256 (hex) of the data part as it lies in the file; undefined for a package without files. */
  readonly dataHash: string | undefined;
}

const NAME = /^[A-Za-z0-9._][A-Za-z0-9._+-]{0,255}$/;

/** Wider than what apk compares: Alpine's indexes have 0.99f7-r0 and the like. It must be safe in a file name. */
const VERSION = /^[0-9][A-Za-z0-9._+~-]{0,127}$/;

/** Says whether a text may name a package; such a name is safe as a part of a file name. */
function isAlpineName(text: string): boolean {
  return NAME.test(text) && !/^\.{1,2}$/.test(text);
}

/** Takes a text; gives its words, none of them empty. */
export function wordsOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(/[ \t]+/).filter((word) => word !== '');
}

/** Takes a field that should be a whole number; gives it, 0 where it is empty. Throws `APK_INVALID`. */
export function wholeNumber(text: string, where: string): number {
  if (/^\d{0,15}$/.test(text)) return Number(text);
  throw new FormatError('APK_INVALID', `${JSON.stringify(text.slice(0, 80))} stands where a number is due`, { where });
}

/** Throws `APK_INVALID` unless the name, version and architecture of a package can be such. */
export function checkIdentity(one: Pick<AlpinePackage, 'name' | 'version' | 'architecture'>, where: string): void {
  const fault = !isAlpineName(one.name)
    ? `${show(one.name)} is no name of a package`
    : !VERSION.test(one.version)
      ? `${show(one.version)}, the version of ${one.name}, is no version`
      : !/^[a-z0-9_]{1,32}$/.test(one.architecture)
        ? `${show(one.architecture)}, the architecture of ${one.name}, is none`
        : undefined;
  if (fault !== undefined) throw new FormatError('APK_INVALID', fault, { where });
}

/**
 * Takes the text of a package's .PKGINFO (`key = value` lines, `#` comments); gives its fields. Throws `APK_INVALID` for what no
 * package can be called, and for a second value where one may stand.
 */
export function parseApkInfo(text: string, where: string): ApkInfo {
  const fields = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [, key, value] = line.startsWith('#') ? [] : (/^([a-z_]+) = (.*)$/.exec(line) ?? []);
    if (key === undefined || value === undefined) continue;
    fields.set(key, [...(fields.get(key) ?? []), value.trim()]);
  }
  const one = (key: string) => {
    const values = fields.get(key) ?? [];
    if (values.length > 1) throw new FormatError('APK_INVALID', `a package has two of the field ${key}`, { where });
    return values[0] ?? '';
  };
  const all = (key: string) => (fields.get(key) ?? []).flatMap(wordsOf);
  const info: ApkInfo = {
    name: one('pkgname'),
    version: one('pkgver'),
    architecture: one('arch'),
    origin: one('origin') || one('pkgname'),
    licence: one('license'),
    description: one('pkgdesc'),
    homepage: one('url'),
    maintainer: one('maintainer'),
    commit: one('commit'),
    builtAt: wholeNumber(one('builddate'), where),
    installedSize: wholeNumber(one('size'), where),
    depends: all('depend'),
    provides: all('provides'),
    installIf: all('install_if'),
    providerPriority: wholeNumber(one('provider_priority'), where),
    replaces: all('replaces'),
    replacesPriority: wholeNumber(one('replaces_priority'), where),
    triggers: all('triggers'),
    dataHash: /^[0-9a-f]{64}$/.test(one('datahash')) ? one('datahash') : undefined,
  };
  checkIdentity(info, where);
  return info;
}

function show(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}
