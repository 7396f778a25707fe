// SPDX-License-Identifier: Apache-2.0
import type { Architecture } from '#core';
import { type ApkDependency, parseApkDependency } from '#formats';
import { BaseError } from '../error.ts';
import { inParallel } from '../fetch.ts';
import { settleAll } from '../settle.ts';
import { openIndex, type OpenIndex } from './open-index.ts';
import { fetchLocked, openLocked, provePackage } from './package.ts';
import { APK_ARCHITECTURES, parseRepository } from './repository.ts';
import type { Candidate } from './solver/catalog.ts';
import { solve } from './solver/solve.ts';
import type { Alpine, AlpineOptions, AlpineSpec, LockedIndex, ResolvedAlpine } from './types.ts';

/** Opens Alpine's repositories: nothing is asked of a mirror until a verb is called. */
export function openAlpine(options: AlpineOptions): Alpine {
  const known = new Map<string, Promise<OpenIndex>>();
  /** Opens each index once. */
  const openAll = (spec: AlpineSpec, architecture: string) =>
    settleAll(
      spec.repositories.map((line) => {
        const repository = parseRepository(line, spec.branch);
        const key = `${repository.path} ${repository.tag ?? ''} ${architecture}`;
        const open = known.get(key) ?? openIndex(repository, architecture, options);
        known.set(key, open);
        return open;
      }),
    );
  return {
    resolve: (spec, architecture) => resolveAlpine(spec, architecture, { options, openAll }),
    indexes: async (spec, architecture) => (await openAll(spec, APK_ARCHITECTURES[architecture])).map(toLockedIndex),
    fetch: (packages) => inParallel(packages, (one) => fetchLocked(one, options)),
    open: (one) => openLocked(one, options),
  };
}

/**
 * Makes a spec exact: proves the indexes, solves the list, and proves each package whole. Throws what those throw, and
 * `BASE_REPOSITORY_INVALID` for a tag that no repository has, or a word that is none.
 */
async function resolveAlpine(
  spec: AlpineSpec,
  architecture: Architecture,
  world: {
    readonly options: AlpineOptions;
    readonly openAll: (spec: AlpineSpec, architecture: string) => Promise<readonly OpenIndex[]>;
  },
): Promise<ResolvedAlpine> {
  const arch = APK_ARCHITECTURES[architecture];
  const tags = spec.repositories.flatMap((line) => parseRepository(line, spec.branch).tag ?? []);
  const words = readWorld(spec.packages, new Set(tags));
  const open = await world.openAll(spec, arch);
  const shelves = open.map(({ index, repository: { tag } }) => ({
    packages: index.packages.filter((one) => one.architecture === arch || one.architecture === 'noarch'),
    ...(tag === undefined ? {} : { tag }),
  }));
  const chosen = solve(words, shelves);
  const packages = await inParallel(chosen, (one) => {
    const place = (open[one.shelf] as OpenIndex).repository.path;
    return provePackage({ listed: one.package, path: pathOf(one, place, arch), architecture: arch }, world.options);
  });
  return { architecture, packages, indexes: open.map(toLockedIndex) };
}

function pathOf({ package: { name, version } }: Candidate, repository: string, architecture: string): string {
  return `${repository}/${architecture}/${name}-${version}.apk`;
}

function readWorld(words: readonly string[], tags: ReadonlySet<string>): readonly ApkDependency[] {
  return words.map((word) => {
    const one = parseApkDependency(word);
    if (one === undefined || one.broken === true) {
      throw new BaseError('BASE_PACKAGE_UNKNOWN', `${JSON.stringify(word)} names no package`, {
        hint: 'Write `name`, `name@tag`, `name=1.2-r0`, `name~1.2`, `name>=1.2` or `!name` under `packages` of the base.',
      });
    }
    if (one.tag === undefined || tags.has(one.tag)) return one;
    throw new BaseError('BASE_REPOSITORY_INVALID', `no repository of the base has the tag of ${word}`, {
      hint: `Add \`@${one.tag} edge/testing\`, or whichever it is, to \`repositories\` of the base.`,
    });
  });
}

function toLockedIndex({ repository, architecture, index, digest, signers }: OpenIndex): LockedIndex {
  return {
    repository: repository.path,
    architecture,
    ...(repository.tag === undefined ? {} : { tag: repository.tag }),
    description: index.description,
    date: new Date(index.date * 1000).toISOString().replace(/\.\d+Z$/, 'Z'),
    index: digest,
    signers,
  };
}
