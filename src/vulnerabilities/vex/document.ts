// SPDX-License-Identifier: Apache-2.0
import { digestOf, hexOf } from '#core';
import { canonicalJson, type Json } from '#formats';
import { type VexDecision, inScope, namesOf } from './decision.ts';
import { purlCovers } from './matches.ts';
import { OPENVEX_CONTEXT, type VexDocument, type VexStatement } from './openvex.ts';
import { productsOf, type VexImage } from './products.ts';

/** Who a document is from, and the IRI its `@id` is made below. */
export interface DocumentOrigin {
  readonly author: string;
  readonly role?: string;
  readonly tooling?: string;
  readonly namespace: string;
}

/** What {@link buildVexDocument} makes a document of. */
export interface DocumentRequest {
  readonly decisions: readonly VexDecision[];
  readonly images: readonly VexImage[];
  readonly now: Date;
  readonly origin: DocumentOrigin;
}

/** What holds for some platforms of an image about one package: the decision, or that its time is over. */
interface Ruling {
  readonly decision: VexDecision;
  readonly verdict: 'holds' | 'expired' | 'refuted';
  readonly at: Date;
}

type Cell = Ruling & { readonly image: VexImage; readonly platform: VexImage['platforms'][number]; purl: string };

/**
 * Takes decisions and the images they may be about; gives the one document that says what holds at `now`, or undefined where there
 * is nothing to say (a document must have a statement). For each platform of each image and each package exactly one decision
 * counts: a person's before evidence, then the last by time. One whose review date has come is stated as `under_investigation`
 * from that date on, and so is "not in the execute path" that evidence about the very image refutes.
 *
 * The document is a function of its input: its timestamp is the latest moment it speaks of, its `@id` ends in the hash of all
 * the rest. So two different documents never share an `@id`, and the same decisions give the same bytes on any day.
 */
export function buildVexDocument({ decisions, images, now, origin }: DocumentRequest): VexDocument | undefined {
  const known = decisions.filter(({ at }) => at <= now);
  const cells = groupByVulnerability(known).flatMap((group) => cellsOf(group, images, now));
  const statements = toStatements(cells, known);
  if (statements.length === 0) return undefined;
  const timestamp = statements.map((statement) => statement.timestamp ?? '').reduce((a, b) => (a > b ? a : b));
  const { author, role, tooling, namespace } = origin;
  const body = {
    '@context': OPENVEX_CONTEXT,
    author,
    ...(role === undefined ? {} : { role }),
    timestamp,
    version: 1,
    ...(tooling === undefined ? {} : { tooling }),
    statements,
  };
  const hash = hexOf(digestOf(canonicalJson(body as unknown as Json)));
  return { ...body, '@id': `${namespace.replace(/\/$/, '')}/vex-${hash}` };
}

/** Puts decisions together that speak of one vulnerability, under whichever of its names. */
function groupByVulnerability(decisions: readonly VexDecision[]): readonly (readonly VexDecision[])[] {
  const groups: { readonly names: Set<string>; readonly decisions: VexDecision[] }[] = [];
  for (const decision of decisions) {
    const names = namesOf(decision);
    const [first, ...others] = groups.filter((group) => names.some((name) => group.names.has(name)));
    const home = first ?? { names: new Set<string>(), decisions: [] };
    if (first === undefined) groups.push(home);
    for (const other of others) {
      groups.splice(groups.indexOf(other), 1);
      for (const name of other.names) home.names.add(name);
      home.decisions.push(...other.decisions);
    }
    for (const name of names) home.names.add(name);
    home.decisions.push(decision);
  }
  return groups.map((group) => group.decisions);
}

function cellsOf(group: readonly VexDecision[], images: readonly VexImage[], now: Date): readonly Cell[] {
  const purls = [...new Set(group.flatMap(({ packages }) => packages))].sort();
  return images.flatMap((image) =>
    image.platforms.flatMap((platform) => {
      const here = group.filter(({ scope }) => inScope(scope, image, platform));
      const cells = purls.flatMap((purl): Cell[] => {
        if (!here.some(({ packages }) => packages.includes(purl))) return [];
        const about = here.filter(({ packages }) => packages.some((general) => purlCovers(general, purl)));
        const ruling = rule(about, now);
        return ruling === undefined ? [] : [{ ...ruling, image, platform, purl }];
      });
      return cells.filter((cell) => !cells.some((other) => isOverruled(cell, other)));
    }),
  );
}

/**
 * Whether what is said of any version is overruled by what is said of one: no statement can except a version, and some scanners take
 * the first that matches. An image has one version of a package, so nothing is lost; where it is another, the finding is open.
 */
