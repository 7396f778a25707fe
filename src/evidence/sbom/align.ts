// SPDX-License-Identifier: Apache-2.0
import type { KnownText } from './licence-index.ts';
import type { Words } from './licence-text.ts';

/** Where a known text lies in other words: from `start` up to `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
  /** How many words are missing or put in. */
  readonly differences: number;
}

/** Words that change what one may do; put into a licence's own text, or taken out of it, they make it another licence. */
const WEIGHTY =
  /^(?:not|no|nor|neither|never|except|exceptions?|unless|only|must|shall|require[sd]?|prohibit(?:s|ed)?|forbidden|restrict(?:s|ed|ions?)?|commercial|non|military|evil|sell|fee|charge|terms?|academic|research|educational|personal|evaluation|amend(?:ed|ments?)?|conditions?|dual|either|[al]?gpl)$/;

/** Says whether a word can change what a licence allows. */
export function isWeighty(word: string): boolean {
  return WEIGHTY.test(word);
}

const MOST_ALLOWED = 40;

/**
 * Finds a licence's words in a text's words. It is there when all but a few of its words stand there in order, with few
 * others between them, and none of those, missing or put in, has weight: names may be replaced, terms may not. Gives
 * undefined otherwise.
 */
export function align(known: KnownText, text: Words): Span | undefined {
  const offset = offsetOf((known.places ??= placesOf(known)), text);
  if (offset === undefined) return undefined;
  const size = known.words.length;
  const allowed = Math.min(MOST_ALLOWED, 5 + Math.floor(size / 25));
  const from = Math.max(0, offset - allowed);
  const to = offset + size + allowed;
  const window = text.hashes.subarray(from, to);
  const kept = slideRight(shortestScript(known.hashes, window, 6 * allowed), window);
  const first = kept?.[0];
  const last = kept?.at(-1);
  if (kept === undefined || first === undefined || last === undefined) return undefined;
  const matched = { licence: new Set(kept.map(([at]) => at)), window: new Set(kept.map(([, at]) => at)) };
  const missing = known.words.filter((_, at) => !matched.licence.has(at));
  const added = text.words.slice(from, to).filter((_, at) => at > first[1] && at < last[1] && !matched.window.has(at));
  if (missing.length > allowed || added.length > allowed || [...missing, ...added].some(isWeighty)) return undefined;
  return { start: from + first[1], end: from + last[1] + 1, differences: missing.length + added.length };
}

/** Words before a licence may be its own first words as well: takes each to stand as near to its successor as it can. */
function slideRight(
  pairs: readonly [number, number][] | undefined,
  window: Int32Array,
): [number, number][] | undefined {
  const slid: [number, number][] = [];
  let next: [number, number] | undefined;
  for (const [at, there] of pairs?.toReversed() ?? []) {
    const nearer = next !== undefined && next[0] === at + 1 && window[next[1] - 1] === window[there];
    next = [at, nearer && next !== undefined ? next[1] - 1 : there];
    slid.push(next);
  }
  return pairs === undefined ? undefined : slid.reverse();
}

/** Gives where each run of words stands; a run that comes twice tells no place. */
function placesOf({ runs }: Words): ReadonlyMap<number, number> {
  const places = new Map<number, number>();
  for (const [at, run] of runs.entries()) places.set(run, places.has(run) ? -1 : at);
  return places;
}

/** Gives how many words of the text come before the licence, by the runs of words that both hold: where most agree. */
function offsetOf(places: ReadonlyMap<number, number>, { runs }: Words): number | undefined {
  const votes = new Map<number, number>();
  let best: number | undefined;
  for (const [at, run] of runs.entries()) {
    const there = places.get(run);
    if (there === undefined || there === -1) continue;
    const count = (votes.get(at - there) ?? 0) + 1;
    votes.set(at - there, count);
    if (best === undefined || count > (votes.get(best) ?? 0)) best = at - there;
  }
  return best;
}

/**
 * Gives the pairs of places at which two lists agree in a shortest edit script (E. Myers, "An O(ND) Difference Algorithm
 * and Its Variations", 1986), or undefined where that is longer than `most`.
 */
function shortestScript(a: Int32Array, b: Int32Array, most: number): [number, number][] | undefined {
  const furthest = new Int32Array(2 * most + 3);
  const middle = most + 1;
  const trace: Int32Array[] = [];
  for (let length = 0; length <= most; length += 1) {
    trace.push(furthest.slice(middle - length - 1, middle + length + 2));
    for (let diagonal = -length; diagonal <= length; diagonal += 2) {
      const left = furthest[middle + diagonal - 1] ?? 0;
      const right = furthest[middle + diagonal + 1] ?? 0;
      let x = diagonal === -length || (diagonal !== length && left < right) ? right : left + 1;
      while (x < a.length && x - diagonal < b.length && a[x] === b[x - diagonal]) x += 1;
      furthest[middle + diagonal] = x;
      if (x >= a.length && x - diagonal >= b.length) return walkBack(trace, a.length, b.length);
    }
  }
  return undefined;
}

function walkBack(trace: readonly Int32Array[], aLength: number, bLength: number): [number, number][] {
  const pairs: [number, number][] = [];
  let x = aLength;
  let y = bLength;
  for (let length = trace.length - 1; length >= 0; length -= 1) {
    const row = trace[length] as Int32Array; // diagonals -length-1 .. length+1
    const at = (diagonal: number) => row[diagonal + length + 1] ?? 0;
    const diagonal = x - y;
    const down = diagonal === -length || (diagonal !== length && at(diagonal - 1) < at(diagonal + 1));
    const before = down ? diagonal + 1 : diagonal - 1;
    const fromX = length === 0 ? 0 : at(before);
    const fromY = length === 0 ? 0 : fromX - before;
    while (x > fromX && y > fromY) {
      x -= 1;
      y -= 1;
      pairs.push([x, y]);
    }
    x = fromX;
    y = fromY;
  }
  return pairs.reverse();
}
