// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { type IndexedAlpinePackage, parseApkDependency, type ApkDependency } from '#formats';

/** A package in short: `a-1`, and lists of words. */
export interface Short {
  readonly needs?: string;
  readonly provides?: string;
  readonly when?: string;
  readonly priority?: number;
}

/** Takes packages by `name-version`; gives them as an index lists them. */
export function shelfOf(packages: Readonly<Record<string, Short>>): IndexedAlpinePackage[] {
  return Object.entries(packages).map(([title, { needs = '', provides = '', when = '', priority = 0 }]) => {
    const [, name = '', version = ''] = /^(.+)-(\d[^-]*(?:-r\d+)?)$/.exec(title) ?? [];
    const text = JSON.stringify([title, needs, provides, when, priority]);
    return {
      name,
      version,
      architecture: 'x86_64',
      origin: name,
      licence: '',
      description: '',
      homepage: '',
      maintainer: '',
      commit: '',
      builtAt: 0,
      installedSize: 4096,
      depends: wordsIn(needs),
      provides: wordsIn(provides),
      installIf: wordsIn(when),
      providerPriority: priority,
      checksum: `Q1${createHash('sha1').update(text).digest('base64')}`,
      size: 100,
      uninstallable: false,
    };
  });
}

/** Takes words of a world; gives them read. */
export function worldOf(text: string): readonly ApkDependency[] {
  return wordsIn(text).flatMap((word) => parseApkDependency(word) ?? []);
}

function wordsIn(text: string): readonly string[] {
  return text.split(' ').filter((word) => word !== '');
}
