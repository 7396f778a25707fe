// SPDX-License-Identifier: Apache-2.0
import { sql } from 'kysely';
import { digestOf } from '#core';
import type { ScanPackage } from '#vulnerabilities';
import type { RecordedSubject } from './record.ts';
import { inBatches, jsonParameter, storable } from './rows.ts';
import type { Database } from './schema.ts';

/** What a subject's SBOM holds: the ids of its packages in order, and the digest that tells it from others. */
export interface Holding {
  readonly digest: string;
  readonly packageIds: readonly number[];
}

/** Stores the packages of subjects that are not there yet, each once; gives what each subject holds. */
export async function storePackages(db: Database, subjects: readonly RecordedSubject[]): Promise<readonly Holding[]> {
  const distinct = new Map<string, ScanPackage>();
  const held = subjects.map(({ packages }) =>
    packages.map((given) => {
      const one = storable(given);
      const digest = digestOf(packageText(one));
      if (!distinct.has(digest)) distinct.set(digest, one);
      return digest;
    }),
  );
  const ids = await idsOf(db, [...distinct.keys()]);
  const missing = [...distinct].filter(([digest]) => !ids.has(digest)).sort(([a], [b]) => (a < b ? -1 : 1));
  await insert(db, missing);
  for (const [digest, id] of await idsOf(
    db,
    missing.map(([digest]) => digest),
  ))
    ids.set(digest, id);
  return held.map((digests) => {
    const own = [...new Set(digests)].sort();
    return {
      digest: digestOf(own.join('\n')),
      packageIds: own.flatMap((digest) => ids.get(digest) ?? []).sort((a, b) => a - b),
    };
  });
}

/** All of a package, in one order. */
function packageText({ scope, ecosystem, name, version, occurrences }: ScanPackage): string {
  const names = occurrences.map((one) => [one.name, one.version, one.purl ?? null, one.how ?? null]);
  return JSON.stringify([scope, ecosystem, name, version ?? null, names]);
}

async function idsOf(db: Database, digests: readonly string[]): Promise<Map<string, number>> {
  const ids = new Map<string, number>();
  for (const batch of inBatches(digests)) {
    const found = await db
      .selectFrom('packages')
      .select(['id', 'digest'])
      .where(sql<boolean>`digest = any(${batch}::text[])`)
      .execute();
    for (const { id, digest } of found) ids.set(digest, id);
  }
  return ids;
}

async function insert(db: Database, packages: readonly (readonly [string, ScanPackage])[]): Promise<void> {
  for (const batch of inBatches(packages)) {
    const rows = batch.map(([digest, one]) => ({ digest, ...one }));
    await sql`insert into packages (digest, scope, ecosystem, name, version, occurrences)
      select digest, scope, ecosystem, name, version, occurrences
      from jsonb_to_recordset(${jsonParameter(rows)}) as r
        (digest text, scope text, ecosystem text, name text, version text, occurrences jsonb)
      on conflict (digest) do nothing`.execute(db);
  }
}
