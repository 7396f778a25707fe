// SPDX-License-Identifier: Apache-2.0

/** What a text must be: exactly this, or wholly matched by an expression. */
export type TextMatch =
  | { readonly kind: 'exact'; readonly text: string }
  | { readonly kind: 'pattern'; readonly source: string };

/** How a text stands to a {@link TextMatch}: `partly` means that an expression is found in it but does not span it. */
export type MatchReading = 'matches' | 'partly' | 'differs';

const MOST_CHARACTERS = 4096;

/** Takes the exact text or the expression, whichever a file or flag gave; undefined where it gave none. */
export function toTextMatch(text: string | undefined, source: string | undefined): TextMatch | undefined {
  if (text !== undefined) return { kind: 'exact', text };
  return source === undefined ? undefined : { kind: 'pattern', source };
}

/**
 * Compares a text with what it must be. An expression must span the whole text, anchored or not: one that is merely
 * found in it would let `https://evil.example/?https://github.com/owner/` pass for `https://github.com/owner/`.
 */
export function readMatch(match: TextMatch, text: string): MatchReading {
  if (match.kind === 'exact') return match.text === text ? 'matches' : 'differs';
  if (text.length > MOST_CHARACTERS) return 'differs';
  if (new RegExp(`^(?:${match.source})$`).test(text)) return 'matches';
  return new RegExp(match.source).test(text) ? 'partly' : 'differs';
}

/** Gives what a match demands, for reports. */
export function formatMatch(match: TextMatch): string {
  return match.kind === 'exact' ? match.text : `/${match.source}/`;
}

/** Says whether every way through an expression is anchored at both ends, as far as its outer shape tells. */
export function isAnchored(source: string): boolean {
  if (!source.startsWith('^') || !/(?:^|[^\\])(?:\\\\)*\$$/.test(source)) return false;
  return !alternativesOutside(source);
}

/** Says whether `|` stands outside of all groups and classes: then `^` and `$` each bind one alternative alone. */
function alternativesOutside(source: string): boolean {
  let depth = 0;
  let inClass = false;
  for (let at = 0; at < source.length; at += 1) {
    const character = source[at];
    if (character === '\\') at += 1;
    else if (inClass) inClass = character !== ']';
    else if (character === '[') inClass = true;
    else if (character === '(') depth += 1;
    else if (character === ')') depth -= 1;
    else if (character === '|' && depth === 0) return true;
  }
  return false;
}
