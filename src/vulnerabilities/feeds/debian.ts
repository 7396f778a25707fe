// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { decompress } from '#formats';
import { VulnerabilityError } from '../error.ts';
import { schemaFault } from './advisory-record.ts';
import { absent, type FeedContext, type FeedOutcome, getHeld, newestOf, validatorOf } from './context.ts';
import type { Line, LineWriter } from './line-writer.ts';
import { jsonMembers } from './json-members.ts';
import { type FeedFile, type FoundFile, feedFault } from './origin.ts';

const TRACKER = 'https://security-tracker.debian.org/tracker';
const PLAIN: FeedFile = { path: 'debian-tracker.json', url: `${TRACKER}/data/json` };
const PACKED: FeedFile = { path: 'debian-tracker.json.gz', url: `${TRACKER}/data/json` };
/** The tracker is about 70 MB, its largest entry (linux) about 12. */
const MAX_BYTES = 384 << 20;
const MAX_PACKAGE = 64 << 20;

/** OSV names releases by number (`Debian:13`), the tracker by codename. A codename that is not here is left out, and so not covered. */
const RELEASES: Readonly<Record<string, string>> = {
  buster: '10',
  bullseye: '11',
  bookworm: '12',
  trixie: '13',
  forky: '14',
  duke: '15',
};

const packageEntry = z.record(
  z.string().regex(/^(?:CVE|TEMP)-[A-Za-z0-9-]+$/, 'must be a CVE or TEMP id'),
  z.looseObject({
    description: z.string().optional(),
    scope: z.string().optional(),
    debianbug: z.number().optional(),
    releases: z.record(
      z.string(),
      z.looseObject({
        status: z.enum(['open', 'resolved', 'undetermined']),
        fixed_version: z.string().optional(),
        urgency: z.string().optional(),
        nodsa: z.string().optional(),
        nodsa_reason: z.string().optional(),
      }),
    ),
  }),
);
type Issue = z.output<typeof packageEntry>[string];

/** Updates from Debian's security tracker (https://security-tracker.debian.org): one large JSON, read package by package. */
export async function updateDebian(context: FeedContext): Promise<FeedOutcome> {
  for (const file of [PLAIN, PACKED]) {
    const answer = await getHeld(context, file);
    if (answer.kind === 'unchanged') return { kind: 'unchanged' };
    if (answer.kind === 'found') return readTracker(context, file, answer);
  }
  throw absent(context, PLAIN);
}

async function readTracker(context: FeedContext, file: FeedFile, found: FoundFile): Promise<FeedOutcome> {
  const writers = new Map<string, LineWriter>();
  const packages = new Set<string>();
  for await (const member of jsonMembers(contentOf(file, found), { where: found.where, maxMember: MAX_PACKAGE })) {
    if (packages.has(member.name))
      throw new VulnerabilityError('FEED_INVALID', `it holds the package ${member.name} twice`, { where: found.where });
    packages.add(member.name);
    const parsed = packageEntry.safeParse(member.value);
    if (!parsed.success) throw schemaFault(parsed.error, `${found.where}#${member.name}`);
    for (const [id, issue] of Object.entries(parsed.data).sort(([a], [b]) => (a < b ? -1 : 1))) {
      for (const release of Object.keys(issue.releases)) {
        const line = toLine({ source: member.name, id, issue, release });
        if (line === undefined) continue;
        const writer = writers.get(line.ecosystem) ?? (await context.draft.lines(line.ecosystem));
        writers.set(line.ecosystem, writer);
        await writer.add(line);
      }
    }
  }
  const ecosystems = Object.fromEntries([...writers].map(([name, writer]) => [name, writer.count]));
  const asOf = newestOf([found.modified], context.now);
  return {
    kind: 'changed',
    count: Object.values(ecosystems).reduce((sum, count) => sum + count, 0),
    ecosystems,
    source: found.where,
    validators: validatorOf(context, file, found),
    ...(asOf === undefined ? {} : { asOf }),
  };
}

/**
 * Turns one issue of one source package in one release into an OSV record with the id that osv.dev gives it. `fixed_version`
 * 0 says that the release never was affected. Without a fixed version every version is affected (`open`), or nobody
 * knows yet (`undetermined`, kept in `ecosystem_specific.status`). The tracker has no time of change, so neither has the record.
 */
function toLine(of: {
  source: string;
  id: string;
  issue: Issue;
  release: string;
}): (Line & { ecosystem: string }) | undefined {
  const { source, id, issue, release } = of;
  const number = RELEASES[release];
  const state = issue.releases[release];
  if (number === undefined || state === undefined || state.fixed_version === '0') return undefined;
  const ecosystem = `Debian:${number}`;
  const isCve = id.startsWith('CVE-');
  const value = {
    schema_version: '1.7.3',
    id: `DEBIAN-${id}`,
    ...(isCve ? { upstream: [id] } : {}),
    ...(issue.description === undefined ? {} : { details: issue.description }),
    affected: [
      {
        package: { ecosystem, name: source },
        ranges: [
          {
            type: 'ECOSYSTEM',
            events: [
              { introduced: '0' },
              ...(state.fixed_version === undefined ? [] : [{ fixed: state.fixed_version }]),
            ],
          },
        ],
        ecosystem_specific: {
          status: state.status,
          urgency: state.urgency,
          nodsa: state.nodsa,
          nodsa_reason: state.nodsa_reason,
        },
      },
    ],
    references: [{ type: 'ADVISORY', url: `${TRACKER}/${id}` }],
    database_specific: { source: TRACKER, scope: issue.scope, debianbug: issue.debianbug },
  };
  return { ecosystem, json: JSON.stringify(value), keys: [source], ids: isCve ? [id] : [`DEBIAN-${id}`, id] };
}

async function* contentOf(file: FeedFile, found: FoundFile): AsyncGenerator<Uint8Array, void, undefined> {
  const bytes = found.body(MAX_BYTES);
  const options = { compression: 'gzip', maxBytes: MAX_BYTES, where: found.where } as const;
  try {
    yield* file === PACKED ? decompress(bytes, options) : bytes;
  } catch (error) {
    throw feedFault(error, found.where);
  }
}
