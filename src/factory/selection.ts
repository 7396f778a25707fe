// SPDX-License-Identifier: Apache-2.0
import { PLATFORMS, type Platform } from '#core';
import type { Definition } from '#definition';
import { FactoryError, type FactoryErrorCode } from './error.ts';

/** What part of a distribution a command works on; where nothing is named all of it, of channels those that the definition means then. */
export interface SelectionRequest {
  readonly channels?: readonly string[];
  readonly components?: readonly string[];
  readonly platforms?: readonly string[];
}

/** A checked selection, each list in the order of the definition. */
export interface Selection {
  readonly channels: readonly string[];
  readonly components: readonly string[];
  readonly platforms: readonly Platform[];
}

/** Checks names against the definition; throws {@link FactoryError} saying which are known and which one may be meant. */
export function select(definition: Definition, request: SelectionRequest): Selection {
  return {
    channels: choose(Object.keys(definition.channels), channelsWanted(definition, request), {
      code: 'UNKNOWN_CHANNEL',
      word: 'channel',
    }),
    components: choose(Object.keys(definition.components), request.components, {
      code: 'UNKNOWN_COMPONENT',
      word: 'component',
    }),
    platforms: choose(platformsOf(definition), request.platforms, { code: 'UNKNOWN_PLATFORM', word: 'platform' }),
  };
}

/** Where none is named, those that the definition means then. */
function channelsWanted({ channels }: Definition, { channels: named = [] }: SelectionRequest): readonly string[] {
  return named.length > 0 ? named : Object.keys(channels).filter((name) => channels[name]?.byDefault !== false);
}

function platformsOf(definition: Definition): readonly Platform[] {
  return PLATFORMS.filter((platform) => definition.platforms.includes(platform));
}

function choose<T extends string>(
  known: readonly T[],
  wanted: readonly string[] | undefined,
  names: { code: FactoryErrorCode; word: string },
): readonly T[] {
  if (wanted === undefined || wanted.length === 0) return known;
  for (const name of wanted) {
    if ((known as readonly string[]).includes(name)) continue;
    const near = nearest(name, known);
    throw new FactoryError(
      names.code,
      `the definition has no ${names.word} "${name}"${near === undefined ? '' : `; did you mean ${near}?`}`,
      {
        hint: `Known: ${known.join(', ')}.`,
      },
    );
  }
  return known.filter((name) => wanted.includes(name));
}

/** Gives the known name that differs least, when it differs little. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: distance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= Math.max(2, name.length / 3) ? best.candidate : undefined;
}

/** The Levenshtein distance of two short names. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
