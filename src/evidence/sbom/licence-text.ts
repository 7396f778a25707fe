// SPDX-License-Identifier: Apache-2.0

/** One spelling of each word, by the SPDX matching guidelines (SPDX 2.3, annex B, B.9 "Varietal word spelling"), as far as Go modules need them. */
const SPELLINGS: Readonly<Record<string, string>> = {
  licence: 'license',
  licences: 'licenses',
  licenced: 'licensed',
  sublicence: 'sublicense',
  acknowledgement: 'acknowledgment',
  acknowledgements: 'acknowledgments',
  organisation: 'organization',
  merchantibility: 'merchantability',
  favour: 'favor',
  judgement: 'judgment',
  noncommercial: 'non-commercial',
  https: 'http',
};

/** Lines that say whose work it is, not under which terms (annex B, B.10 "Copyright notice"). */
const NOTICE =
  /^(?:(?:portions?|parts|some|original|modifications|additions|all modifications|this [a-z]+ is|[a-z-]+ is) )?(?:(?:copyright|\(c\)|©|copyright:)(?: \(c\)| ©|:| by| &copy;)*(?: ?[<[{(]?(?:\d|year|yyyy|20xx)|,| the [A-Z]| [A-Z][a-z]+ ?[A-Za-z.,&]* )|spdx-[a-z-]+:)/i;

const REMAINDER = /^(?:all rights reserved\.?|https?:\/\/\S+|<?\S+@\S+>?)$/i;

/** A heading, when it stands alone: the name of a licence and no more, each word with a capital letter. */
const TITLE =
  /^(?:[A-Z\d("'][\w.,"'()/:+-]*|the|a|an|of|for|and|or|v[\d.]+|version|clause|license|licence|&|-)(?: (?:[A-Z\d("'][\w.,"'()/:+-]*|the|a|an|of|for|and|or|v[\d.]+|version|clause|license|licence|&|-)){0,9}$/;

/** What begins lines of comments, quotes and lists (annex B, B.5 "Code comment indicators", B.6 "Bullets"). */
const MARKS =
  /^[\s#*/;>|=~_`-]*(?:(?:\d{1,2}(?:\.\d{1,2})*|[a-z]|[ivx]{1,4})[.)]|\d{1,2}(?:\.\d{1,2})+ |\((?:\d{1,2}|[a-z]|[ivx]{1,4})\)|[-*•o] )?\s*/i;

/**
 * Takes a licence's text; gives its words in the one form in which they are compared: lower case, no punctuation, marks,
 * bullets, copyright lines or headings.
 */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  const lines = text.split('\n').map((raw) =>
    raw
      .replace(MARKS, '')
      .replaceAll(/<\/?[a-z]+>/gi, ' ')
      .trim(),
  );
  for (const [at, line] of lines.entries()) {
    const alone = (lines[at - 1] ?? '') === '' && (lines[at + 1] ?? '') === '';
    if (isNotice(line) || (alone && /licen[cs]e/i.test(line) && TITLE.test(line))) continue;
    for (const word of line
      .toLowerCase()
      .normalize('NFKC')
      .match(/[\p{L}\p{N}]+/gu) ?? []) {
      words.push(SPELLINGS[word] ?? word);
    }
  }
  return words;
}

/** `copyright notice`, `copyright holder` and their like begin a wrapped line of a licence's own text as well. */
function isNotice(line: string): boolean {
  if (REMAINDER.test(line) || /^copyright:? *(?:\(c\)|©|&copy;)/i.test(line)) return true;
  return (
    NOTICE.test(line) &&
    !/^copyright,? (?:notice|holder|owner|law|licen|statement|and|or|interest|protect|infring|treat)/i.test(line)
  );
}

/** Words prepared for comparing: the hash of each (FNV-1a, 32 bits), and of each run of {@link RUN} of them, by where it begins. */
export interface Words {
  readonly words: readonly string[];
  readonly hashes: Int32Array;
  readonly runs: Int32Array;
}

const RUN = 4;

/** Takes words; gives them prepared for comparing. */
export function prepareWords(words: readonly string[]): Words {
  const hashes = Int32Array.from(words, hashOf);
  const runs = new Int32Array(Math.max(0, words.length - RUN + 1));
  for (let at = 0; at < runs.length; at += 1) {
    let hash = 0x811c9dc5;
    for (let next = at; next < at + RUN; next += 1) hash = Math.imul(hash ^ (hashes[next] ?? 0), 0x01000193);
    runs[at] = hash ^ (hash >>> 15);
  }
  return { words, hashes, runs };
}

function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < word.length; at += 1) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193);
  return hash;
}
