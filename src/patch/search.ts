// SPDX-License-Identifier: Apache-2.0

/** Which items work together, and for each of the others what went wrong with it. */
export interface SearchResult<T> {
  readonly kept: readonly T[];
  readonly dropped: readonly { readonly item: T; readonly fault: string }[];
}

/**
 * Finds a largest set of items that works: all of them if they do, else by halves, each half on top of what is known to work.
 * `tryOut` gives undefined where a set works, else what went wrong; the empty set is taken to work. With k bad ones of n it is
 * asked about k * log2(n) times. Nothing that is left out could be added to what is kept (a set that works is taken to work
 * without some of it, too). `fault` is what went wrong with all of them, where that is known already.
 */
export async function keepWhatWorks<T>(
  items: readonly T[],
  tryOut: (items: readonly T[]) => Promise<string | undefined>,
  fault?: string,
): Promise<SearchResult<T>> {
  const dropped: { readonly item: T; readonly fault: string }[] = [];

  /** `known` is what went wrong with all of it together, where that was tried already. */
  async function grow(good: readonly T[], rest: readonly T[], known?: string): Promise<readonly T[]> {
    const [only] = rest;
    if (only === undefined) return good;
    const fault = known ?? (await tryOut([...good, ...rest]));
    if (fault === undefined) return [...good, ...rest];
    if (rest.length === 1) {
      dropped.push({ item: only, fault });
      return good;
    }
    const middle = Math.ceil(rest.length / 2);
    const first = await grow(good, rest.slice(0, middle));
    const isWhole = first.length === good.length + middle;
    return grow(first, rest.slice(middle), isWhole ? fault : undefined);
  }

  return { kept: await grow([], items, fault), dropped };
}
