// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { messageOf, PLATFORMS } from '#core';
import { type Fault, inFileOrder, type LocatedYaml, locateYaml, toFaults } from '#formats';
import { type VexDecision, namesOf, scopesMeet } from './decision.ts';
import { DecisionError } from './decision-error.ts';
import { purlCovers, purlOf } from './matches.ts';
import { VEX_JUSTIFICATIONS, VEX_STATUSES } from './openvex.ts';
import { statusFaults } from './rules.ts';

const MOST_BYTES = 4 << 20;
const DAY = 86_400_000;

/** The longest time until a decision must be looked at again, in days, unless the caller says otherwise. */
export const MOST_REVIEW_DAYS = 366;

/** `.yaml` files are people's decisions; other files in the folder are left alone. */
const DECISION_FILE = /\.ya?ml$/;

const list = <T extends z.ZodType>(item: T) => z.array(item).min(1, 'must name at least one, or be left out');
const sentence = z.string().trim().min(10, 'must say it in a sentence');
const time = z.iso.datetime({ offset: true, error: 'must be a time like 2026-08-21T09:30:00Z' });

const decisionSchema = z.strictObject({
  vulnerability: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9:._-]{3,99}$/, 'must be an id, like CVE-2026-12345'),
  aliases: z.array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9:._-]{3,99}$/, 'must be an id')).default([]),
  status: z.enum(VEX_STATUSES),
  justification: z.enum(VEX_JUSTIFICATIONS).optional(),
  reason: sentence,
  action: sentence.optional(),
  author: z.string().trim().min(3, 'must name a person'),
  decided: time,
  review: z.iso.date({ error: 'must be a date like 2027-02-01' }),
  components: list(z.string()).optional(),
  channels: list(z.string()).optional(),
  releases: list(
    z
      .string()
      .regex(/^\d+\.\d+(?:\.\d+(?:-r\d+)?)?$/, 'must be a line, release or revision in quotes: "2.9", 2.9.2, 2.9.2-r0'),
  ).optional(),
  platforms: list(z.enum(PLATFORMS)).optional(),
  packages: list(z.string()),
});

const fileSchema = z.strictObject({ version: z.literal(1), decisions: z.array(decisionSchema) });

/** What {@link readDecisions} knows of the distribution, so that a name that does not exist is a fault. */
export interface DecisionContext {
  readonly now: Date;
  readonly components: readonly string[];
  readonly channels: readonly string[];
  readonly maxReviewDays?: number;
}

/**
 * Reads every `*.yaml` in a folder of decisions; a folder that is not there holds none. Throws {@link DecisionError}
 * `VEX_DECISIONS_INVALID` with every fault of every file at once, each with file, line and column.
 */
export async function readDecisions(folder: string, context: DecisionContext): Promise<readonly VexDecision[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw unreadable(folder, error);
  });
  const files = names.filter((name) => DECISION_FILE.test(name)).sort();
  const read = await Promise.all(
    files.map(async (file) => ({ file: `${basename(folder)}/${file}`, text: await readSmall(join(folder, file)) })),
  );
  return parseDecisions(read, context);
}

/** Takes the texts of decision files and the names to show for them; gives the decisions in the order of the files. Throws as {@link readDecisions}. */
export function parseDecisions(
  files: readonly { readonly file: string; readonly text: string }[],
  context: DecisionContext,
): readonly VexDecision[] {
  const readings = files.map(({ file, text }) => parseFile(text, file, context));
  const decisions = readings.flatMap((reading) => reading.decisions);
  const faults = [...readings.flatMap((reading) => reading.faults), ...contradictions(decisions)];
  if (faults.length > 0) throw new DecisionError(faults);
  return decisions;
}

