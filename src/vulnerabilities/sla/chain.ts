// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { type Digest, digestOf, isDigest } from '#core';
import { canonicalJson, type Json } from '#formats';
import { eventSchema, type SlaEvent } from './events.ts';

const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'must be a SHA-256 digest');

const entrySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('begin'), name: z.string().min(1).max(200), at: z.iso.datetime({ precision: 3 }) }),
  z.strictObject({ kind: z.literal('event'), event: eventSchema }),
  z.strictObject({ kind: z.literal('seal'), bundle: z.json() }),
]);

const lineSchema = z.strictObject({
  sequence: z.int().min(0),
  previous: digest,
  digest,
  entry: entrySchema,
});

/** What a line of the log holds: the log's name, an event, or the signature over all before it. */
export type LogEntry = Readonly<z.output<typeof entrySchema>>;

/** A line of the log. Its digest covers the entry, its place and the digest of the line before. */
export type LogLine = Readonly<z.output<typeof lineSchema>>;

/** A place in the chain: the sequence number and digest of a line. */
export interface ChainPoint {
  readonly sequence: number;
  readonly digest: Digest;
}

/** What the first line has for its previous one. */
export const NOTHING: ChainPoint = { sequence: -1, digest: `sha256:${'0'.repeat(64)}` };

/** Takes an entry and the point it follows; gives its line. */
export function chain(entry: LogEntry, after: ChainPoint): LogLine {
  const body = { sequence: after.sequence + 1, previous: after.digest, entry };
  return { ...body, digest: digestOfLine(body) };
}

/** Gives a line as it stands in the file, newline included. */
export function formatLine(line: LogLine): string {
  return `${canonicalJson(line)}\n`;
}

function digestOfLine({ sequence, previous, entry }: Omit<LogLine, 'digest'>): Digest {
  return digestOf(canonicalJson({ sequence, previous, entry: entry as unknown as Json }));
}

/** Something that is not as it was written: the line of the file (from 1), and what, as a sentence. */
export interface ChainFault {
  readonly line: number;
  readonly message: string;
}

/** A log read: its lines as far as they could be read, where each stands in the file, and what is wrong with the chain. */
export interface ChainReading {
  readonly lines: readonly { readonly line: LogLine; readonly place: number }[];
  readonly faults: readonly ChainFault[];
}

/**
 * Takes the text of a log; gives its lines and every place where the chain does not hold: a line that can't be read or whose digest is not its own was
 * changed; a jump in the sequence is where lines are missing or moved; a link that does not fit tells that the line before it is not the one that was
 * written there. Times that go back are faults too. Signatures are checked elsewhere. Never throws.
 */
export function readChain(text: string): ChainReading {
  const rows = text.split('\n');
  const faults: ChainFault[] = [];
  if (rows.pop() !== '') faults.push({ line: rows.length + 1, message: 'the last line is cut off' });
  const lines: { line: LogLine; place: number }[] = [];
  let before = NOTHING;
  let time = '';
  for (const [index, row] of rows.entries()) {
    const place = index + 1;
    const line = parseLine(row);
    if (line === undefined || digestOfLine(line) !== line.digest) {
      const what = line === undefined ? 'is no entry of a log, or' : 'has not the digest it says: it';
      faults.push({ line: place, message: `this line ${what} was changed` });
      // What it says of its place counts for nothing; the rest is held against the next one, so that one change is one fault.
      before = { sequence: before.sequence + 1, digest: nextPrevious(rows[index + 1]) ?? before.digest };
      if (line !== undefined) lines.push({ line, place });
      continue;
    }
    faults.push(...linkFaults(line, { place, before, time }));
    time = 'event' in line.entry ? line.entry.event.at : time;
    before = { sequence: line.sequence, digest: line.digest };
    lines.push({ line, place });
  }
  return { lines, faults };
}

interface Around {
  readonly place: number;
  readonly before: ChainPoint;
  readonly time: string;
}

function linkFaults(line: LogLine, { place, before, time }: Around): readonly ChainFault[] {
  const fault = (message: string, at = place): readonly ChainFault[] => [{ line: at, message }];
  const { sequence, entry } = line;
  const order = 'event' in entry && entry.event.at < time ? fault(`its time is before that of the event above`) : [];
  const begins = (entry.kind === 'begin') === (place === 1) ? [] : fault('a log begins once, with its name');
  const expected = before.sequence + 1;
  if (sequence > expected) {
    const missing = sequence - 1 === expected ? `entry ${expected} is` : `entries ${expected} to ${sequence - 1} are`;
    return [...fault(`${missing} missing before this line`), ...order, ...begins];
  }
  if (sequence < expected) return [...fault(`entry ${sequence} stands where ${expected} should`), ...order, ...begins];
  if (line.previous === before.digest) return [...order, ...begins];
  return [
    ...fault(
      `entry ${sequence - 1} is not the one that entry ${sequence} was written after: it was replaced`,
      Math.max(place - 1, 1),
    ),
    ...order,
    ...begins,
  ];
}

function parseLine(row: string): LogLine | undefined {
  try {
    const parsed = lineSchema.safeParse(JSON.parse(row));
    // Only the one text that we would have written: no second form with the same digest.
    if (!parsed.success || formatLine(parsed.data) !== `${row}\n`) return undefined;
    return parsed.data;
  } catch {
    return undefined;
  }
}

function nextPrevious(row: string | undefined): Digest | undefined {
  return row === undefined ? undefined : parseLine(row)?.previous;
}

/** Gives the events of a reading, in order. */
export function eventsOf({ lines }: Pick<ChainReading, 'lines'>): readonly SlaEvent[] {
  return lines.flatMap(({ line }) => (line.entry.kind === 'event' ? [line.entry.event] : []));
}
