// SPDX-License-Identifier: Apache-2.0

/** One operation of a JSON patch (RFC 6902). */
export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'test';
  readonly path: string;
  readonly value: unknown;
}

/** Operations, or the flags that are not where they are to be changed. */
export type FlagPatch = { readonly operations: readonly PatchOperation[] } | { readonly missing: readonly string[] };

const ARGS = '/spec/template/spec/containers/0/args';

/**
 * Takes a controller's arguments and flags; gives the patch of its Deployment that sets the flags that are there (`change`) and appends
 * others (`append`). Upstream's generator changes arguments by their place; here a flag is found by its name, and the patch first
 * tests that it stands there, so that an argument in another place is never overwritten.
 */
export function patchFlags(
  args: readonly string[],
  change: Readonly<Record<string, string>>,
  append: Readonly<Record<string, string>>,
): FlagPatch {
  const places = Object.entries(change).map(([flag, value]) => ({ flag, value, at: placeOf(args, flag) }));
  const missing = places.filter(({ at }) => at === -1).map(({ flag }) => flag);
  if (missing.length > 0) return { missing };
  const changes = places.flatMap(({ flag, value, at }): PatchOperation[] => [
    { op: 'test', path: `${ARGS}/${at}`, value: args[at] },
    { op: 'replace', path: `${ARGS}/${at}`, value: `${flag}=${value}` },
  ]);
  const additions = Object.entries(append).map(
    ([flag, value]): PatchOperation => ({ op: 'add', path: `${ARGS}/-`, value: `${flag}=${value}` }),
  );
  return { operations: [...changes, ...additions] };
}

function placeOf(args: readonly string[], flag: string): number {
  return args.findIndex((argument) => argument === flag || argument.startsWith(`${flag}=`));
}