function isOverruled(cell: Cell, other: Cell): boolean {
  return cell.decision !== other.decision && cell.purl !== other.purl && purlCovers(cell.purl, other.purl);
}

/** Which of the decisions about one package of one image counts at a moment. */
function rule(about: readonly VexDecision[], now: Date): Ruling | undefined {
  const last = (kind: VexDecision['kind']) =>
    about.filter((decision) => decision.kind === kind).reduce<VexDecision | undefined>(later, undefined);
  const [person, evidence] = [last('person'), last('evidence')];
  if (person === undefined) return evidence && { decision: evidence, verdict: 'holds', at: evidence.at };
  if (person.reviewBy !== undefined && person.reviewBy <= now) {
    if (evidence !== undefined) return { decision: evidence, verdict: 'holds', at: evidence.at };
    return { decision: person, verdict: 'expired', at: person.reviewBy };
  }
  const claim = person.justification === 'vulnerable_code_not_in_execute_path';
  if (claim && evidence?.status === 'affected')
    return { decision: person, verdict: 'refuted', at: new Date(Math.max(+evidence.at, +person.at)) };
  return { decision: person, verdict: 'holds', at: person.at };
}

/** Of two, the one decided later; of two at once, the one that stands later. */
function later(a: VexDecision | undefined, b: VexDecision): VexDecision {
  return a === undefined || b.at >= a.at ? b : a;
}

function toStatements(cells: readonly Cell[], all: readonly VexDecision[]): readonly VexStatement[] {
  const groups = Map.groupBy(
    cells,
    ({ decision, verdict, at }) => `${all.indexOf(decision)} ${verdict} ${at.getTime()}`,
  );
  const names = canonicalNames(all);
  return [...groups.values()]
    .map((group) => toStatement(group, names))
    .sort((a, b) => compare(a.vulnerability.name, b.vulnerability.name) || compare(a.timestamp, b.timestamp));
}

function toStatement(group: readonly Cell[], names: ReadonlyMap<string, readonly string[]>): VexStatement {
  const [first] = group as readonly [Cell, ...Cell[]];
  const { decision, at } = first;
  const [name = decision.vulnerability, ...aliases] = names.get(decision.vulnerability) ?? [];
  // Cells with the same packages become one product per image, so that an index whose platforms all agree is named as a whole.
  const byImage = [...Map.groupBy(group, ({ image }) => image)].flatMap(([image, own]) => {
    const byPackages = Map.groupBy([...Map.groupBy(own, ({ platform }) => platform)], ([, some]) =>
      some.map(({ purl }) => purl).join('\n'),
    );
    return [...byPackages].flatMap(([purls, platforms]) => {
      const meant = platforms.map(([{ platform }]) => platform);
      return productsOf(image, meant, purls.split('\n'));
    });
  });
  return {
    vulnerability: { name, ...(aliases.length === 0 ? {} : { aliases }) },
    timestamp: at.toISOString(),
    products: byImage,
    ...wording(first),
  };
}

/** Status and words of a ruling, each in the member that its status allows. */
function wording({ decision, verdict }: Cell): Pick<VexStatement, 'status'> & Partial<VexStatement> {
  const { status, justification, reason, action, author, where } = decision;
  if (verdict !== 'holds') {
    const why =
      verdict === 'expired'
        ? 'its review date has come'
        : 'reachability analysis of this image found that the vulnerable code is called';
    return {
      status: 'under_investigation',
      status_notes: `Reopened: ${why}. It said ${status}: ${reason} (${author}, ${where})`,
    };
  }
  const notes = { status_notes: `${decision.kind === 'person' ? 'Decided by' : 'Evidence:'} ${author} (${where})` };
  if (status === 'not_affected')
    return { status, ...(justification === undefined ? {} : { justification }), impact_statement: reason, ...notes };
  const noted = { status_notes: `${reason} (${author}, ${where})` };
  return status === 'affected' ? { status, action_statement: action ?? reason, ...noted } : { status, ...noted };
}

/** For each name of a vulnerability, all of them, the best known first: scanners sort statements by name before time. */
function canonicalNames(decisions: readonly VexDecision[]): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, readonly string[]>();
  for (const group of groupByVulnerability(decisions)) {
    const all = [...new Set(group.flatMap(namesOf))].sort((a, b) => rank(a) - rank(b) || compare(a, b));
    for (const name of all) names.set(name, all);
  }
  return names;
}

function rank(name: string): number {
  const at = ['CVE-', 'GHSA-', 'GO-'].findIndex((prefix) => name.startsWith(prefix));
  return at === -1 ? 3 : at;
}

function compare(a: string | undefined = '', b: string | undefined = ''): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