function parseFile(text: string, file: string, context: DecisionContext) {
  const located = locateYaml(text, file);
  if (located.faults.length > 0) return { decisions: [], faults: located.faults };
  const parsed = fileSchema.safeParse(located.value);
  if (!parsed.success) return { decisions: [], faults: inFileOrder(toFaults(located, parsed.error)) };
  const faults = parsed.data.decisions.flatMap((entry, index) => entryFaults(entry, index, { located, context }));
  const decisions = parsed.data.decisions.map((entry, index) =>
    toDecision(entry, located.where(['decisions', index, 'vulnerability'])),
  );
  return { decisions, faults: inFileOrder(faults) };
}

type Entry = z.output<typeof decisionSchema>;

function toDecision(entry: Entry, where: string): VexDecision {
  const { vulnerability, aliases, status, justification, reason, action, author, packages } = entry;
  const { components, channels, releases, platforms } = entry;
  return {
    kind: 'person',
    author,
    where,
    vulnerability,
    aliases,
    status,
    justification,
    reason,
    action,
    at: new Date(entry.decided),
    reviewBy: new Date(`${entry.review}T00:00:00Z`),
    scope: { components, channels, releases, platforms },
    packages,
  };
}

/** What the schema can't say of one decision. */
function entryFaults(
  entry: Entry,
  index: number,
  { located, context }: { readonly located: LocatedYaml; readonly context: DecisionContext },
): readonly Fault[] {
  const faults: Fault[] = [];
  const fault = (path: readonly PropertyKey[], message: string) => {
    const full = ['decisions', index, ...path];
    faults.push({ where: located.where(full), message: `${full.map(String).join('.')}: ${message}` });
  };
  const { status, justification, action } = entry;
  // Every decision has a reason, so only where a justification is missing can `not_affected` rest on it alone.
  const impact = status === 'not_affected' ? entry.reason : undefined;
  for (const { part, message } of statusFaults({ status, justification, impact, action }))
    fault([part === 'impact' ? 'reason' : part], message);
  for (const key of ['components', 'channels'] as const) {
    for (const [position, name] of (entry[key] ?? []).entries()) {
      const known = context[key];
      if (!known.includes(name))
        fault([key, position], `the definition has no "${name}" (known: ${known.join(', ') || 'none'})`);
    }
  }
  for (const [position, text] of entry.packages.entries())
    if (purlOf(text) === undefined) fault(['packages', position], 'must be a package URL, like pkg:golang/stdlib');
  const [decided, review] = [new Date(entry.decided), new Date(`${entry.review}T00:00:00Z`)];
  const most = context.maxReviewDays ?? MOST_REVIEW_DAYS;
  if (decided > context.now) fault(['decided'], 'is in the future');
  if (review <= decided) fault(['review'], 'must be after the decision');
  if (review.getTime() - decided.getTime() > most * DAY)
    fault(['review'], `must be at most ${most} days after the decision`);
  return faults;
}

/** Two decisions of the same moment that say different things of the same: neither is the last. */
function contradictions(decisions: readonly VexDecision[]): readonly Fault[] {
  return decisions.flatMap((decision, index) =>
    decisions
      .slice(0, index)
      .filter((other) => contradicts(decision, other))
      .map((other) => ({
        where: decision.where,
        message: `contradicts ${other.where}: both decided at ${decision.at.toISOString()}, ${other.status} there and ${decision.status} here, about the same packages of the same images`,
      })),
  );
}

function contradicts(a: VexDecision, b: VexDecision): boolean {
  const names = new Set(namesOf(a));
  return (
    a.at.getTime() === b.at.getTime() &&
    (a.status !== b.status || a.justification !== b.justification) &&
    namesOf(b).some((name) => names.has(name)) &&
    scopesMeet(a.scope, b.scope) &&
    a.packages.some((one) => b.packages.some((other) => purlCovers(one, other) || purlCovers(other, one)))
  );
}

async function readSmall(path: string): Promise<string> {
  try {
    if ((await stat(path)).size > MOST_BYTES) throw new Error(`larger than ${MOST_BYTES} bytes`);
    return await readFile(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(where: string, error: unknown): DecisionError {
  return new DecisionError([{ where, message: `can't be read: ${messageOf(error)}` }]);
}
