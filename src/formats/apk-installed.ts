// SPDX-License-Identifier: Apache-2.0
import { FormatError } from './error.ts';

/** A package that apk has installed. */
export interface ApkPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** The package whose build made it; its own name where the list tells none. */
  readonly origin: string;
  /** An SPDX expression, mostly; empty where the list tells none, as are the next three. */
  readonly licence: string;
  readonly maintainer: string;
  readonly homepage: string;
  /** Of the packages' repository (aports), when it was built. */
  readonly commit: string;
  /** Its files, without a leading slash. */
  readonly paths: readonly string[];
}

/**
 * Takes the text of apk's list of what is installed (`lib/apk/db/installed`, apk-tools' "APKINDEX format": lines `X:value`, the
 * letter's case counts, an empty line after each package); gives the packages. Throws `APK_INVALID`.
 */
export function parseApkInstalled(text: string, where: string): readonly ApkPackage[] {
  return text.split(/\n{2,}/).flatMap((block) => {
    if (block.trim() === '') return [];
    const name = fieldOf(block, 'P');
    const version = fieldOf(block, 'V');
    if (name === undefined || version === undefined) {
      const shown = JSON.stringify((name ?? block).slice(0, 80));
      throw new FormatError(
        'APK_INVALID',
        `a package without ${name === undefined ? 'a name' : 'a version'}: ${shown}`,
        {
          where,
        },
      );
    }
    return [
      {
        name,
        version,
        architecture: fieldOf(block, 'A') ?? '',
        origin: fieldOf(block, 'o') ?? name,
        licence: fieldOf(block, 'L') ?? '',
        maintainer: fieldOf(block, 'm') ?? '',
        homepage: fieldOf(block, 'U') ?? '',
        commit: fieldOf(block, 'c') ?? '',
        paths: pathsOf(block),
      },
    ];
  });
}

/** A folder (`F:`) stands before its files (`R:`). */
function pathsOf(block: string): readonly string[] {
  let folder = '';
  return block.split('\n').flatMap((line) => {
    if (line.startsWith('F:')) folder = line.slice(2);
    if (!line.startsWith('R:')) return [];
    return [folder === '' ? line.slice(2) : `${folder}/${line.slice(2)}`];
  });
}

function fieldOf(block: string, letter: string): string | undefined {
  const at = block.startsWith(`${letter}:`) ? 0 : block.indexOf(`\n${letter}:`) + 1;
  if (at === 0 && !block.startsWith(`${letter}:`)) return undefined;
  const end = block.indexOf('\n', at);
  const value = block.slice(at + 2, end === -1 ? undefined : end).trim();
  return value === '' ? undefined : value;
}
