// SPDX-License-Identifier: Apache-2.0
import { decompress } from '#formats';
import { VulnerabilityError } from '../error.ts';
import { absent, type FeedContext, type FeedOutcome, getHeld, requireNotOlder, validatorOf } from './context.ts';
import { EPSS_UNIT, type EpssRow, writeEpssTable } from './epss-table.ts';
import { EPSS_FILE } from './files.ts';
import { type FeedFile, type FoundFile, feedFault } from './origin.ts';

const URL_CURRENT = 'https://epss.empiricalsecurity.com/epss_scores-current.csv.gz';
const CURRENT: FeedFile = { path: 'epss_scores-current.csv.gz', url: URL_CURRENT };
const MAX_PACKED = 128 << 20;
const MAX_BYTES = 512 << 20;
const MAX_ROWS = 5_000_000;
const MAX_LINE = 4096;
const ROW =
  /^CVE-(\d{4})-(\d{4,10}),(0(?:\.\d{1,20})?|1(?:\.0+)?|\d(?:\.\d+)?e-\d{1,2}),(0(?:\.\d{1,20})?|1(?:\.0+)?|\d(?:\.\d+)?e-\d{1,2})$/;

/** Updates FIRST's EPSS scores (https://www.first.org/epss/data_stats): one gzipped CSV a day. */
export async function updateEpss(context: FeedContext): Promise<FeedOutcome> {
  const file = await newestFile(context);
  const answer = await getHeld(context, file);
  if (answer.kind === 'unchanged') return { kind: 'unchanged' };
  if (answer.kind === 'absent') throw absent(context, file);
  const { rows, date } = await readScores(answer);
  const asOf = new Date(`${date}T00:00:00Z`);
  requireNotOlder(context, asOf, answer.where);
  await context.draft.write(EPSS_FILE, writeEpssTable(rows, date));
  return {
    kind: 'changed',
    count: rows.length,
    source: answer.where,
    asOf,
    validators: validatorOf(context, file, answer),
  };
}

/** A mirror's folder may hold dated files instead of the current one. */
async function newestFile(context: FeedContext): Promise<FeedFile> {
  const names = (await context.origin.list('.')) ?? [];
  if (names.includes(CURRENT.path)) return CURRENT;
  const newest = names.filter((name) => /^epss_scores-\d{4}-\d{2}-\d{2}\.csv\.gz$/.test(name)).at(-1);
  return newest === undefined ? CURRENT : { path: newest, url: URL_CURRENT };
}

/** The first line is a comment with the day of the scores, the second names the columns. */
async function readScores(found: FoundFile): Promise<{ readonly rows: readonly EpssRow[]; readonly date: string }> {
  const { where } = found;
  const fault = (message: string) => new VulnerabilityError('FEED_INVALID', message, { where });
  const rows: EpssRow[] = [];
  let date: string | undefined;
  let number = 0;
  for await (const line of linesOf(found)) {
    number += 1;
    if (number === 1) {
      date = /^#.*\bscore_date:(\d{4}-\d{2}-\d{2})/.exec(line)?.[1];
      if (date === undefined || Number.isNaN(Date.parse(date))) throw fault('its first line names no score_date');
    } else if (number === 2) {
      if (line !== 'cve,epss,percentile') throw fault('its columns are not cve, epss, percentile');
    } else {
      const row = toRow(line);
      if (row === undefined) throw fault(`line ${number} is no "cve,epss,percentile"`);
      rows.push(row);
      if (rows.length > MAX_ROWS)
        throw new VulnerabilityError('FEED_TOO_LARGE', `it has more than ${MAX_ROWS} rows`, { where });
    }
  }
  if (date === undefined || rows.length === 0) throw fault('it is empty');
  return { rows, date };
}

function toRow(line: string): EpssRow | undefined {
  const [, year, number, score, percentile] = ROW.exec(line) ?? [];
  const row = {
    year: Number(year),
    number: Number(number),
    score: Math.round(Number(score) * EPSS_UNIT),
    percentile: Math.round(Number(percentile) * EPSS_UNIT),
  };
  return year === undefined || row.number > 0xffffffff ? undefined : row;
}

async function* linesOf(found: FoundFile): AsyncGenerator<string, void, undefined> {
  const { where } = found;
  let rest = '';
  try {
    for await (const chunk of unpacked(found)) {
      const lines = (rest + Buffer.from(chunk).toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > MAX_LINE) throw new VulnerabilityError('FEED_INVALID', 'a line of it has no end', { where });
      for (const line of lines) yield line.trimEnd();
    }
  } catch (error) {
    throw feedFault(error, where);
  }
  if (rest.trim() !== '') yield rest.trimEnd();
}

/** A server that calls the file's own gzip a Content-Encoding has had it undone already. */
async function* unpacked(found: FoundFile): AsyncGenerator<Uint8Array, void, undefined> {
  const body = found.body(MAX_PACKED)[Symbol.asyncIterator]();
  const first = await body.next();
  const whole = (async function* () {
    if (first.done !== true) yield first.value;
    yield* { [Symbol.asyncIterator]: () => body };
  })();
  const isPacked = first.done === true || (first.value[0] !== 0x23 && first.value[0] !== 0x63); // neither # nor c of "cve"
  const compression = isPacked ? 'gzip' : 'none';
  yield* decompress(whole, { compression, maxBytes: MAX_BYTES, where: found.where });
}
