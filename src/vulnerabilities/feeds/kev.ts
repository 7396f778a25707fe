// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { VulnerabilityError } from '../error.ts';
import {
  absent,
  type FeedContext,
  type FeedOutcome,
  getHeld,
  readJson,
  requireNotOlder,
  validatorOf,
} from './context.ts';
import type { KevEntry } from './feed.ts';
import { KEV_FILE } from './files.ts';
import { stableJson } from './json.ts';
import type { FeedFile } from './origin.ts';

const FILE: FeedFile = {
  path: 'kev/known_exploited_vulnerabilities.json',
  url: 'https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json',
};
const MAX_BYTES = 64 << 20;

const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'must be a date, YYYY-MM-DD');
const catalog = z.looseObject({
  dateReleased: z.string().refine((text) => !Number.isNaN(Date.parse(text)), { error: 'must be a time' }),
  count: z.int().min(0),
  vulnerabilities: z.array(
    z.looseObject({
      cveID: z.string().regex(/^CVE-\d{4}-\d{4,19}$/, 'must be a CVE id'),
      vulnerabilityName: z.string(),
      dateAdded: day,
      dueDate: day,
      requiredAction: z.string(),
      knownRansomwareCampaignUse: z.string().default('Unknown'),
      notes: z.string().default(''),
    }),
  ),
});

/** Updates CISA's catalog of known exploited vulnerabilities, by its published JSON schema. */
export async function updateKev(context: FeedContext): Promise<FeedOutcome> {
  const answer = await getHeld(context, FILE);
  if (answer.kind === 'unchanged') return { kind: 'unchanged' };
  if (answer.kind === 'absent') throw absent(context, FILE);
  const { dateReleased, count, vulnerabilities } = await readJson(answer, MAX_BYTES, catalog);
  const asOf = new Date(dateReleased);
  requireNotOlder(context, asOf, answer.where);
  const entries = new Map<string, KevEntry>();
  for (const entry of vulnerabilities) {
    entries.set(entry.cveID, {
      cve: entry.cveID,
      name: entry.vulnerabilityName,
      dateAdded: entry.dateAdded,
      dueDate: entry.dueDate,
      requiredAction: entry.requiredAction,
      knownRansomwareUse: entry.knownRansomwareCampaignUse,
      notes: entry.notes,
    });
  }
  if (entries.size !== count || vulnerabilities.length !== count) {
    throw new VulnerabilityError('FEED_INVALID', `it holds ${entries.size} entries, and says that it holds ${count}`, {
      where: answer.where,
    });
  }
  await context.draft.write(KEV_FILE, Buffer.from(stableJson(Object.fromEntries(entries))));
  return { kind: 'changed', count, source: answer.where, asOf, validators: validatorOf(context, FILE, answer) };
}
