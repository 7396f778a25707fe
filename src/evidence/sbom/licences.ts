// SPDX-License-Identifier: Apache-2.0
import { align, isWeighty, type Span } from './align.ts';
import { type KnownText, licenceIndex, sampleOf } from './licence-index.ts';
import { prepareWords, type Words, wordsOf } from './licence-text.ts';
import type { LicenceFinding } from './types.ts';

/** A file of a module's root folder. */
export interface LicenceFile {
  readonly name: string;
  readonly text: string;
}

/** Names of files that hold a licence; NOTICE, COPYRIGHT, AUTHORS and PATENTS say other things. */
const NAME = /^(?:un)?(?:licen[cs]e|copying)s?(?:[.-].*)?$/i;
const CODE = /\.(?:go|ya?ml|json|sh|py|csv|tmpl|html?)$/i;

/** Raised when the same files give another finding; part of the keys under which findings are kept. */
export const LICENCE_RULES = 1;

/** Words of a foreign licence's full text are a hundred thousand at most; more is something else. */
const MAX_TEXT = 1_000_000;

/** A file that holds more licences is a list of other people's works; what is left then makes it uncertain. */
const MAX_LICENCES = 24;

/** The least share of a known text's sampled runs that a file must hold to be looked at closely. */
const LEAST_SHARE = 0.7;
/** One word that differs spoils four runs; six are reckoned, since the runs counted are a sample. */
const RUNS_PER_DIFFERENCE = 6;
const MAX_CANDIDATES = 16;

/** Says whether a file of a module's root is to be given to {@link findLicences}. */
export function isLicenceFile(name: string): boolean {
  return NAME.test(name) && !CODE.test(name);
}

/**
 * Takes the files of a module's root folder (others than licence files are passed over); gives the licence that they state.
 * All that is found applies to some part of the module, so several are joined by AND. Where any file is not understood
 * to the last word that matters, or nothing is found, the expression is `NOASSERTION`.
 */
export async function findLicences(files: AsyncIterable<LicenceFile> | Iterable<LicenceFile>): Promise<LicenceFinding> {
  const found: LicenceFinding['files'][number][] = [];
  for await (const file of files) {
    if (isLicenceFile(file.name)) found.push({ name: file.name, ...readLicence(file.text) });
  }
  found.sort((a, b) => (a.name < b.name ? -1 : 1));
  const ids = [...new Set(found.flatMap((file) => file.licences))].sort();
  const certain = ids.length > 0 && found.every((file) => file.certain);
  return { expression: certain ? ids.join(' AND ') : 'NOASSERTION', files: found };
}

/** What one text says. */
interface TextReading {
  readonly licences: readonly string[];
  readonly certain: boolean;
}

/**
 * Reads one licence text: finds the known text that explains most of it, strikes out what that covers, and looks again. It is certain when
 * no text is ambiguous and what remains are a few words without weight.
 */
export function readLicence(text: string): TextReading {
  if (text.length > MAX_TEXT) return { licences: [], certain: false };
  const licences = new Set<string>();
  let rest: readonly string[] = wordsOf(text);
  let ambiguous = false;
  let covered = 0;
  for (let round = 0; round < MAX_LICENCES; round += 1) {
    const match = bestIn(prepareWords(rest));
    if (match === undefined) break;
    if (match.known.id === undefined) ambiguous = true;
    else licences.add(match.known.id);
    covered += match.end - match.start;
    rest = [...rest.slice(0, match.start), GAP, ...rest.slice(match.end)];
  }
  const certain = licences.size > 0 && !ambiguous && isHarmless(rest, covered);
  return { licences: [...licences].sort(), certain };
}

/** Stands where a known text was struck out; no licence holds it. */
const GAP = '\u0000';

/** So many words more must a text explain to be preferred in spite of one difference more. */
const DIFFERENCE_WEIGHT = 5;

interface Match extends Span {
  readonly known: KnownText;
}

/** Gives the known text that explains most: many words, few differences. */
function bestIn(text: Words): Match | undefined {
  let best: Match | undefined;
  let most = 0;
  for (const { known, differences } of candidatesFor(text)) {
    if (known.words.length - DIFFERENCE_WEIGHT * differences <= most) continue;
    const span = align(known, text);
    const explained = known.words.length - DIFFERENCE_WEIGHT * (span?.differences ?? 0);
    if (span === undefined || explained <= most) continue;
    best = { known, ...span };
    most = explained;
  }
  return best;
}

/** A known text, and how many differences from it there must be at least. */
interface Candidate {
  readonly known: KnownText;
  readonly differences: number;
}

/** Gives the known texts of which the words hold a good part, the most complete first. */
function candidatesFor(text: Words): Candidate[] {
  const { texts, holders, sizes } = licenceIndex();
  const counts = new Map<number, number>();
  for (const run of sampleOf(text)) {
    for (const at of holders.get(run) ?? []) counts.set(at, (counts.get(at) ?? 0) + 1);
  }
  return [...counts]
    .map(([at, count]) => ({ known: texts[at] as KnownText, share: count / (sizes[at] ?? 1) }))
    .filter(({ share }) => share >= LEAST_SHARE)
    .sort((a, b) => b.share - a.share)
    .slice(0, MAX_CANDIDATES)
    .map(({ known, share }) => ({ known, differences: ((1 - share) * known.runs.length) / RUNS_PER_DIFFERENCE }));
}

/** What may stand beside known texts: at most a quarter of their length, and nothing in it that has weight. */
function isHarmless(rest: readonly string[], covered: number): boolean {
  const words = rest.filter((word) => word !== GAP);
  return words.length <= Math.max(80, covered / 4) && !words.some(isWeighty);
}
