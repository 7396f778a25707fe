// SPDX-License-Identifier: Apache-2.0
import type { Cache } from '#cache';
import { messageOf } from '#core';
import { copyrightLicences, type Deb822Stanza, parseDeb822 } from '#formats';
import { BaseError } from './error.ts';
import { mergedUsrPath } from './rules.ts';
import { readSlices } from './spool.ts';
import type { Placed } from './tree.ts';
import type { InstalledPackage, LockedPackage } from './types.ts';
import type { UnpackedDeb, UnpackedEntry } from './unpack-deb.ts';

type UnpackedFile = Extract<UnpackedEntry, { kind: 'file' }>;

/** Reads a package's control stanza. Throws `BASE_PACKAGE_INVALID`. */
export function readControlFields(deb: UnpackedDeb, one: LockedPackage): Deb822Stanza {
  const where = `${one.path}: control`;
  try {
    const [stanza, ...more] = parseDeb822(deb.control, where);
    if (stanza !== undefined && more.length === 0) return stanza;
  } catch (error) {
    throw new BaseError('BASE_PACKAGE_INVALID', messageOf(error), { where, cause: error });
  }
  throw new BaseError('BASE_PACKAGE_INVALID', 'a control file does not hold exactly one stanza', { where });
}

/** Tells what of a package is in the root, for SBOMs. */
export async function describePackage(
  one: LockedPackage,
  deb: UnpackedDeb,
  tree: ReadonlyMap<string, Placed>,
  cache: Cache,
): Promise<InstalledPackage> {
  const fields = readControlFields(deb, one);
  const kept = deb.entries.filter((entry): entry is UnpackedFile => {
    const placed = tree.get(mergedUsrPath(entry.path));
    return entry.kind === 'file' && placed?.owner === one.name && placed.entry.kind === 'file';
  });
  const files = kept
    .map(({ path, digest, size }) => ({ path: mergedUsrPath(path), digest, size }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const copyright = kept.find(({ path }) => path === `usr/share/doc/${one.name}/copyright`);
  const [text] =
    copyright === undefined ? [] : await readSlices(cache, deb.spool, [{ ...copyright, spool: deb.spool }]);
  const homepage = fields.get('homepage');
  return {
    name: one.name,
    version: one.version,
    architecture: one.architecture,
    source: one.source,
    sha256: one.sha256,
    maintainer: fields.get('maintainer') ?? '',
    ...(homepage === undefined ? {} : { homepage }),
    ...(copyright === undefined ? {} : { copyright: copyright.path }),
    licenses: copyrightLicences(text?.toString('utf8') ?? ''),
    files,
  };
}
