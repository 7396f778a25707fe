// SPDX-License-Identifier: Apache-2.0
import { sql } from 'kysely';
import { inBatches } from './rows.ts';
import type { Database, StoredFinding } from './schema.ts';
import type { SeenFinding } from './types.ts';

/** Gives the findings of subjects as they are now, by the subject's id; `names`: only those with one of these names. */
export async function readFindings(
  db: Database,
  subjectIds: readonly number[],
  names?: readonly string[],
): Promise<ReadonlyMap<number, readonly SeenFinding[]>> {
  const named =
    names === undefined ? sql`true` : sql`f.flaw_id in (select id from flaws where names && ${names}::text[])`;
  const { rows } = await sql<{ subject_id: number; flaw_id: number; first_seen: Date }>`
    select f.subject_id, f.flaw_id, f.first_seen from findings f
    where f.subject_id = any(${subjectIds}::integer[]) and f.gone_at is null and ${named}
    order by f.subject_id, f.package_id, f.flaw_id`.execute(db);
  const bodies = await readBodies(db, [...new Set(rows.map(({ flaw_id }) => flaw_id))]);
  const findings = new Map<number, SeenFinding[]>();
  for (const { subject_id, flaw_id, first_seen } of rows) {
    const body = bodies.get(flaw_id);
    if (body === undefined) continue;
    const own = findings.get(subject_id);
    const finding = toFinding(body, first_seen);
    if (own === undefined) findings.set(subject_id, [finding]);
    else own.push(finding);
  }
  for (const own of findings.values()) own.sort(compare);
  return findings;
}

async function readBodies(db: Database, ids: readonly number[]): Promise<ReadonlyMap<number, StoredFinding>> {
  const bodies = new Map<number, StoredFinding>();
  for (const batch of inBatches(ids)) {
    const found = await db
      .selectFrom('flaws')
      .select(['id', 'body'])
      .where(sql<boolean>`id = any(${batch}::integer[])`)
      .execute();
    for (const { id, body } of found) bodies.set(id, body);
  }
  return bodies;
}

/** In a stored value what is undefined is not there. */
function toFinding(body: StoredFinding, firstSeen: Date): SeenFinding {
  const { fix, published, modified, url } = body;
  return {
    ...body,
    fix,
    published,
    modified,
    url,
    kev: undefined,
    epss: undefined,
    reachability: { kind: 'not-analysed', reason: 'no analysis of this build is kept' },
    firstSeen,
  };
}

function compare(a: SeenFinding, b: SeenFinding): number {
  const text = ({ package: found, id }: SeenFinding) =>
    JSON.stringify([found.scope === 'image' ? 0 : 1, found.ecosystem, found.name, found.version, id]);
  return text(a) < text(b) ? -1 : 1;
}
