// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { VulnerabilityError } from './error.ts';
import { orderOf, type VersionOrder } from './match/version-order.ts';
import { readSeverities, type Severity } from './severity.ts';

/** One event of a range (OSV 1.7, affected[].ranges[].events). Version `0` is before every version, limit `*` after. */
export interface RangeEvent {
  readonly kind: 'introduced' | 'fixed' | 'last_affected' | 'limit';
  readonly version: string;
}

/** A range whose events make sense, in the order in which they are to be looked at. */
export interface AffectedRange {
  readonly type: 'SEMVER' | 'ECOSYSTEM';
  readonly events: readonly RangeEvent[];
}

/** What an advisory says of one package. `faults` are ranges that cannot be: what they say of a version is not known. */
export interface Affected {
  readonly ecosystem: string;
  readonly name: string;
  readonly ranges: readonly AffectedRange[];
  readonly versions: readonly string[];
  readonly faults: readonly string[];
  readonly severities: readonly Severity[];
  /** The Go packages that hold the flaw; empty where the advisory names none, and then any may. */
  readonly imports: readonly GoImport[];
  /** Debian's own words on it: `status`, `urgency`, `nodsa`, where given. */
  readonly notes: Readonly<Record<string, string>>;
}

/** A Go package with a flaw; without symbols all of it, without `goos` or `goarch` on all systems or architectures. */
export interface GoImport {
  readonly path: string;
  readonly symbols: readonly string[];
  readonly goos: readonly string[];
  readonly goarch: readonly string[];
}

/** An advisory, whichever feed it is from. */
export interface Advisory {
  readonly id: string;
  /** Other names of the same flaw. `related` ids are of other flaws, and are not among them. */
  readonly aliases: readonly string[];
  readonly upstream: readonly string[];
  readonly related: readonly string[];
  readonly published: string | undefined;
  readonly modified: string | undefined;
  readonly withdrawn: string | undefined;
  readonly summary: string;
  readonly severities: readonly Severity[];
  readonly affected: readonly Affected[];
  readonly references: readonly { readonly type: string; readonly url: string }[];
  /** Where a person reads about it. */
  readonly url: string | undefined;
}

const text = z.string();
const texts = z.array(text).nullish();
const severityList = z.array(z.object({ type: text, score: text })).nullish();
const record = z.record(text, z.unknown());

const goImports = z
  .array(z.object({ path: text, symbols: texts, goos: texts, goarch: texts }))
  .nullish()
  .catch(undefined);

const affectedSchema = z.object({
  package: z.object({ ecosystem: text, name: text }).nullish(),
  ranges: z.array(z.object({ type: text, events: z.array(record) })).nullish(),
  versions: texts,
  severity: severityList,
  ecosystem_specific: record.nullish(),
  database_specific: record.nullish(),
});

const advisorySchema = z.object({
  id: text.min(1).max(256),
  modified: text.nullish(),
  published: text.nullish(),
  withdrawn: text.nullish(),
  aliases: texts,
  upstream: texts,
  related: texts,
  summary: text.nullish(),
  details: text.nullish(),
  severity: severityList,
  affected: z.array(affectedSchema).max(10_000).nullish(),
  references: z.array(z.object({ type: text, url: text })).nullish(),
  database_specific: record.nullish(),
});

type RawAdvisory = z.output<typeof advisorySchema>;
type RawAffected = z.output<typeof affectedSchema>;
type RawRange = NonNullable<RawAffected['ranges']>[number];

const MAX_EVENTS = 10_000;
const KINDS = ['introduced', 'fixed', 'last_affected', 'limit'] as const;

/**
 * Takes an advisory in OSV JSON (https://ossf.github.io/osv-schema/), as every feed gives it; gives it checked. What it says of
 * a package that cannot be (a range without a beginning, an end before it, a version that is none) is a fault of that
 * package's entry and not dropped. Throws `ADVISORY_INVALID` for what is no advisory at all.
 */
