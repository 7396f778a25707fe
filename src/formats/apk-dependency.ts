// SPDX-License-Identifier: Apache-2.0
import { beginsWithAlpineVersion, compareAlpineVersions, isAlpineVersion } from './alpine-version.ts';

/** One dependency of a package, or one thing that it provides. */
export interface ApkDependency {
  readonly name: string;
  /** `!name`: nothing that provides it, or none of these versions, may be there. */
  readonly conflict: boolean;
  /** The repository tag of `name@tag`. */
  readonly tag?: string;
  /** Of `<`, `=`, `>` and `~` those that were written, each once, in this order; `<>` is a package named by its checksum. */
  readonly operator?: string;
  readonly version?: string;
  /** The version is none that apk understands: nothing that depends on it may be installed. */
  readonly broken?: true;
}

const DEPENDENCY = /^(!?)([^\s!<>=~@][^\s<>=~@]*)(?:@([A-Za-z0-9._-]+))?(?:([<>=~]+)([^\s<>=~][^\s]*))?$/;
const BY_CHECKSUM = '<>';

/**
 * Reads one word of a list of dependencies: `[!]name[@tag][operator version]` (apk-world(5), "PACKAGE SPECIFICATION"). Undefined
 * where it is none.
 */
export function parseApkDependency(word: string): ApkDependency | undefined {
  const [, mark, name, tag, sign, version] = DEPENDENCY.exec(word) ?? [];
  if (name === undefined) return undefined;
  const dependency = { name, conflict: mark === '!', ...(tag === undefined ? {} : { tag }) };
  if (sign === undefined || version === undefined) return dependency;
  const operator = ['<', '=', '>', '~'].filter((one) => sign.includes(one)).join('');
  const broken = operator !== BY_CHECKSUM && !isAlpineVersion(version);
  return { ...dependency, operator, version, ...(broken ? { broken } : {}) };
}

/**
 * Says whether what is provided meets a dependency's version; its `!` is not looked at. What is provided without a version
 * meets all, as apk has it. `checksum` is that of the providing package, in apk's form (`Q1...`).
 */
export function meetsApkVersion(
  dependency: ApkDependency,
  provided: { readonly version: string | undefined; readonly checksum: string },
): boolean {
  const { operator, version } = dependency;
  if (operator === undefined || version === undefined) return true;
  if (operator === BY_CHECKSUM) return provided.checksum === version;
  if (provided.version === undefined) return true;
  if (operator.includes('~') && beginsWithAlpineVersion(provided.version, version)) return true;
  const order = compareAlpineVersions(provided.version, version);
  if (order === 0) return operator.includes('=');
  return operator.includes(order < 0 ? '<' : '>');
}
