// SPDX-License-Identifier: Apache-2.0
import { parse } from 'yaml';
import { z } from 'zod';
import { VulnerabilityError } from '../error.ts';
import { schemaFault } from './advisory-record.ts';
import { absent, type FeedContext, type FeedOutcome, getHeld, newestOf, readFound, validatorOf } from './context.ts';
import type { LifeCycle } from './feed.ts';
import { ENDOFLIFE_FILE } from './files.ts';
import { parseJson, stableJson } from './json.ts';
import type { Answer, FeedFile, FoundFile } from './origin.ts';

const BASE = 'https://endoflife.date/api';
const MAX_BYTES = 4 << 20;

/** Products that must be there, and those whose lack is no fault. */
const REQUIRED = ['go', 'alpine-linux', 'debian', 'kubernetes', 'flux'] as const;
const OPTIONAL = ['amazon-eks', 'azure-kubernetes-service', 'google-kubernetes-engine', 'red-hat-openshift'] as const;

const date = z.union([z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'must be a date, YYYY-MM-DD'), z.boolean()]);
const text = z.union([z.string(), z.number().transform(String)]);

/** A cycle as `/api/PRODUCT.json` has it; the source pages of the site say `releaseCycle` for `cycle`. */
const cycle = z
  .looseObject({
    cycle: text.optional(),
    releaseCycle: text.optional(),
    codename: text.nullish(),
    releaseDate: z.string().nullish(),
    support: date.nullish(),
    eoas: date.nullish(),
    eol: date.nullish(),
    eoes: date.nullish(),
    extendedSupport: date.nullish(),
    latest: text.nullish(),
    latestReleaseDate: z.string().nullish(),
  })
  .refine((value) => (value.cycle ?? value.releaseCycle) !== undefined, { error: 'must name its cycle' });
const cycles = z.array(cycle).min(1);

const files = (product: string): readonly FeedFile[] => [
  { path: `endoflife/${product}.md`, url: `${BASE}/${product}.json` },
  { path: `endoflife/${product}.json`, url: `${BASE}/${product}.json` },
];

interface Asked {
  readonly product: string;
  readonly file: FeedFile;
  readonly answer: Exclude<Answer, { readonly kind: 'absent' }>;
}

/**
 * Updates life cycles from endoflife.date's API (https://endoflife.date/docs/api/v1/): a file a product. A mirror may hold
 * the API's files, or the site's source pages (`PRODUCT.md`, the cycles in their YAML head).
 */
export async function updateEndOfLife(context: FeedContext): Promise<FeedOutcome> {
  const asked: Asked[] = [];
  for (const product of [...REQUIRED, ...OPTIONAL]) {
    const found = await ask(context, product);
    if (found !== undefined) asked.push(found);
    else if ((REQUIRED as readonly string[]).includes(product)) throw absent(context, files(product)[1] as FeedFile);
  }
  if (asked.every(({ answer }) => answer.kind === 'unchanged')) return { kind: 'unchanged' };
  const products: Record<string, readonly LifeCycle[]> = {};
  const validators: Record<string, string> = {};
  const dates: (Date | undefined)[] = [];
  for (const { product, file, answer } of asked) {
    const again = answer.kind === 'found' ? answer : await context.origin.get(file);
    if (again.kind !== 'found') throw absent(context, file);
    products[product] = readCycles(await readFound(again, MAX_BYTES), again);
    Object.assign(validators, validatorOf(context, file, again));
    dates.push(again.modified);
  }
  await context.draft.write(ENDOFLIFE_FILE, Buffer.from(stableJson(products)));
  const asOf = newestOf(dates, context.now);
  const count = Object.values(products).reduce((sum, list) => sum + list.length, 0);
  const source = context.origin.place({ path: 'endoflife', url: BASE });
  return { kind: 'changed', count, source, validators, ...(asOf === undefined ? {} : { asOf }) };
}

async function ask(context: FeedContext, product: string): Promise<Asked | undefined> {
  const seen = new Set<string>();
  for (const file of files(product)) {
    const place = context.origin.place(file);
    if (seen.has(place)) continue; // the public address is one for both
    seen.add(place);
    const answer = await getHeld(context, file);
    if (answer.kind !== 'absent') return { product, file, answer };
  }
  return undefined;
}

function readCycles(bytes: Buffer, found: FoundFile): readonly LifeCycle[] {
  const isPage = bytes.subarray(0, 4).toString('latin1') === '---\n';
  const parsed = cycles.safeParse(isPage ? readHead(bytes, found.where) : parseJson(bytes, found.where));
  if (!parsed.success) throw schemaFault(parsed.error, found.where);
  return parsed.data.map(toLifeCycle);
}

function readHead(bytes: Buffer, where: string): unknown {
  const page = bytes.toString('utf8');
  const end = page.indexOf('\n---', 3);
  try {
    const head = parse(end < 0 ? page : page.slice(0, end), { maxAliasCount: 0 }) as unknown;
    return (head as { releases?: unknown } | null)?.releases;
  } catch {
    throw new VulnerabilityError('FEED_INVALID', 'the head of the page is no YAML', { where });
  }
}

function toLifeCycle(of: z.output<typeof cycle>): LifeCycle {
  const entries = {
    codename: of.codename,
    released: of.releaseDate,
    support: of.support ?? of.eoas,
    endOfLife: of.eol,
    extendedSupport: of.extendedSupport ?? of.eoes,
    latest: of.latest,
    latestReleased: of.latestReleaseDate,
  };
  const known = Object.entries(entries).filter(([, value]) => value !== undefined && value !== null);
  return { cycle: of.cycle ?? of.releaseCycle ?? '', ...Object.fromEntries(known) };
}
