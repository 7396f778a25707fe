// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { VulnerabilityError } from '../error.ts';
import {
  absent,
  type FeedContext,
  type FeedOutcome,
  getFile,
  getHeld,
  newestOf,
  readJson,
  validatorOf,
} from './context.ts';
import type { Line } from './line-writer.ts';
import type { FeedFile, FoundFile } from './origin.ts';

const BASE = 'https://secdb.alpinelinux.org';
const REPOSITORIES = ['main', 'community'] as const;
const MAX_BYTES = 64 << 20;
const BRANCH = /^(?:v[0-9]+\.[0-9]+|edge)$/;

const database = z.looseObject({
  distroversion: z.string().optional(),
  reponame: z.string().optional(),
  packages: z.array(
    z.looseObject({
      pkg: z.looseObject({
        name: z.string().min(1).max(256),
        secfixes: z.record(z.string(), z.array(z.string()).nullable()).nullish(),
      }),
    }),
  ),
});

const fileOf = (branch: string, repository: string): FeedFile => ({
  path: `alpine-secdb/${branch}/${repository}.json`,
  url: `${BASE}/${branch}/${repository}.json`,
});

interface Part {
  readonly branch: string;
  readonly repository: string;
  readonly file: FeedFile;
  readonly found: FoundFile | undefined;
}

/**
 * Updates Alpine's security database (https://secdb.alpinelinux.org): two files a branch, each asked for with its
 * validator. The database only knows of fixes, so what has none yet is not in it.
 */
export async function updateAlpine(context: FeedContext): Promise<FeedOutcome> {
  const branches = await branchesOf(context);
  const parts: Part[] = [];
  let changed = false;
  for (const branch of branches) {
    for (const repository of REPOSITORIES) {
      const file = fileOf(branch, repository);
      const answer = await getHeld(context, file);
      if (answer.kind === 'absent') continue;
      changed ||= answer.kind === 'found';
      parts.push({ branch, repository, file, found: answer.kind === 'found' ? answer : undefined });
    }
  }
  if (parts.length === 0) throw absent(context, fileOf(branches[0] ?? 'edge', 'main'));
  const held = Object.keys(context.held?.ecosystems ?? {});
  const lost = held.find(
    (ecosystem) => branches.includes(branchOf(ecosystem)) && !parts.some((part) => part.branch === branchOf(ecosystem)),
  );
  if (lost !== undefined) throw absent(context, fileOf(branchOf(lost), 'main'));
  if (!changed && held.length === new Set(parts.map((part) => part.branch)).size) return { kind: 'unchanged' };
  return readParts(context, parts);
}

const branchOf = (ecosystem: string) => ecosystem.slice('Alpine:'.length);

/** Those asked for, else all that the mirror's folder has, else those that endoflife.date says still live, and edge. */
async function branchesOf(context: FeedContext): Promise<readonly string[]> {
  const { alpineBranches } = context.settings;
  if (alpineBranches.length > 0) return alpineBranches;
  const listed = await context.origin.list('alpine-secdb');
  if (listed !== undefined)
    return [...new Set([...listed.filter((name) => BRANCH.test(name)), ...heldBranches(context)])].sort();
  const living = context.livingAlpineBranches.length > 0 ? context.livingAlpineBranches : DEFAULT_BRANCHES;
  return [...new Set([...living, ...heldBranches(context)])].sort();
}

/** Branches that live in November 2026, for when endoflife.date can't say. */
const DEFAULT_BRANCHES = ['v3.21', 'v3.22', 'v3.23', 'v3.24', 'edge'];

function heldBranches(context: FeedContext): readonly string[] {
  return Object.keys(context.held?.ecosystems ?? {}).map(branchOf);
}

