// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import { prepareWords, type Words, wordsOf } from './licence-text.ts';

/** A known licence text. `id` is undefined for texts that several licences share, so that the text alone does not tell which it is. */
export interface KnownText extends Words {
  readonly id: string | undefined;
  /** Where each run of words that comes once in it stands; filled when first asked for. */
  places?: ReadonlyMap<number, number>;
}

/** All known texts, and which of them hold a run of words: a sample of the runs, chosen by their hash. */
export interface LicenceIndex {
  readonly texts: readonly KnownText[];
  readonly holders: ReadonlyMap<number, readonly number[]>;
  /** How many sampled runs each text has. */
  readonly sizes: readonly number[];
}

const SAMPLE = 4;
/** Shorter ones prove nothing. */
const LEAST_WORDS = 8;

/** Licences whose text stands for another one as well; by their authors' own rules the bare text means this one. */
const PREFERRED: Readonly<Record<string, string>> = {
  'MPL-2.0-no-copyleft-exception': 'MPL-2.0',
};

let index: LicenceIndex | undefined;

/** Gives the index over the SPDX licence list, made at the first call (a quarter of a second) and kept. */
export function licenceIndex(): LicenceIndex {
  index ??= build();
  return index;
}

function build(): LicenceIndex {
  // Five megabytes of JSON, which only those wait for who look at licences.
  const list = createRequire(import.meta.url)(
    'spdx-license-list/full.js',
  ) as typeof import('spdx-license-list/full.js');
  const known = new Map<string, { ids: Set<string>; words: readonly string[] }>();
  for (const [id, { licenseText }] of Object.entries(list)) {
    for (const words of [licenseText, ...alternativesOf(id, licenseText)].flatMap(variantsOf)) {
      const key = words.join(' ');
      const text = known.get(key) ?? { ids: new Set(), words };
      text.ids.add(PREFERRED[id] ?? id);
      if (words.length >= LEAST_WORDS) known.set(key, text);
    }
  }
  const texts = [...known.values()].map(({ ids, words }) => ({
    id: ids.size === 1 ? [...ids][0] : undefined,
    ...prepareWords(words),
  }));
  const holders = new Map<number, number[]>();
  const sizes = texts.map((text, at) => {
    const sample = sampleOf(text);
    for (const run of sample) {
      const holding = holders.get(run);
      if (holding === undefined) holders.set(run, [at]);
      else holding.push(at);
    }
    return sample.size;
  });
  return { texts, holders, sizes };
}

/** Sentences that the SPDX list takes for another form of one in its text. */
function alternativesOf(id: string, text: string): string[] {
  if (id !== 'BSD-3-Clause') return [];
  const forms = ['The names of its contributors may not', 'The name of the author may not'];
  return forms.map((form) => text.replace(/Neither the name of .* nor the names of its contributors may/i, form));
}

/** A licence may come without the advice on how to apply it that follows its terms, and the notice in that advice without the licence. */
function variantsOf(text: string): string[][] {
  const [, terms, mark = '', advice = ''] = /^(.*?)(end of (?:the )?terms and conditions)(.*)$/is.exec(text) ?? [];
  if (terms === undefined) return [wordsOf(text)];
  const [notice] = /^[ \t]*Licensed under the .*$/ms.exec(advice) ?? [];
  return [text, terms + mark, terms, ...(notice === undefined ? [] : [notice])].map(wordsOf);
}

/** Gives the sampled runs of a text: the same run is in every text's sample or in none. */
export function sampleOf({ runs }: Words): ReadonlySet<number> {
  return new Set(runs.filter((run) => (run & (SAMPLE - 1)) === 0));
}
