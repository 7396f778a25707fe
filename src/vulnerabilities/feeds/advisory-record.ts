// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { VulnerabilityError } from '../error.ts';
import { clearFrom } from '../match/clear-from.ts';
import type { Draft } from './draft.ts';
import { parseJson, stableJson } from './json.ts';

const time = z.string().refine((text) => /^\d{4}-\d{2}-\d{2}T/.test(text) && !Number.isNaN(Date.parse(text)), {
  error: 'must be a time in RFC 3339',
});
const name = z.string().min(1).max(1024);

/** An advisory's or vulnerability's id: part of paths and addresses, so letters, digits and a few signs only. */
export const advisoryId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/, 'must be an id like GO-2026-6061');

const event = z.looseObject({
  introduced: z.string().optional(),
  fixed: z.string().optional(),
  last_affected: z.string().optional(),
  limit: z.string().optional(),
});

/** What of the OSV schema (https://ossf.github.io/osv-schema/) storing and finding an advisory needs; the rest is kept as it is. */
const osvRecord = z.looseObject({
  id: advisoryId,
  modified: time,
  published: time.optional(),
  withdrawn: time.nullish(),
  aliases: z.array(z.string()).nullish(),
  upstream: z.array(z.string()).nullish(),
  affected: z
    .array(
      z.looseObject({
        package: z.looseObject({ ecosystem: name, name }).nullish(),
        ranges: z.array(z.looseObject({ type: z.string(), events: z.array(event) })).nullish(),
        versions: z.array(z.string()).nullish(),
      }),
    )
    .nullish(),
});

/** An advisory ready to be stored. `packages` are those it names, by ecosystem. */
export interface StoredAdvisory {
  readonly id: string;
  readonly modified: string;
  readonly value: unknown;
  readonly ids: readonly string[];
  readonly packages: ReadonlyMap<string, readonly string[]>;
}

/** Parses and checks one OSV record; throws `FEED_INVALID` that names what is wrong with it. */
export function readAdvisory(bytes: Uint8Array, where: string): StoredAdvisory {
  return checkAdvisory(parseJson(bytes, where), where);
}

/** Checks one OSV record; throws `FEED_INVALID` that names what is wrong with it. */
export function checkAdvisory(value: unknown, where: string): StoredAdvisory {
  const parsed = osvRecord.safeParse(value);
  if (!parsed.success) throw schemaFault(parsed.error, where);
  const record = parsed.data;
  const packages = new Map<string, string[]>();
  for (const affected of record.affected ?? []) {
    if (!affected.package) continue;
    const names = packages.get(affected.package.ecosystem) ?? [];
    if (!names.includes(affected.package.name)) names.push(affected.package.name);
    packages.set(affected.package.ecosystem, names);
  }
  const ids = [...new Set([record.id, ...(record.aliases ?? []), ...(record.upstream ?? [])])];
  return { id: record.id, modified: record.modified, value, ids, packages };
}

/** Gives the first fault that a schema found as this room's error. */
export function schemaFault(error: z.ZodError, where: string): VulnerabilityError {
  const [issue] = error.issues;
  const path = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
  const more = error.issues.length > 1 ? ` (and ${error.issues.length - 1} more)` : '';
  return new VulnerabilityError('FEED_INVALID', `it does not have its schema: ${path}${issue?.message}${more}`, {
    where,
  });
}

/**
 * Writes advisories, each into the file of every ecosystem that `wanted` accepts; one that names none of them (withdrawn,
 * say) into that of `home`, where its id finds it. Gives the number in each.
 */
export async function writeAdvisories(
  draft: Draft,
  advisories: Iterable<StoredAdvisory>,
  { home, wanted }: { readonly home: string; readonly wanted: (ecosystem: string) => boolean },
): Promise<Record<string, number>> {
  const byEcosystem = new Map<string, StoredAdvisory[]>();
  for (const advisory of advisories) {
    const ecosystems = [...advisory.packages.keys()].filter(wanted);
    for (const ecosystem of ecosystems.length === 0 ? [home] : ecosystems) {
      const group = byEcosystem.get(ecosystem);
      if (group === undefined) byEcosystem.set(ecosystem, [advisory]);
      else group.push(advisory);
    }
  }
  const counts: Record<string, number> = {};
  for (const [ecosystem, group] of [...byEcosystem].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const writer = await draft.lines(ecosystem);
    const sorted = group
      .map((advisory) => ({ advisory, keys: [...(advisory.packages.get(ecosystem) ?? [])].sort() }))
      .sort((a, b) => compare(a.keys[0] ?? '', b.keys[0] ?? '') || compare(a.advisory.id, b.advisory.id));
    for (const { advisory, keys } of sorted) {
      const { value, ids } = advisory;
      await writer.add({ json: stableJson(value), keys, ids, clearFrom: clearFrom(value, ecosystem) });
    }
    counts[ecosystem] = writer.count;
  }
  return counts;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
