// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { FEED_NAMES } from '../feeds/feed.ts';
import { RATINGS } from '../severity.ts';

const text = z.string();
const digest = text.regex(/^sha256:[0-9a-f]{64}$/);
const time = z.iso.datetime();
const day = text.describe('A day, YYYY-MM-DD.');
const cvssVersion = z.enum(['2.0', '3.0', '3.1', '4.0']);
const rating = z.enum(RATINGS);
const score = z.number().min(0).max(10);

const feed = z.strictObject({
  name: z.enum(FEED_NAMES),
  state: z.enum(['fresh', 'stale', 'missing', 'faulty']),
  reason: text.optional().describe('Why it is not fresh.'),
  fetchedAt: time.optional(),
  checkedAt: time.optional().describe('When it was last seen to be unchanged.'),
  asOf: time.optional().describe('The date that the feed states.'),
  digest: digest.optional(),
  count: z.int().optional(),
  source: text.optional(),
  ecosystems: z.array(text).optional(),
  maxAgeDays: z.number(),
});

const severity = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('cvss'), source: text, version: cvssVersion, vector: text, score, rating }),
  z.strictObject({ kind: z.literal('word'), source: text, word: text }),
  z.strictObject({ kind: z.literal('invalid'), source: text, vector: text, reason: text }),
]);

const decision = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('version'), version: text }).describe('The advisory lists the version.'),
  z
    .strictObject({
      kind: z.literal('range'),
      type: z.enum(['SEMVER', 'ECOSYSTEM']),
      introduced: text,
      until: z.strictObject({ kind: z.enum(['fixed', 'last_affected']), version: text }).optional(),
    })
    .describe('The version lies in a range of the advisory.'),
]);

const match = z.strictObject({
  advisory: text,
  feed: z.enum(FEED_NAMES),
  modified: text.optional(),
  searched: z.strictObject({ ecosystem: text, name: text, version: text }),
  decision,
  fix: text.optional(),
  imports: z
    .array(z.strictObject({ path: text, symbols: z.array(text), goos: z.array(text), goarch: z.array(text) }))
    .describe('The Go packages that hold the flaw; empty where the advisory does not say.'),
  notes: z.record(text, text),
});

const frame = z.strictObject({
  module: text,
  version: text.optional(),
  package: text.optional(),
  function: text.optional(),
  file: text.optional(),
  line: z.int().optional(),
});

const reachability = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('called'), path: z.array(frame), evidence: digest }),
  z.strictObject({ kind: z.enum(['imported', 'required']), evidence: digest }),
  z.strictObject({ kind: z.literal('not-analysed'), reason: text }),
]);

const occurrence = z.strictObject({
  name: text,
  version: text,
  purl: text.optional(),
  how: text.optional().describe('Why it is looked up under another name or version than its own.'),
});

const kev = z.strictObject({
  cve: text,
  name: text,
  dateAdded: day,
  dueDate: day,
  requiredAction: text,
  knownRansomwareUse: text,
  notes: text,
});

const finding = z.strictObject({
  id: text.describe('The name it goes by; all of its names are in ids.'),
  ids: z.array(text),
  summary: text,
  package: z.strictObject({
    ecosystem: text.describe('As OSV names it: Go, Debian:13, Alpine:v3.23.'),
    name: text,
    version: text,
    scope: z.enum(['image', 'build']).describe('build: it made the target, and is not in it.'),
  }),
  occurrences: z.array(occurrence),
  fix: text.optional().describe('The least version that every source calls fixed; absent where none is known.'),
  severity: z
    .strictObject({
      rating: rating.describe('unknown is no kind of low: nobody has scored it.'),
      score: score.optional(),
      by: z.strictObject({ source: text, version: cvssVersion, vector: text }).optional(),
    })
    .describe('What counts by the policy.'),
  severities: z.array(severity).describe('All that any source says.'),
  published: text.optional(),
  modified: text.optional(),
  url: text.optional(),
  matches: z.array(match).describe('Why: each advisory that touches the package, and what of it decided.'),
  dissent: z
    .array(z.strictObject({ advisory: text, reason: text }))
    .describe('Advisories of the same flaw that say otherwise.'),
  kev: kev.optional().describe("CISA's entry, where it is known to be exploited."),
  epss: z.strictObject({ cve: text, score: z.number(), percentile: z.number(), date: day }).optional(),
  reachability,
});

const report = z.strictObject({
  target: text.describe('As the user named it.'),
  kind: z.enum(['image', 'sbom', 'go-binary', 'go.mod']),
  platform: text.optional(),
  digest: digest.optional().describe("Of the platform's manifest."),
  basis: text.describe('What the packages were read from.'),
  packages: z.int().min(0),
  findings: z.array(finding),
  setAside: z
    .array(
      z.strictObject({
        ids: z.array(text),
        package: z.strictObject({ ecosystem: text, name: text, version: text }),
        reason: text,
      }),
    )
    .describe('Advisories that name a version here and are no findings.'),
  gaps: z
    .array(z.strictObject({ what: text, reason: text, feed: text.optional() }))
    .describe('What could not be checked. Only without findings and gaps is a target clean.'),
  reachability: z.enum(['analysed', 'not analysed']),
  analysis: z.strictObject({ tool: text, database: text, at: text, evidence: digest }).optional(),
});

const scanSchema = z.strictObject({
  verdict: z
    .enum(['clean', 'findings', 'unchecked'])
    .describe('unchecked: nothing found, and not everything could be checked.'),
  scannedAt: time,
  feeds: z.array(feed),
  reports: z.array(report),
});

/** Gives the JSON Schema of what `oakum scan --json` prints. */
export function scanJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(scanSchema, { target: 'draft-2020-12' }) as Record<string, unknown>;
  return { $schema, title: 'Result of oakum scan --json', ...rest };
}
