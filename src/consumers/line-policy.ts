// SPDX-License-Identifier: Apache-2.0
import type { Blocker } from './ownership.ts';

/** How many lines an upgrade may go at once: as many as are supported side by side, and as upgrades are proved over. */
export const MOST_LINES = 3;

/** Says whether an upgrade from one release to another is one that may be made. `unknown` releases are let through. */
export function readLines(from: string, to: string): Blocker | undefined {
  const [old, young] = [lineOf(from), lineOf(to)];
  if (old === undefined || young === undefined) return undefined;
  if (young.major !== old.major) {
    return {
      code: 'LINES_SKIPPED',
      message: `from ${from} to ${to} is another major version`,
      hint: 'Follow the migration guide of Flux for this major version first.',
    };
  }
  if (young.minor < old.minor) {
    return {
      code: 'DOWNGRADE',
      message: `the cluster has ${from}, which is newer than ${to}: older definitions would lose versions and fields of objects`,
      hint: `Stay on line ${old.major}.${old.minor}: its older patches may be installed.`,
    };
  }
  if (young.minor - old.minor <= MOST_LINES) return undefined;
  const step = `${old.major}.${old.minor + MOST_LINES}`;
  return {
    code: 'LINES_SKIPPED',
    message: `from ${from} to ${to} are ${young.minor - old.minor} lines, and no more than ${MOST_LINES} at once are proved`,
    hint: `Upgrade to the last patch of ${step} first.`,
  };
}

function lineOf(release: string): { readonly major: number; readonly minor: number } | undefined {
  const [, major, minor] = /^v?(\d+)\.(\d+)\./.exec(release) ?? [];
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}
