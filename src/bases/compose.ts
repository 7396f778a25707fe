// SPDX-License-Identifier: Apache-2.0
import { bundleCertificates, CERTIFICATE_BUNDLE } from './certificates.ts';
import { BaseError } from './error.ts';
import { describePackage, readControlFields } from './installed.ts';
import { judgeTree } from './judge-tree.ts';
import { layPackages, missingParents, ownFile, type Placed, placeOwn, placeSkeleton } from './tree.ts';
import type { BaseRoot, DebianOptions, LockedPackage, RootForm } from './types.ts';
import { type UnpackedDeb, unpackDeb } from './unpack-deb.ts';

/** Raised with every change after which the same packages give another root; part of the key of whatever is made of one. */
export const COMPOSITION = 1;

const STATUS_FOLDER = 'var/lib/dpkg/status.d';

/**
 * Composes a root from locked packages, Distroless-like unless programs are wanted; see docs/bases.md for what it holds. Same packages, same
 * entries, in whatever order they are given. Throws {@link BaseError}, and the codes of formats for hostile packages.
 */
export async function composeRoot(
  packages: readonly LockedPackage[],
  form: RootForm,
  options: DebianOptions,
): Promise<BaseRoot> {
  const sorted = [...packages].sort(byFirstLaid);
  const debs = await unpackAll(sorted, options);
  const epoch = new Date(1000 * Math.max(0, ...debs.flatMap(({ deb }) => deb.entries.map(({ mtime }) => mtime))));
  const tree = layPackages(
    debs.map(({ one, deb }) => ({ name: one.name, deb })),
    { cache: options.cache, epoch, form },
  );
  placeSkeleton(tree, epoch);
  const bundle = await bundleCertificates(
    options.cache,
    debs.map(({ deb }) => deb),
  );
  if (bundle !== undefined) placeOwn(tree, ownFile(CERTIFICATE_BUNDLE, bundle, epoch));
  for (const { one, deb } of debs) placeStatus(tree, one, deb, epoch);
  for (const parent of missingParents(tree, epoch)) placeOwn(tree, parent);
  const entries = judgeTree(
    [...tree.values()].map(({ entry }) => entry).sort((a, b) => (a.path < b.path ? -1 : 1)),
    form,
  );
  const installed = await Promise.all(debs.map(({ one, deb }) => describePackage(one, deb, tree, options.cache)));
  return { entries, packages: installed.sort((a, b) => (a.name < b.name ? -1 : 1)), epoch };
}

/** base-files first, since it sets the modes of the folders all share (dpkg too lets the first package set them); then by name. */
function byFirstLaid(a: LockedPackage, b: LockedPackage): number {
  const first = Number(b.name === 'base-files') - Number(a.name === 'base-files');
  return first !== 0 ? first : a.name < b.name ? -1 : 1;
}

async function unpackAll(packages: readonly LockedPackage[], options: DebianOptions) {
  const debs: { one: LockedPackage; deb: UnpackedDeb }[] = [];
  for (const one of packages) {
    const deb = await unpackDeb(one, options);
    const fields = readControlFields(deb, one);
    for (const name of ['name', 'version', 'architecture'] as const) {
      const told = fields.get(name === 'name' ? 'package' : name);
      if (told !== one[name]) {
        throw new BaseError(
          'BASE_PACKAGE_MISNAMED',
          `the package locked as ${one.name} ${one.version} ${one.architecture} calls itself ${told}`,
          {
            where: one.path,
          },
        );
      }
    }
    debs.push({ one, deb });
  }
  return debs;
}

/**
 * The package database as Distroless images keep it and scanners read it: the control stanza as shipped, and the
 * checksums of those of its files that are in the root.
 */
function placeStatus(tree: Map<string, Placed>, one: LockedPackage, deb: UnpackedDeb, epoch: Date): void {
  const control = deb.control.endsWith('\n') ? deb.control : `${deb.control}\n`;
  const md5sums = deb.md5sums.split('\n').filter((line) => {
    const placed = tree.get(line.slice(34));
    return placed?.owner === one.name && placed.entry.kind === 'file';
  });
  const text = md5sums.map((line) => `${line}\n`).join('');
  placeOwn(tree, ownFile(`${STATUS_FOLDER}/${one.name}`, Buffer.from(control), epoch));
  placeOwn(tree, ownFile(`${STATUS_FOLDER}/${one.name}.md5sums`, Buffer.from(text), epoch));
}
