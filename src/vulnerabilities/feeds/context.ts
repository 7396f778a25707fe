// SPDX-License-Identifier: Apache-2.0
import type { z } from 'zod';
import { VulnerabilityError } from '../error.ts';
import { schemaFault } from './advisory-record.ts';
import type { Draft } from './draft.ts';
import type { FeedName } from './feed.ts';
import { parseJson } from './json.ts';
import { type LineReader, openLines } from './lines.ts';
import type { FeedFile, FoundFile, Origin } from './origin.ts';
import type { HeldFeed } from './record.ts';

/** What a feed is to be updated with. */
export interface FeedContext {
  readonly name: FeedName;
  readonly origin: Origin;
  /** What is held and whole; undefined the first time. */
  readonly held: HeldFeed | undefined;
  readonly draft: Draft;
  readonly now: Date;
  /** Take a feed that is older than the one held. */
  readonly acceptOlder: boolean;
  /** Lines of what is held. */
  heldLines(name: string): LineReader;
  readonly settings: FeedSettings;
  /** Alpine branches that are maintained at `now`, by endoflife.date; empty where it is not held. */
  readonly livingAlpineBranches: readonly string[];
}

/** What of the feeds to fetch. */
export interface FeedSettings {
  readonly osvEcosystems: readonly string[];
  /** OSV ids fetched one by one, whatever their ecosystem. */
  readonly osvIds: readonly string[];
  /** Alpine branches; those that still live, by endoflife.date, where none are given. */
  readonly alpineBranches: readonly string[];
}

/** What updating a feed gave. Lists `validators` by place, of every file that was asked for. */
export type FeedOutcome =
  | { readonly kind: 'unchanged'; readonly validators?: Readonly<Record<string, string>>; readonly asOf?: Date }
  | {
      readonly kind: 'changed';
      readonly count: number;
      readonly ecosystems?: Readonly<Record<string, number>>;
      readonly source: string;
      readonly asOf?: Date;
      readonly validators: Readonly<Record<string, string>>;
    };

/** One feed's way of being updated. */
export type UpdateFeed = (context: FeedContext) => Promise<FeedOutcome>;

/** Gives the lines reader of a held snapshot's folder. */
export function heldLinesOf(folder: string): (name: string) => LineReader {
  return (name) => openLines(folder, name);
}

/** Asks for a file with the validator that is held for its place. */
export function getHeld(context: FeedContext, file: FeedFile) {
  return context.origin.get(file, { validator: context.held?.validators[context.origin.place(file)] });
}

/** Gives a file's validator, to be kept for the next time. */
export function validatorOf(context: FeedContext, file: FeedFile, found: FoundFile): Record<string, string> {
  return found.validator === undefined ? {} : { [context.origin.place(file)]: found.validator };
}

/** The error for a feed that its place does not have. */
export function absent(context: FeedContext, file: FeedFile): VulnerabilityError {
  return new VulnerabilityError('FEED_ABSENT', 'there is no such file', {
    where: context.origin.place(file),
    hint: 'docs/vulnerabilities.md says how a mirror is laid out.',
  });
}

/** Asks for a file that must be there, without a validator. */
export async function getFile(context: FeedContext, file: FeedFile): Promise<FoundFile> {
  const answer = await context.origin.get(file);
  if (answer.kind !== 'found') throw absent(context, file);
  return answer;
}

/** Reads a file whole. */
export async function readFound(found: FoundFile, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of found.body(maxBytes)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Reads a file as JSON of a shape; throws `FEED_INVALID` with the first fault. */
export async function readJson<T>(found: FoundFile, maxBytes: number, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse(parseJson(await readFound(found, maxBytes), found.where));
  if (!parsed.success) throw schemaFault(parsed.error, found.where);
  return parsed.data;
}

/** Refuses a feed whose own date is before that of the one held: a rolled-back or forgotten mirror. */
export function requireNotOlder(context: FeedContext, asOf: Date, where: string): void {
  const held = context.held?.asOf;
  if (held === undefined || context.acceptOlder || asOf.getTime() >= Date.parse(held)) return;
  throw new VulnerabilityError('FEED_OLDER', `it is of ${asOf.toISOString()}, older than the one held, of ${held}`, {
    where,
    hint: 'Check the mirror; --accept takes it all the same.',
  });
}

/** Gives the newest of some dates, not after `now`; undefined where there is none. */
export function newestOf(dates: readonly (Date | undefined)[], now: Date): Date | undefined {
  const times = dates.flatMap((date) => (date === undefined ? [] : [Math.min(date.getTime(), now.getTime())]));
  return times.length === 0 ? undefined : new Date(Math.max(...times));
}
