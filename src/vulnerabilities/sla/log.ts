// SPDX-License-Identifier: Apache-2.0
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { whileLocked } from '#cache';
import { type Digest, messageOf, replaceFile } from '#core';
import type { Signer } from '#evidence';
import { VulnerabilityError } from '../error.ts';
import {
  chain,
  type ChainFault,
  type ChainPoint,
  eventsOf,
  formatLine,
  type LogEntry,
  NOTHING,
  readChain,
} from './chain.ts';
import { eventSchema, type SlaEvent } from './events.ts';
import { seal, type SealCheck, sealedPoint } from './seal.ts';

const MOST_BYTES = 512 << 20;

/** What a log says, and whether it is as it was written. Only with no fault may a report rest on it. */
export interface SlaLogReading {
  readonly file: string;
  readonly name: string | undefined;
  readonly events: readonly SlaEvent[];
  readonly seals: number;
  /** The last line: who kept one from before can have it looked for. */
  readonly head: ChainPoint | undefined;
  readonly faults: readonly ChainFault[];
}

/** How a log is checked: who may have sealed it, and a head from before that it must still hold, so that a cut shows too. */
export interface ReadLogOptions {
  readonly check: SealCheck;
  readonly holds?: Digest;
}

/** Reads and checks an event log. A file that is not there is an empty log. Throws `SLA_LOG_UNREADABLE`. */
export async function readSlaLog(file: string, options: ReadLogOptions): Promise<SlaLogReading> {
  return checkLog(await readText(file), file, options);
}

/** Takes the text of a log; gives what it says and every fault of its chain and seals, in the order of the file. */
export async function checkLog(text: string, file: string, { check, holds }: ReadLogOptions): Promise<SlaLogReading> {
  const reading = readChain(text);
  const faults = [...reading.faults];
  const [first] = reading.lines;
  const name = first?.line.entry.kind === 'begin' ? first.line.entry.name : undefined;
  let before = NOTHING;
  let sealed = NOTHING.sequence;
  let seals = 0;
  for (const { line, place } of reading.lines) {
    if (line.entry.kind === 'seal') {
      seals += 1;
      const point = sealedPoint(line.entry.bundle);
      const batch = `entries ${sealed + 1} to ${before.sequence}`;
      if (point === undefined || !(await check(line.entry.bundle)))
        faults.push({ line: place, message: `the seal over ${batch} is not signed by whom it must be` });
      else if (point.name !== name || point.sequence !== before.sequence || point.digest !== before.digest)
        faults.push({
          line: place,
          message: `the seal does not fit ${batch}: one of them was changed and chained anew`,
        });
      sealed = line.sequence;
    }
    before = { sequence: line.sequence, digest: line.digest };
  }
  const last = reading.lines.at(-1);
  if (last !== undefined && last.line.entry.kind !== 'seal')
    faults.push({ line: last.place, message: `entries ${sealed + 1} to ${last.line.sequence} are not sealed` });
  if (holds !== undefined && !reading.lines.some(({ line }) => line.digest === holds))
    faults.push({
      line: reading.lines.length + 1,
      message: `the log does not hold ${holds}: what came after was cut off, or it is another log`,
    });
  return {
    file,
    name,
    events: eventsOf(reading),
    seals,
    head: last === undefined ? undefined : { sequence: last.line.sequence, digest: last.line.digest },
    faults: faults.sort((a, b) => a.line - b.line),
  };
}

/** What {@link appendEvents} needs: the log's name when it begins, and who seals. */
export interface AppendOptions extends ReadLogOptions {
  readonly name: string;
  readonly signer: Pick<Signer, 'sign'>;
}

/**
 * Adds the events that `decide` gives for those that are there, and seals them, all or none: the file is replaced whole, one process at a time. The log is checked first, and a
 * broken one is never added to. Gives the new head. Throws `SLA_LOG_BROKEN`, `SLA_LOG_BUSY`, `SLA_LOG_UNREADABLE`,
 * `SLA_EVENT_INVALID`, `SLA_EVENTS_OUT_OF_ORDER`, `SLA_SEAL_REFUSED` where the new seal would not pass the check.
 */
