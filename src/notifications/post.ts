// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type Clock, type Http, messageOf, OakumError, replaceFile } from '#core';
import { NOTICE_KINDS } from '#definition';
import { NotificationError } from './error.ts';
import type { Notice } from './notice.ts';
import type { Target } from './target.ts';
import { postNotice } from './webhook.ts';

/** What {@link openPost} needs. `file` keeps what was told and what is still to be delivered; one process at a time may use it. */
export interface PostOptions {
  readonly file: string;
  readonly distribution: string;
  readonly targets: readonly Target[];
  readonly http: Http;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** CAs (PEM) of mail servers that are believed beside the machine's own. */
  readonly authorities?: readonly string[];
}

/** A delivery that did not succeed; it is tried again by the next post. */
export interface FailedDelivery {
  readonly target: string;
  readonly notice: string;
  readonly reason: string;
}

/** Tells notices, each once. */
export interface Post {
  /** Notes notices as told and puts them into the outbox; gives those that are new. */
  tell(notices: readonly Notice[]): Promise<readonly Notice[]>;
  /** Delivers what is in the outbox, each delivery tried once by this post; gives what failed so far. */
  deliver(): Promise<readonly FailedDelivery[]>;
}

const MOST_BYTES = 64 << 20;
const MOST_DAYS = 30;
const DAY = 86_400_000;

const noticeSchema = z.object({
  id: z.string(),
  kind: z.enum(NOTICE_KINDS),
  subject: z.string(),
  text: z.string(),
  data: z.record(z.string(), z.unknown()),
  time: z.iso.datetime(),
});

const stateSchema = z.object({
  version: z.literal(1),
  told: z.record(z.string(), z.iso.datetime()),
  outbox: z.array(z.object({ target: z.string(), notice: noticeSchema })),
});

type State = z.output<typeof stateSchema>;
type Entry = State['outbox'][number];

/**
 * Opens the post. What is told and what is to be delivered is written in one step before anything is sent, and each delivery is noted
 * when it is done: a process that is killed loses nothing, and sends at most one notice again, with the same id. Deliveries to targets
 * that the definition names no longer, or older than 30 days, are dropped. Throws `OUTBOX_DAMAGED`.
 */
export async function openPost(options: PostOptions): Promise<Post> {
  const { targets, clock } = options;
  let state = await readState(options.file);
  const failures = new Map<string, FailedDelivery>();
  const write = async (next: State) => {
    await replaceFile(options.file, `${JSON.stringify(next)}\n`, 0o600);
    state = next;
  };
  return {
    async tell(notices) {
      const unique = new Map(notices.map((notice) => [notice.id, notice]));
      const fresh = [...unique.values()].filter(({ id }) => !Object.hasOwn(state.told, id));
      if (fresh.length === 0) return [];
      const entries = fresh.flatMap((notice) =>
        targets.flatMap(({ name, events }) => (events.includes(notice.kind) ? [{ target: name, notice }] : [])),
      );
      const told = { ...state.told, ...Object.fromEntries(fresh.map(({ id, time }) => [id, time])) };
      await write({ ...state, told, outbox: [...state.outbox, ...entries] as Entry[] });
      return fresh;
    },
    async deliver() {
      for (const entry of state.outbox) {
        const key = keyOf(entry);
        if (failures.has(key)) continue;
        const reason = await attempt(entry, options);
        if (reason === undefined) await write({ ...state, outbox: state.outbox.filter((one) => keyOf(one) !== key) });
        else failures.set(key, { target: entry.target, notice: entry.notice.id, reason });
      }
      const now = clock.now().getTime();
      const kept = state.outbox.filter(({ notice }) => now - Date.parse(notice.time) < MOST_DAYS * DAY);
      if (kept.length < state.outbox.length) await write({ ...state, outbox: kept });
      return [...failures.values()];
    },
  };
}

/** Gives why a delivery failed; undefined where it did not, or where nobody wants it any more. */
async function attempt({ target: name, notice }: Entry, options: PostOptions): Promise<string | undefined> {
  const target = options.targets.find((one) => one.name === name);
  if (target === undefined) return undefined;
  const context = { ...options, origin: { distribution: options.distribution } };
  const { settings } = target;
  try {
    // What mail needs takes longer to load than all else here.
    if (settings.kind === 'email')
      await (await import('./mail.ts')).mailNotice(notice, { ...target, settings }, context);
    else await postNotice(notice, { ...target, settings }, context);
    return undefined;
  } catch (error) {
    if (options.signal.aborted) throw options.signal.reason;
    if (error instanceof OakumError) return messageOf(error);
    throw error;
  }
}

async function readState(file: string): Promise<State> {
  try {
    const text = await readFile(file, 'utf8');
    if (text.length > MOST_BYTES) throw new Error(`larger than ${MOST_BYTES} bytes`);
    return stateSchema.parse(JSON.parse(text));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { version: 1, told: {}, outbox: [] };
    throw new NotificationError('OUTBOX_DAMAGED', "the record of what was told can't be read", {
      where: file,
      hint: 'Put back a copy of it. Without the file everything is told once more.',
      cause: error,
    });
  }
}

function keyOf({ target, notice }: Entry): string {
  return `${target}\n${notice.id}`;
}
