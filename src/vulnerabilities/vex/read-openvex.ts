// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { messageOf } from '#core';
import { VulnerabilityError } from '../error.ts';
import { VEX_JUSTIFICATIONS, VEX_STATUSES, type VexDocument } from './openvex.ts';
import { statusFaults } from './rules.ts';

const MOST_BYTES = 64 << 20;
const MOST_STATEMENTS = 100_000;

const text = z.string().min(1).max(100_000);
const name = z.string().min(1).max(2_000);
/** RFC 3339, as JSON Schema's `date-time`. */
const time = z.iso.datetime({ offset: true });

const component = {
  '@id': name.optional(),
  identifiers: z.object({ purl: name.optional(), cpe22: name.optional(), cpe23: name.optional() }).optional(),
  hashes: z.record(z.string(), z.string()).optional(),
};

const statement = z.object({
  '@id': name.optional(),
  version: z.int().min(1).optional(),
  vulnerability: z.object({
    '@id': name.optional(),
    name,
    description: text.optional(),
    aliases: z.array(name).max(1000).optional(),
  }),
  timestamp: time.optional(),
  last_updated: time.optional(),
  products: z
    .array(z.object({ ...component, subcomponents: z.array(z.object(component)).max(100_000).optional() }))
    .max(100_000)
    .optional(),
  status: z.enum(VEX_STATUSES),
  supplier: text.optional(),
  status_notes: text.optional(),
  justification: z.enum(VEX_JUSTIFICATIONS).optional(),
  impact_statement: text.optional(),
  action_statement: text.optional(),
  action_statement_timestamp: time.optional(),
});

const documentSchema = z.object({
  '@context': z.string().regex(/^https:\/\/openvex\.dev\/ns(?:\/v0\.[0-9.]+)?$/, 'must be the context of OpenVEX'),
  '@id': name,
  author: text,
  role: text.optional(),
  timestamp: time,
  last_updated: time.optional(),
  version: z.int().min(1),
  tooling: text.optional(),
  supplier: text.optional(),
  statements: z.array(statement).max(MOST_STATEMENTS),
});

/**
 * Takes an OpenVEX document (0.2.0) from anywhere, as text, and the name to show for it; gives it checked, unknown members left
 * out. Throws `VEX_INVALID` with every fault. Documents with no statement are read: others publish such, though the schema wants one.
 */
export function parseOpenVex(json: string, where: string): VexDocument {
  if (json.length > MOST_BYTES) throw invalid(where, [`larger than ${MOST_BYTES} bytes`]);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw invalid(where, [`not JSON: ${messageOf(error)}`]);
  }
  const parsed = documentSchema.safeParse(value);
  if (!parsed.success)
    throw invalid(
      where,
      parsed.error.issues.map((issue) => `${issue.path.map(String).join('.') || 'document'}: ${issue.message}`),
    );
  const faults = parsed.data.statements.flatMap((one, index) =>
    [
      ...statusFaults({
        status: one.status,
        justification: one.justification,
        impact: one.impact_statement,
        action: one.action_statement,
      }).map(({ message }) => message),
      ...unnamed(one.products ?? []),
    ].map((message) => `statements.${index}: ${message}`),
  );
  if (faults.length > 0) throw invalid(where, faults);
  return parsed.data;
}

/** A product, or a part of one, that nothing names (openvex schema: `@id` or `identifiers`). */
function unnamed(products: NonNullable<z.output<typeof statement>['products']>): readonly string[] {
  const named = (one: { readonly '@id'?: string | undefined; readonly identifiers?: object | undefined }) =>
    one['@id'] !== undefined || Object.keys(one.identifiers ?? {}).length > 0;
  return products
    .filter((product) => !named(product) || !(product.subcomponents ?? []).every(named))
    .map(() => 'a product or subcomponent has neither @id nor identifiers');
}

function invalid(where: string, faults: readonly string[]): VulnerabilityError {
  const shown = faults.slice(0, 20).map((fault) => `\n  ${fault}`);
  const more = faults.length > 20 ? `\n  and ${faults.length - 20} more` : '';
  return new VulnerabilityError('VEX_INVALID', `this is no OpenVEX document:${shown.join('')}${more}`, {
    where,
    hint: 'It must follow OpenVEX 0.2.0 (https://github.com/openvex/spec); `vexctl` and `oakum vex export` write it.',
  });
}