export async function appendEvents(
  file: string,
  decide: (known: readonly SlaEvent[]) => readonly SlaEvent[],
  options: AppendOptions,
): Promise<ChainPoint | undefined> {
  await mkdir(dirname(file), { recursive: true });
  const lock = `${file}.lock`;
  return whileLocked(lock, busy(lock), async () => {
    const text = await readText(file);
    const log = await checkLog(text, file, options);
    requireSound(log);
    const events = decide(log.events);
    if (events.length === 0) return log.head;
    requireWritable(events, file);
    requireLater(log, events);
    const begin: readonly LogEntry[] =
      log.head === undefined ? [{ kind: 'begin', name: options.name, at: events[0]?.at ?? '' }] : [];
    let added = '';
    let point = log.head ?? NOTHING;
    const add = (entry: LogEntry) => {
      const line = chain(entry, point);
      added += formatLine(line);
      point = { sequence: line.sequence, digest: line.digest };
    };
    for (const entry of [...begin, ...events.map((event): LogEntry => ({ kind: 'event', event }))]) add(entry);
    const bundle = await seal(log.name ?? options.name, point, options.signer);
    if (!(await options.check(bundle))) throw refused(file);
    add({ kind: 'seal', bundle } as LogEntry);
    await replaceFile(file, text + added);
    return point;
  });
}

function refused(where: string): VulnerabilityError {
  return new VulnerabilityError('SLA_SEAL_REFUSED', 'who would seal the log is not who must have sealed it', {
    where,
    hint: 'Name the identity that the token has, or the key that seals; nothing was added.',
  });
}

function busy(lock: string): () => VulnerabilityError {
  return () =>
    new VulnerabilityError('SLA_LOG_BUSY', 'another run has been writing to the event log for too long', {
      where: lock,
      hint: 'Wait for it; if none is running, remove this file.',
    });
}

/** What the reader would not take back must not be written: a log can't be mended. */
function requireWritable(events: readonly SlaEvent[], where: string): void {
  for (const event of events) {
    const parsed = eventSchema.safeParse(event);
    if (parsed.success) continue;
    const [issue] = parsed.error.issues;
    const what = `${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? ''}`;
    throw new VulnerabilityError('SLA_EVENT_INVALID', `"${event.kind}" can't be logged: ${what}`, { where });
  }
}

/** Throws `SLA_LOG_BROKEN` with the first places where a log is not as it was written. */
export function requireSound({ file, faults }: Pick<SlaLogReading, 'file' | 'faults'>): void {
  const [first] = faults;
  if (first === undefined) return;
  const more = faults.length === 1 ? '' : ` (and ${faults.length - 1} more faults)`;
  throw new VulnerabilityError('SLA_LOG_BROKEN', `the event log is not as it was written: ${first.message}${more}`, {
    where: `${file}:${first.line}`,
    hint: '`oakum sla check` lists every fault. Put a copy back that passes it; nothing is added to a broken log.',
  });
}

function requireLater(log: SlaLogReading, events: readonly SlaEvent[]): void {
  let before = log.events.at(-1)?.at ?? '';
  for (const { at, kind } of events) {
    if (at < before)
      throw new VulnerabilityError(
        'SLA_EVENTS_OUT_OF_ORDER',
        `"${kind}" at ${at} would come after an event at ${before}`,
        {
          where: log.file,
          hint: "Set this machine's clock; the log's times never go back.",
        },
      );
    before = at;
  }
}

async function readText(file: string): Promise<string> {
  try {
    if ((await stat(file)).size > MOST_BYTES) throw new Error(`larger than ${MOST_BYTES} bytes`);
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new VulnerabilityError('SLA_LOG_UNREADABLE', `the event log can't be read: ${messageOf(error)}`, {
      where: file,
      cause: error,
    });
  }
}