async function readParts(context: FeedContext, parts: readonly Part[]): Promise<FeedOutcome> {
  const validators: Record<string, string> = {};
  const dates: (Date | undefined)[] = [];
  const fixes = new Map<string, Map<string, Fixes>>();
  for (const { branch, repository, file, found: fresh } of parts) {
    const found = fresh ?? (await getFile(context, file));
    Object.assign(validators, validatorOf(context, file, found));
    dates.push(found.modified);
    const { packages, distroversion, reponame } = await readJson(found, MAX_BYTES, database);
    if ((distroversion ?? branch) !== branch || (reponame ?? repository) !== repository)
      throw new VulnerabilityError('FEED_INVALID', `it is of ${distroversion}/${reponame}`, { where: found.where });
    const ofBranch = fixes.get(branch) ?? new Map<string, Fixes>();
    fixes.set(branch, ofBranch);
    for (const { pkg } of packages) collect(ofBranch, pkg.name, pkg.secfixes ?? {});
  }
  const ecosystems: Record<string, number> = {};
  for (const [branch, ofBranch] of [...fixes].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const writer = await context.draft.lines(`Alpine:${branch}`);
    for (const [name, ids] of [...ofBranch].sort(([a], [b]) => (a < b ? -1 : 1)))
      for (const line of toLines(branch, name, ids)) await writer.add(line);
    ecosystems[`Alpine:${branch}`] = writer.count;
  }
  const asOf = newestOf(dates, context.now);
  return {
    kind: 'changed',
    count: Object.values(ecosystems).reduce((sum, count) => sum + count, 0),
    ecosystems,
    source: context.origin.place({ path: 'alpine-secdb', url: BASE }),
    validators,
    ...(asOf === undefined ? {} : { asOf }),
  };
}

/** By id: the versions that fix it, the other names it goes by, and what it belongs to. */
type Fixes = Map<
  string,
  { readonly versions: Set<string>; readonly names: Set<string>; readonly related: Set<string> }
>;

/** An entry is an id, or several with words between: `CVE-2017-2616 (+ regression fix)`, `XSA-254 CVE-2017-5754`. Version 0 says "never affected". */
function collect(
  packages: Map<string, Fixes>,
  name: string,
  secfixes: Readonly<Record<string, readonly string[] | null>>,
): void {
  const fixes: Fixes = packages.get(name) ?? new Map();
  packages.set(name, fixes);
  for (const [version, entries] of Object.entries(secfixes)) {
    if (version === '0') continue;
    for (const entry of entries ?? []) {
      const ids = entry.match(/\b[A-Z][A-Z0-9]*-[A-Za-z0-9][A-Za-z0-9-]*/g) ?? [];
      const cves = ids.filter((id) => id.startsWith('CVE-'));
      const others = ids.filter((id) => !id.startsWith('CVE-'));
      for (const id of cves.length === 0 ? ids.slice(0, 1) : cves) {
        const fix = fixes.get(id) ?? { versions: new Set(), names: new Set(), related: new Set() };
        fixes.set(id, fix);
        fix.versions.add(version);
        for (const other of others) if (other !== id) (cves.length > 1 ? fix.related : fix.names).add(other);
      }
    }
  }
}

/** One record per package and id; several versions that claim the fix give several ranges, of which the highest decides (OSV: any range). */
function* toLines(branch: string, name: string, fixes: Fixes): Generator<Line, void, undefined> {
  const ecosystem = `Alpine:${branch}`;
  for (const [id, fix] of [...fixes].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const upstream = [id, ...[...fix.names].sort()];
    const value = {
      schema_version: '1.7.3',
      id: id.startsWith('ALPINE-') ? id : `ALPINE-${id}`,
      upstream,
      ...(fix.related.size === 0 ? {} : { related: [...fix.related].sort() }),
      affected: [
        {
          package: { ecosystem, name },
          ranges: [...fix.versions]
            .sort()
            .map((fixed) => ({ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed }] })),
        },
      ],
      references: [{ type: 'ADVISORY', url: `https://security.alpinelinux.org/vuln/${id}` }],
      database_specific: { source: BASE },
    };
    yield { json: JSON.stringify(value), keys: [name], ids: upstream };
  }
}
