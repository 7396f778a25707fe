// SPDX-License-Identifier: Apache-2.0
import { messageOf, OakumError } from '#core';
import { list, object, optional, optionalList, record, type Shaped, text } from '#formats';
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

const texts = optionalList(text);
const severityList = optionalList(object({ type: text, score: text }));

const goImports = optionalList(object({ path: text, symbols: texts, goos: texts, goarch: texts }));

const affectedShape = object({
  package: optional(object({ ecosystem: text, name: text })),
  ranges: optionalList(object({ type: text, events: list(record) })),
  versions: texts,
  severity: severityList,
  ecosystem_specific: optional(record),
  database_specific: optional(record),
});

const advisoryShape = object({
  id: text,
  modified: optional(text),
  published: optional(text),
  withdrawn: optional(text),
  aliases: texts,
  upstream: texts,
  related: texts,
  summary: optional(text),
  details: optional(text),
  severity: severityList,
  affected: optionalList(affectedShape, 10_000),
  references: optionalList(object({ type: text, url: text })),
  database_specific: optional(record),
});

type RawAdvisory = Shaped<typeof advisoryShape>;
type RawAffected = Shaped<typeof affectedShape>;
type RawRange = RawAffected['ranges'][number];

const MAX_EVENTS = 10_000;
const KINDS = ['introduced', 'fixed', 'last_affected', 'limit'] as const;

/**
 * Takes an advisory in OSV JSON (https://ossf.github.io/osv-schema/), as every feed gives it; gives it checked. What it says of
 * a package that cannot be (a range without a beginning, an end before it, a version that is none) is a fault of that
 * package's entry and not dropped. Throws `ADVISORY_INVALID` for what is no advisory at all.
 */
export function toAdvisory(value: unknown): Advisory {
  let raw: RawAdvisory;
  try {
    raw = advisoryShape(value);
  } catch (error) {
    throw invalid(value, faultOf(error), error);
  }
  if (raw.id === '' || raw.id.length > 256) throw invalid(value, 'its id is empty or too long');
  return fromRaw(raw);
}

function faultOf(error: unknown): string {
  const where = error instanceof OakumError && error.where !== undefined ? `${error.where}: ` : '';
  return `${where}${messageOf(error)}`;
}

function invalid(value: unknown, fault: string, cause?: unknown): VulnerabilityError {
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined;
  return new VulnerabilityError('ADVISORY_INVALID', `this is no OSV advisory: ${fault}`, {
    ...(typeof id === 'string' ? { where: id.slice(0, 256) } : {}),
    cause,
  });
}

function fromRaw(raw: RawAdvisory): Advisory {
  const url = raw.database_specific?.['url'] ?? raw.references.find((one) => one.type === 'ADVISORY')?.url;
  const own = { source: raw.id, word: wordOf(raw.database_specific) };
  return {
    id: raw.id,
    aliases: raw.aliases,
    upstream: raw.upstream,
    related: raw.related,
    published: raw.published,
    modified: raw.modified,
    withdrawn: raw.withdrawn,
    summary: (raw.summary ?? firstLine(raw.details ?? '')).slice(0, 500),
    severities: readSeverities(raw.severity, own),
    affected: raw.affected.flatMap((one) => toAffected(one, raw.id)),
    references: raw.references,
    url: typeof url === 'string' ? url : undefined,
  };
}

function toAffected(raw: RawAffected, id: string): readonly Affected[] {
  if (!raw.package) return [];
  const { ecosystem, name } = raw.package;
  const specific = raw.ecosystem_specific ?? {};
  const order = orderOf(ecosystem);
  const readings = raw.ranges.map((range) => readRange(range, order));
  const { versions } = raw;
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
      severities: readSeverities(raw.severity, { source: id, word: specific['urgency'] ?? specific['severity'] }),
      get imports() {
        return importsOf(specific['imports']); // long lists, asked for only where a version is affected
      },
      notes: Object.fromEntries(notes),
    },
  ];
}

/** An advisory whose list of Go packages is none is as one without: any package of the module may hold the flaw. */
function importsOf(value: unknown): readonly GoImport[] {
  try {
    return goImports(value);
  } catch {
    return [];
  }
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
  for (const members of raw.events) {
    const event = readEvent(members);
    if (event === undefined) return `an event must have one of ${KINDS.join(', ')}`;
    const { kind, version } = event;
    const special = (kind === 'introduced' && version === '0') || (kind === 'limit' && version === '*');
    if (!special && !order.isVersion(version)) return `${kind} ${shown(version)} is no version`;
    events.push(event);
  }
  return orderRange(raw.type, events, order);
}

/** An event has exactly one kind, with its version. */
function readEvent(members: Readonly<Record<string, unknown>>): RangeEvent | undefined {
  let event: RangeEvent | undefined;
  for (const kind of KINDS) {
    const version = members[kind];
    if (version === undefined || version === null) continue;
    if (event !== undefined || typeof version !== 'string') return undefined;
    event = { kind, version };
  }
  return event;
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

function wordOf(specific: Readonly<Record<string, unknown>> | undefined): unknown {
  return specific?.['severity'];
}

function firstLine(details: string): string {
  return details.split('\n', 1)[0] ?? '';
}

function shown(version: string): string {
  return JSON.stringify(version.slice(0, 80));
}
