// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { SEVERITIES } from './policy.ts';

/** What one clock measures: a vulnerability by its main id, in a product such as `2.9/distroless/source-controller`. */
export interface ClockSubject {
  readonly vulnerability: string;
  readonly product: string;
}

const name = z.string().min(1).max(500);
const text = z.string().max(10_000);
const moment = z.iso.datetime({ offset: false, precision: 3 });
const risk = z
  .strictObject({
    kev: z.strictObject({ due: z.iso.date().optional() }).optional(),
    automatable: z.boolean().optional(),
    impact: z.enum(['partial', 'total']).optional(),
  })
  .optional();

const shared = { at: moment, vulnerability: name, product: name };
const scored = { severity: z.enum(SEVERITIES), risk, source: text.optional(), vector: text.optional() };

/**
 * The shape of an event in the log. `at` is when it was noted, and never goes back in a log; `since` is when it came to be in the
 * world, which may be earlier.
 */
export const eventSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('disclosed'), ...shared, since: moment, source: text.optional() }),
  z.strictObject({ kind: z.literal('detected'), ...shared, ...scored, package: text.optional() }),
  z.strictObject({ kind: z.literal('rescored'), ...shared, ...scored }),
  z.strictObject({ kind: z.literal('fix-available'), ...shared, since: moment, version: text.optional() }),
  z.strictObject({
    kind: z.literal('assessed'),
    ...shared,
    status: z.enum(['affected', 'not_affected', 'under_investigation']),
    reason: text,
    statement: text.optional(),
  }),
  z.strictObject({ kind: z.literal('patched'), ...shared, revision: text.optional() }),
  z.strictObject({ kind: z.literal('published'), ...shared, revision: text, digest: text.optional() }),
  z.strictObject({ kind: z.literal('withdrawn'), ...shared, reason: text }),
  z.strictObject({ kind: z.literal('reopened'), ...shared, reason: text }),
]);

/** One thing that happened to one finding; times are ISO 8601 in UTC with milliseconds. */
export type SlaEvent = Readonly<z.output<typeof eventSchema>>;

/** The text by which events of one clock are told from others. */
export function clockKey({ vulnerability, product }: ClockSubject): string {
  return JSON.stringify([product, vulnerability]);
}
