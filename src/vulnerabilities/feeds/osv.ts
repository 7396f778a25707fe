// SPDX-License-Identifier: Apache-2.0
import pLimit from 'p-limit';
import { VulnerabilityError } from '../error.ts';
import { advisoryId, readAdvisory, type StoredAdvisory, writeAdvisories } from './advisory-record.ts';
import {
  absent,
  type FeedContext,
  type FeedOutcome,
  getFile,
  getHeld,
  newestOf,
  readFound,
  validatorOf,
} from './context.ts';
import { type Advisories, ADVISORY_LIMIT, collectIndexed, readAdvisoryZip, readHeldAdvisories } from './indexed.ts';
import type { FeedFile } from './origin.ts';

const BASE = 'https://osv-vulnerabilities.storage.googleapis.com';
const API = 'https://api.osv.dev/v1/vulns';
const MAX_INDEX = 64 << 20;
const CONCURRENCY = 8;

const dump = (ecosystem: string, file: string): FeedFile => ({
  path: `osv/${ecosystem}/${file}`,
  url: `${BASE}/${encodeURIComponent(ecosystem)}/${file}`,
});
const single = (id: string): FeedFile => ({ path: `osv/vulns/${id}.json`, url: `${API}/${id}` });

interface Part {
  readonly advisories: Advisories;
  readonly changed: boolean;
  readonly validators: Readonly<Record<string, string>>;
  readonly modified: Date | undefined;
}

/**
 * Updates OSV's dumps of some ecosystems (https://google.github.io/osv.dev/data/#data-dumps): by `modified_id.csv` where
 * there is one, else from `all.zip`; and single ids of any ecosystem by the API's address (`GET /v1/vulns/ID`).
 */
export async function updateOsv(context: FeedContext): Promise<FeedOutcome> {
  const { osvEcosystems, osvIds } = context.settings;
  const held =
    context.held === undefined
      ? new Map<string, StoredAdvisory>()
      : readHeldAdvisories(context, Object.keys(context.held.ecosystems));
  const parts: Part[] = [];
  for (const ecosystem of osvEcosystems) parts.push(await updateEcosystem(context, ecosystem, held));
  if (osvIds.length > 0) parts.push(await updateSingles(context, osvIds, held));
  const validators = Object.assign({}, ...parts.map((part) => part.validators)) as Record<string, string>;
  const asOf = newestOf(
    parts.map((part) => part.modified),
    context.now,
  );
  const advisories = new Map(parts.flatMap((part) => [...part.advisories]));
  if (parts.every((part) => !part.changed) && advisories.size === held.size)
    return { kind: 'unchanged', validators, ...(asOf === undefined ? {} : { asOf }) };
  const bases = new Set(osvEcosystems);
  const singles = new Set(osvIds.flatMap((id) => [...(advisories.get(id)?.packages.keys() ?? [])]));
  const ecosystems = await writeAdvisories(context.draft, advisories.values(), {
    home: osvEcosystems[0] ?? 'none',
    wanted: (ecosystem) =>
      bases.has(ecosystem) || bases.has(ecosystem.split(':', 1)[0] ?? '') || singles.has(ecosystem),
  });
  const source = context.origin.place({ path: 'osv', url: BASE });
  return {
    kind: 'changed',
    count: advisories.size,
    ecosystems,
    source,
    validators,
    ...(asOf === undefined ? {} : { asOf }),
  };
}

async function updateEcosystem(context: FeedContext, ecosystem: string, held: Advisories): Promise<Part> {
  const ofEcosystem = heldOf(held, ecosystem);
  const list = dump(ecosystem, 'modified_id.csv');
  const answer = await getHeld(context, list);
  if (answer.kind === 'absent') return updateByZip(context, ecosystem, ofEcosystem);
  if (answer.kind === 'unchanged') return unchanged(context, list, ofEcosystem);
  const wanted = parseModifiedIds(await readFound(answer, MAX_INDEX), answer.where);
  const advisories = await collectIndexed(context, {
    wanted,
    held: ofEcosystem,
    fileOf: (id) => dump(ecosystem, `${id}.json`),
    all: async () => {
      const zip = await context.origin.get(dump(ecosystem, 'all.zip'));
      return zip.kind === 'found' ? (await readAdvisoryZip(context, zip, isAdvisory)).advisories : undefined;
    },
  });
  const validators = validatorOf(context, list, answer);
  return { advisories, changed: true, validators, modified: answer.modified };
}

async function updateByZip(context: FeedContext, ecosystem: string, held: Advisories): Promise<Part> {
  const file = dump(ecosystem, 'all.zip');
  const answer = await getHeld(context, file);
  if (answer.kind === 'absent') throw absent(context, file);
  if (answer.kind === 'unchanged') return unchanged(context, file, held);
  const { advisories } = await readAdvisoryZip(context, answer, isAdvisory);
  return { advisories, changed: true, validators: validatorOf(context, file, answer), modified: answer.modified };
}

function unchanged(context: FeedContext, file: FeedFile, advisories: Advisories): Part {
  const place = context.origin.place(file);
  const validator = context.held?.validators[place];
  const asOf = context.held?.asOf;
  return {
    advisories,
    changed: false,
    validators: validator === undefined ? {} : { [place]: validator },
    modified: asOf === undefined ? undefined : new Date(asOf),
  };
}

function heldOf(held: Advisories, ecosystem: string): Advisories {
  const isOf = (advisory: StoredAdvisory) => {
    const names = [...advisory.packages.keys()];
    return names.length === 0 || names.some((name) => name === ecosystem || name.startsWith(`${ecosystem}:`));
  };
  return new Map([...held].filter(([, advisory]) => isOf(advisory)));
}

/** Each is asked for every time: the API has no validator that would save it. */
async function updateSingles(context: FeedContext, ids: readonly string[], held: Advisories): Promise<Part> {
  const limit = pLimit(CONCURRENCY);
  const fetched = await Promise.all(
    ids.map((id) =>
      limit(async () => {
        const found = await getFile(context, single(id));
        const advisory = readAdvisory(await readFound(found, ADVISORY_LIMIT), found.where);
        if (advisory.id !== id)
          throw new VulnerabilityError('FEED_INVALID', `it holds ${advisory.id}, not ${id}`, { where: found.where });
        return advisory;
      }),
    ),
  );
  const changed = fetched.some((advisory) => held.get(advisory.id)?.modified !== advisory.modified);
  return {
    advisories: new Map(fetched.map((advisory) => [advisory.id, advisory])),
    changed,
    validators: {},
    modified: undefined,
  };
}

function isAdvisory(name: string): boolean {
  return /^[^/]+\.json$/.test(name);
}

/** Lines of `TIME,ID`, the newest first; in the list of all ecosystems the id has its ecosystem and a slash before it. */
function parseModifiedIds(bytes: Buffer, where: string): ReadonlyMap<string, string> {
  const wanted = new Map<string, string>();
  for (const [number, line] of bytes.toString('utf8').split('\n').entries()) {
    if (line.trim() === '') continue;
    const [modified = '', id = ''] = line.trim().split(',');
    if (Number.isNaN(Date.parse(modified)) || !advisoryId.safeParse(id).success)
      throw new VulnerabilityError('FEED_INVALID', `line ${number + 1} is no "time,id"`, { where });
    wanted.set(id, modified);
  }
  return wanted;
}
