// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';
import { identifiersOf, packageForms } from './products.ts';
import { type Sighting, statementMatches } from './matches.ts';
import type { VexDocument, VexStatement, VexStatus } from './openvex.ts';

/** What {@link applyVex} needs to know of a finding; more is carried along. */
export interface VexSubject {
  readonly id: string;
  /** All names of the vulnerability. */
  readonly ids: readonly string[];
  /** The packages it was found in, as package URLs. */
  readonly purls: readonly string[];
  /** The last part of the image's repository, which is the component's name. */
  readonly component?: string | undefined;
  /** The digests by which the image is known: the platform's manifest, the index that lists it. */
  readonly digests: readonly Digest[];
  /** Such as `linux/amd64`. */
  readonly platform?: string | undefined;
}

/** A finding's state by what was decided about it. */
export type VexState = 'open' | 'not_affected' | 'fixed' | 'under_investigation';

/** The statement that decided, the document it stands in, and since when it holds. */
export interface DecidedBy {
  readonly document: string;
  readonly statement: VexStatement;
  readonly at: Date;
}

/** A finding and its state; `decidedBy` is undefined where no statement is about it. `affected` is open, with what to do in the statement. */
export interface VexJudgement<F extends VexSubject> {
  readonly finding: F;
  readonly state: VexState;
  readonly decidedBy: DecidedBy | undefined;
}

/** Of statements of the same moment the one that trusts least counts. */
const CAUTION: readonly (VexStatus | undefined)[] = [
  undefined,
  'affected',
  'under_investigation',
  'fixed',
  'not_affected',
];

/**
 * Takes findings and checked documents; gives each finding's state at `now`. A statement is about a finding if any of its names, its
 * image (or, without one, its package) and its package match as go-vex matches them; the last by time counts, and none from
 * after `now`. Pure: the same for any past moment.
 */
export function applyVex<F extends VexSubject>(
  findings: readonly F[],
  documents: readonly VexDocument[],
  now: Date,
): readonly VexJudgement<F>[] {
  const byName = indexByName(documents, now);
  return findings.map((finding) => {
    const names = new Set([finding.id, ...finding.ids]);
    const about = [...new Set([...names].flatMap((name) => byName.get(name) ?? []))];
    // A flaw found in several packages is as open as the one of them that is decided least favourably.
    const decisions = finding.purls.map((purl) => decide(about, toSightings(finding, names, purl)));
    const least = Math.min(...decisions.map((one) => caution(one?.statement.status)));
    const worst = decisions.find((one) => caution(one?.statement.status) === least);
    return { finding, state: stateOf(worst?.statement.status), decidedBy: worst };
  });
}

/** Statements by each name of their vulnerability, those of the future left out. */
function indexByName(documents: readonly VexDocument[], now: Date): ReadonlyMap<string, readonly DecidedBy[]> {
  const index = new Map<string, DecidedBy[]>();
  for (const document of documents) {
    for (const statement of document.statements) {
      const at = new Date(statement.timestamp ?? document.timestamp);
      if (at > now) continue;
      const entry = { document: document['@id'], statement, at };
      for (const name of new Set([statement.vulnerability.name, ...(statement.vulnerability.aliases ?? [])])) {
        const known = index.get(name);
        if (known === undefined) index.set(name, [entry]);
        else known.push(entry);
      }
    }
  }
  return index;
}

/** A finding may name Go's standard library, or a Debian epoch, in another form than the statement: one sighting for each. */
function toSightings(finding: VexSubject, names: ReadonlySet<string>, purl: string): readonly Sighting[] {
  const { component, digests, platform } = finding;
  const forms = [...new Set([purl, ...packageForms(purl)])];
  const images = component === undefined ? [] : identifiersOf(component, digests, platform);
  return forms.map((subcomponent) => ({ names, products: [...images, ...forms], subcomponent }));
}

function decide(about: readonly DecidedBy[], sightings: readonly Sighting[]): DecidedBy | undefined {
  return about
    .filter(({ statement }) => sightings.some((sighting) => statementMatches(statement, sighting)))
    .reduce<DecidedBy | undefined>(stronger, undefined);
}

function stronger(a: DecidedBy | undefined, b: DecidedBy): DecidedBy {
  if (a === undefined || b.at > a.at) return b;
  if (b.at < a.at) return a;
  return caution(b.statement.status) < caution(a.statement.status) ? b : a;
}

function caution(status: VexStatus | undefined): number {
  return CAUTION.indexOf(status);
}

function stateOf(status: VexStatus | undefined): VexState {
  return status === undefined || status === 'affected' ? 'open' : status;
}
