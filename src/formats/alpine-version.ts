// SPDX-License-Identifier: Apache-2.0

/** `digits{.digits}{letter}{_suffix{digits}}{~commit}{-r{digits}}`, as apk-package(5) has it. */
const VERSION = /^\d+(?:\.\d+)*[a-z]?(?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)\d*)*(?:~[0-9a-f]+)?(?:-r\d+)?$/;

/** Suffixes in their order; those before `none` come before the version that has none. */
const SUFFIXES = ['alpha', 'beta', 'pre', 'rc', 'none', 'cvs', 'svn', 'git', 'hg', 'p'];
const NO_SUFFIX = SUFFIXES.indexOf('none');

/**
 * What may follow what two versions have in common, in order: a suffix of a pre-release makes a version older than its
 * end does, everything else newer, and the more so the earlier it may stand. What is no version comes before the end.
 */
const RANKS = {
  preRelease: 0,
  invalid: 1,
  end: 2,
  revision: 3,
  commit: 4,
  suffixNumber: 5,
  suffix: 6,
  letter: 7,
  number: 8,
} as const;

interface Token {
  readonly rank: (typeof RANKS)[keyof typeof RANKS];
  readonly text: string;
  /** Whether it counts as a number of any length; else as text. */
  readonly numeric: boolean;
}

const END: Token = { rank: RANKS.end, text: '', numeric: false };

/** Says whether a text is a version of an Alpine package. */
export function isAlpineVersion(text: string): boolean {
  return VERSION.test(text);
}

/**
 * Orders two versions as apk-tools 3 does (`apk version -t`): numbers, letter, suffixes, commit, revision. Gives a negative
 * number, 0 or a positive number. For what is no version it gives an order too: apk's own, with the rest compared as text.
 */
export function compareAlpineVersions(a: string, b: string): number {
  const left = tokensOf(a);
  const right = tokensOf(b);
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const order = compareTokens(left[index] ?? END, right[index] ?? END);
    if (order !== 0) return order;
  }
  return 0;
}

/** Says whether a version begins with all that another names: 1.2.9, 1.2_rc1 and 1.2-r3 begin with 1.2, but 1.20 does not (apk's `~`). */
export function beginsWithAlpineVersion(version: string, beginning: string): boolean {
  const tokens = tokensOf(version);
  return tokensOf(beginning).every((token, index) => {
    const own = tokens[index];
    return own !== undefined && compareTokens(own, token) === 0;
  });
}

function compareTokens(a: Token, b: Token): number {
  if (a.rank !== b.rank) return a.rank - b.rank;
  // A number with a leading zero, the first one apart, is a decimal fraction: then both are compared as text.
  return a.numeric && b.numeric ? compareNumbers(a.text, b.text) : compareTexts(a.text, b.text);
}

function compareNumbers(a: string, b: string): number {
  const [left, right] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  return left.length === right.length ? compareTexts(left, right) : left.length - right.length;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const NUMBERS = /^[\d.]*/;
const SUFFIX = /^_(alpha|beta|pre|rc|cvs|svn|git|hg|p)(?![a-z])(\d*)/;
const COMMIT = /^~([0-9a-f]+)/;
const REVISION = /^-r(?![a-z])(\d*)/;

function tokensOf(version: string): readonly Token[] {
  const [found = ''] = NUMBERS.exec(version) ?? [];
  const numbers = withoutLastDots(found);
  const [letter = ''] = numbers === found ? (/^[a-z]/.exec(version.slice(found.length)) ?? []) : [];
  const tokens = numbers.split('.').map((text, index) => ({
    rank: RANKS.number,
    text,
    numeric: index === 0 || !text.startsWith('0'),
  }));
  return [
    ...tokens,
    ...(letter === '' ? [] : [{ rank: RANKS.letter, text: letter, numeric: false }]),
    ...tailTokens(version.slice(numbers.length + letter.length)),
  ];
}

/** Dots that no number follows belong to what is no version. */
function withoutLastDots(text: string): string {
  let end = text.length;
  while (text[end - 1] === '.') end -= 1;
  return text.slice(0, end);
}

function tailTokens(tail: string): readonly Token[] {
  const tokens: Token[] = [];
  let rest = tail;
  for (let match = SUFFIX.exec(rest); match !== null; match = SUFFIX.exec(rest)) {
    const order = SUFFIXES.indexOf(match[1] ?? '');
    const rank = order < NO_SUFFIX ? RANKS.preRelease : RANKS.suffix;
    tokens.push({ rank, text: String(order), numeric: true });
    if (match[2] !== '') tokens.push({ rank: RANKS.suffixNumber, text: match[2] ?? '', numeric: true });
    rest = rest.slice(match[0].length);
  }
  const commit = COMMIT.exec(rest);
  if (commit !== null) tokens.push({ rank: RANKS.commit, text: commit[1] ?? '', numeric: false });
  rest = rest.slice(commit?.[0].length ?? 0);
  const revision = REVISION.exec(rest);
  if (revision !== null) tokens.push({ rank: RANKS.revision, text: revision[1] ?? '', numeric: true });
  rest = rest.slice(revision?.[0].length ?? 0);
  // apk gives up where a revision should stand: two such texts are equal.
  const text = revision !== null || rest.startsWith('-') ? '' : rest;
  if (rest !== '') tokens.push({ rank: RANKS.invalid, text, numeric: false });
  return tokens;
}
