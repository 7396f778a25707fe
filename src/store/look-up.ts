// SPDX-License-Identifier: Apache-2.0
import { sql } from 'kysely';
import {
  indexAdvisories,
  matchPackages,
  readEcosystem,
  type Feeds,
  type Matched,
  type ScanPackage,
} from '#vulnerabilities';
import type { Pair } from './flaws.ts';
import { jsonParameter } from './rows.ts';
import type { Database } from './schema.ts';

/** A package on a platform, and what matching gave for it. */
export interface LookedUp extends Matched {
  readonly pair: Pair;
}

interface PackageRow {
  readonly package_id: number;
  readonly platform: string;
  readonly scope: ScanPackage['scope'];
  readonly ecosystem: string;
  readonly name: string;
  readonly version: string | null;
  readonly occurrences: ScanPackage['occurrences'];
}

/** Matches packages of the store with the feeds, all of an ecosystem at once. */
export async function lookUp(db: Database, pairs: readonly Pair[], feeds: Feeds): Promise<readonly LookedUp[]> {
  const { rows } =
    await sql<PackageRow>`select p.id as package_id, r.platform, p.scope, p.ecosystem, p.name, p.version, p.occurrences
    from jsonb_to_recordset(${jsonParameter(pairs)}) as r ("packageId" integer, platform text)
    join packages p on p.id = r."packageId"
    order by p.id, r.platform`.execute(db);
  const found: LookedUp[] = [];
  for (const [ecosystem, own] of Map.groupBy(rows, (row) => row.ecosystem)) {
    const reading = await readEcosystem(feeds, ecosystem, own.map(toPackage));
    const index = indexAdvisories(reading.advisories);
    for (const row of own) {
      const matched = matchPackages([toPackage(row)], index, row.platform === '' ? {} : { platform: row.platform });
      const pair = { packageId: row.package_id, platform: row.platform };
      found.push({ pair, ...matched, gaps: [...reading.gaps, ...matched.gaps] });
    }
  }
  return found;
}

function toPackage({ scope, ecosystem, name, version, occurrences }: PackageRow): ScanPackage {
  return { scope, ecosystem, name, version: version ?? undefined, occurrences };
}