export function toAdvisory(value: unknown): Advisory {
  const result = advisorySchema.safeParse(value);
  if (!result.success) {
    const faults = result.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`);
    const id = z.object({ id: text }).safeParse(value);
    const where = id.success ? { where: id.data.id.slice(0, 256) } : {};
    throw new VulnerabilityError('ADVISORY_INVALID', `this is no OSV advisory: ${faults.join('; ')}`, where);
  }
  return fromRaw(result.data);
}

function fromRaw(raw: RawAdvisory): Advisory {
  const references = raw.references ?? [];
  const url = raw.database_specific?.['url'] ?? references.find((one) => one.type === 'ADVISORY')?.url;
  const own = { source: raw.id, word: wordOf(raw.database_specific) };
  return {
    id: raw.id,
    aliases: raw.aliases ?? [],
    upstream: raw.upstream ?? [],
    related: raw.related ?? [],
    published: raw.published ?? undefined,
    modified: raw.modified ?? undefined,
    withdrawn: raw.withdrawn ?? undefined,
    summary: (raw.summary ?? firstLine(raw.details ?? '')).slice(0, 500),
    severities: readSeverities(raw.severity ?? [], own),
    affected: (raw.affected ?? []).flatMap((one) => toAffected(one, raw.id)),
    references,
    url: typeof url === 'string' ? url : undefined,
  };
}

function toAffected(raw: RawAffected, id: string): readonly Affected[] {
  if (!raw.package) return [];
  const { ecosystem, name } = raw.package;
  const specific = raw.ecosystem_specific ?? {};
  const order = orderOf(ecosystem);
  const readings = (raw.ranges ?? []).map((range) => readRange(range, order));
  const versions = raw.versions ?? [];
  const decidable = versions.length > 0 || readings.some((reading) => typeof reading !== 'symbol');
  const faults = readings.flatMap((reading) => (typeof reading === 'string' ? [reading] : []));
  const notes = ['status', 'urgency', 'nodsa', 'nodsa_reason'].flatMap((key) => {
    const note = specific[key];
    return typeof note === 'string' && note !== '' ? [[key, note] as const] : [];
  });
  return [
    {
      ecosystem,
      name,
      versions,
      ranges: readings.flatMap((reading) => (typeof reading === 'object' ? [reading] : [])),
      faults: decidable ? faults : [...faults, 'it names no version of the package, only commits or nothing'],
      severities: readSeverities(raw.severity ?? [], { source: id, word: specific['urgency'] ?? specific['severity'] }),
      imports: (goImports.parse(specific['imports']) ?? []).map((one) => ({
        path: one.path,
        symbols: one.symbols ?? [],
        goos: one.goos ?? [],
        goarch: one.goarch ?? [],
      })),
      notes: Object.fromEntries(notes),
    },
  ];
}

/** Ranges of commits say nothing about versions of packages. */
const OF_COMMITS = Symbol('of commits');

/** Gives the range in order, or what is wrong with it. */
function readRange(raw: RawRange, order: VersionOrder | undefined): AffectedRange | string | typeof OF_COMMITS {
  if (raw.type === 'GIT') return OF_COMMITS;
  if (raw.type !== 'SEMVER' && raw.type !== 'ECOSYSTEM') return `${shown(raw.type)} is no type of range`;
  if (order === undefined) return 'versions of this ecosystem have no order that is known';
  if (raw.events.length > MAX_EVENTS) return `a range has more than ${MAX_EVENTS} events`;
  const events: RangeEvent[] = [];
  for (const event of raw.events) {
    const found = KINDS.filter((kind) => event[kind] !== undefined && event[kind] !== null);
    const [kind] = found;
    const version = kind === undefined ? undefined : event[kind];
    if (kind === undefined || found.length > 1 || typeof version !== 'string')
      return `an event must have one of ${KINDS.join(', ')}`;
    const special = (kind === 'introduced' && version === '0') || (kind === 'limit' && version === '*');
    if (!special && !order.isVersion(version)) return `${kind} ${shown(version)} is no version`;
    events.push({ kind, version });
  }
  return orderRange(raw.type, events, order);
}

function orderRange(
  type: AffectedRange['type'],
  events: readonly RangeEvent[],
  order: VersionOrder,
): AffectedRange | string {
  const kinds = new Set(events.map((event) => event.kind));
  if (!kinds.has('introduced')) return 'a range has no introduced event';
  if (kinds.has('fixed') && kinds.has('last_affected')) return 'a range has both fixed and last_affected events';
  const sorted = events.toSorted((a, b) => compareEvents(a, b, order));
  let open: RangeEvent | undefined;
  for (const event of sorted) {
    if (event.kind === 'limit') continue;
    if (event.kind === 'introduced') open = event;
    else if (open === undefined) return `${event.kind} ${shown(event.version)} comes before what it should end`;
    else open = undefined;
  }
  return { type, events: sorted };
}

/** At one version a fix ends the range before it, then the next one begins, and its last affected version may be the same. */
const PRECEDENCE = { fixed: 0, introduced: 1, last_affected: 2, limit: 3 } as const;

function compareEvents(a: RangeEvent, b: RangeEvent, order: VersionOrder): number {
  const rank = (event: RangeEvent) => (event.kind === 'introduced' && event.version === '0' ? 0 : 1);
  const limits = Number(a.kind === 'limit') - Number(b.kind === 'limit');
  if (limits !== 0 || a.kind === 'limit') return limits;
  if (rank(a) !== rank(b) || rank(a) === 0) return rank(a) - rank(b);
  return order.compare(a.version, b.version) || PRECEDENCE[a.kind] - PRECEDENCE[b.kind];
}

function wordOf(specific: Readonly<Record<string, unknown>> | null | undefined): unknown {
  return specific?.['severity'];
}

function firstLine(details: string): string {
  return details.split('\n', 1)[0] ?? '';
}

function shown(version: string): string {
  return JSON.stringify(version.slice(0, 80));
}
