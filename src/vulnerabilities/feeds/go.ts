// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { VulnerabilityError } from '../error.ts';
import { advisoryId, schemaFault, writeAdvisories } from './advisory-record.ts';
import {
  absent,
  type FeedContext,
  type FeedOutcome,
  getFile,
  getHeld,
  readJson,
  requireNotOlder,
  validatorOf,
} from './context.ts';
import { type Advisories, collectIndexed, readAdvisoryZip, readHeldAdvisories } from './indexed.ts';
import { parseJson } from './json.ts';
import type { FeedFile, FoundFile } from './origin.ts';

const BASE = 'https://vuln.go.dev';
const MAX_INDEX = 64 << 20;

const time = z.string().refine((text) => !Number.isNaN(Date.parse(text)), { error: 'must be a time' });
const databaseInfo = z.looseObject({ modified: time });
const vulnerabilityIndex = z.array(z.looseObject({ id: advisoryId, modified: time }));

const served = (path: string): FeedFile => ({ path: `go-vulndb/${path}`, url: `${BASE}/${path}` });
/** A mirror may hold the zip of a served tree instead of the tree. */
const MIRRORED_ZIP: FeedFile = { path: 'go-vulndb.zip', url: `${BASE}/vulndb.zip` };

/** Updates the Go vulnerability database (https://go.dev/doc/security/vuln/database#api): by its modified index, or from its zip. */
export async function updateGo(context: FeedContext): Promise<FeedOutcome> {
  const info = served('index/db.json');
  const answer = await getHeld(context, info);
  if (answer.kind === 'unchanged') return { kind: 'unchanged' };
  if (answer.kind === 'absent') return updateFromZip(context);
  const { modified } = await readJson(answer, MAX_INDEX, databaseInfo);
  const asOf = new Date(modified);
  requireNotOlder(context, asOf, answer.where);
  const validators = validatorOf(context, info, answer);
  if (context.held?.asOf === asOf.toISOString()) return { kind: 'unchanged', validators, asOf };
  const index = await readJson(await getFile(context, served('index/vulns.json')), MAX_INDEX, vulnerabilityIndex);
  const advisories = await collectIndexed(context, {
    wanted: new Map(index.map(({ id, modified: at }) => [id, at])),
    held: context.held === undefined ? new Map() : readHeldAdvisories(context, Object.keys(context.held.ecosystems)),
    fileOf: (id) => served(`ID/${id}.json`),
    all: async () => {
      const zip = await context.origin.get(served('vulndb.zip'));
      return zip.kind === 'found' ? (await readDatabaseZip(context, zip)).advisories : undefined;
    },
  });
  return keep(context, { advisories, asOf, source: context.origin.place(served('')), validators });
}

async function updateFromZip(context: FeedContext): Promise<FeedOutcome> {
  const answer = await getHeld(context, MIRRORED_ZIP);
  if (answer.kind === 'unchanged') return { kind: 'unchanged' };
  if (answer.kind === 'absent') throw absent(context, MIRRORED_ZIP);
  const { advisories, asOf } = await readDatabaseZip(context, answer);
  requireNotOlder(context, asOf, answer.where);
  const validators = validatorOf(context, MIRRORED_ZIP, answer);
  return keep(context, { advisories, asOf, source: answer.where, validators });
}

/** Reads a zip of the served layout, and holds its files against its index: a file that is missing would be a silence. */
async function readDatabaseZip(
  context: FeedContext,
  found: FoundFile,
): Promise<{ readonly advisories: Advisories; readonly asOf: Date }> {
  const { advisories, file } = await readAdvisoryZip(context, found, (name) => /^ID\/[^/]+\.json$/.test(name));
  const read = <T>(name: string, schema: z.ZodType<T>): T => {
    const where = `${found.where}!${name}`;
    const bytes = file(name);
    if (bytes === undefined) throw new VulnerabilityError('FEED_INVALID', 'the zip lacks this file', { where });
    const parsed = schema.safeParse(parseJson(bytes, where));
    if (!parsed.success) throw schemaFault(parsed.error, where);
    return parsed.data;
  };
  const { modified } = read('index/db.json', databaseInfo);
  const index = read('index/vulns.json', vulnerabilityIndex);
  const missing = index.find(({ id }) => !advisories.has(id));
  if (missing !== undefined || index.length !== advisories.size) {
    throw new VulnerabilityError(
      'FEED_INVALID',
      missing === undefined
        ? `it holds ${advisories.size} advisories, its index ${index.length}`
        : `its index names ${missing.id}, which it does not hold`,
      { where: found.where },
    );
  }
  return { advisories, asOf: new Date(modified) };
}

async function keep(
  context: FeedContext,
  result: {
    readonly advisories: Advisories;
    readonly asOf: Date;
    readonly source: string;
    readonly validators: Readonly<Record<string, string>>;
  },
): Promise<FeedOutcome> {
  const { advisories, ...rest } = result;
  const options = { home: 'Go', wanted: (ecosystem: string) => ecosystem === 'Go' };
  const ecosystems = await writeAdvisories(context.draft, advisories.values(), options);
  return { kind: 'changed', count: advisories.size, ecosystems, ...rest };
}
