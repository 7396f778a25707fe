// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';
import { catalogFaults } from './catalog-faults.ts';
import type { CompatibilityRecord, OpenFinding, ReleaseDocument, SupportRecord } from './document.ts';
import { ReleaseError } from './error.ts';
import { type FixedFinding, fixedBetween } from './notes/fixed.ts';
import { lineOf, newestFirst } from './revision.ts';

/** A release document of the catalog, the digest of its text, and what it was read from. */
export interface CatalogSource {
  readonly document: ReleaseDocument;
  readonly digest: Digest;
  readonly from: string;
}

/** Everything that a distribution has published: lines, and their revisions, newest first. */
export interface Catalog {
  readonly distribution: string;
  readonly lines: readonly CatalogLine[];
}

/** One line, `2.9`: its newest revision, support as that one states it, and all revisions, newest first. */
export interface CatalogLine {
  readonly line: string;
  readonly newest: string;
  readonly support: SupportRecord | undefined;
  readonly revisions: readonly CatalogRevision[];
}

/** One revision as its document has it. */
export interface CatalogRevision {
  readonly revision: string;
  readonly release: string;
  /** Of the release document. */
  readonly digest: Digest;
  /** RFC 3339; undefined for a document without publication. */
  readonly created: string | undefined;
  readonly partial: boolean;
  readonly predecessor: string | undefined;
  readonly channels: readonly CatalogChannel[];
  readonly findings: FindingsCount;
  /** What it fixed, against its predecessor. */
  readonly fixed: readonly FixedFinding[];
  /** Why that may not be all. */
  readonly fixedUnknown: string | undefined;
  readonly compatibility: readonly CompatibilityRecord[];
}

/** The images of a channel, in the order of the definition. */
export interface CatalogChannel {
  readonly channel: string;
  readonly images: readonly {
    readonly component: string;
    readonly version: string;
    readonly name: string;
    readonly tag: string;
    readonly digest: Digest;
    readonly platforms: readonly string[];
  }[];
}

/** How many findings were open at publication; "not scanned" is no zero. */
export type FindingsCount =
  | { readonly kind: 'not-scanned'; readonly reason: string }
  | {
      readonly kind: 'scanned';
      readonly at: string;
      readonly open: number;
      readonly bySeverity: Readonly<Partial<Record<OpenFinding['severity'], number>>>;
      readonly exploited: number;
      readonly closed: number;
      readonly gaps: number;
    };

/**
 * Makes the catalog from release documents alone, in whatever order they come. Throws `CATALOG_EMPTY` without any, and
 * `CATALOG_CONTRADICTS` with every contradiction: then there is no catalog.
 */
export function buildCatalog(sources: readonly CatalogSource[]): Catalog {
  const [first] = sources;
  if (first === undefined) {
    throw new ReleaseError('CATALOG_EMPTY', 'there is no release document', {
      hint: '`oakum release` publishes them: name REGISTRY/releases, oci:FOLDER, or a folder of documents.',
    });
  }
  const faults = catalogFaults(sources);
  if (faults.length > 0) throw contradiction(faults);
  const known = new Map(sources.map((source) => [source.document.revision, source]));
  const lines = Map.groupBy(newestFirst(known.values()), ({ document }) => lineOf(document.release));
  return {
    distribution: first.document.distribution,
    lines: [...lines].map(([line, list]) => ({
      line,
      newest: list[0]?.document.revision ?? '',
      support: list[0]?.document.publication?.support,
      revisions: list.map((source) => toRevision(source, known)),
    })),
  };
}

function contradiction(faults: readonly string[]): ReleaseError {
  const hint = 'A catalog says only what all documents say. `oakum verify release` tells which of them is signed.';
  const [first = ''] = faults;
  const shown = faults.slice(0, 20).map((fault) => `  ${fault}`);
  const more = faults.length > 20 ? [`  and ${faults.length - 20} more`] : [];
  const message = faults.length === 1 ? first : `${faults.length} contradictions:\n${[...shown, ...more].join('\n')}`;
  return new ReleaseError('CATALOG_CONTRADICTS', message, { hint });
}

function toRevision({ document, digest }: CatalogSource, known: ReadonlyMap<string, CatalogSource>): CatalogRevision {
  const { revision, release, partial, publication, channels } = document;
  const predecessor = publication?.predecessor?.revision;
  const before = predecessor === undefined ? undefined : known.get(predecessor)?.document;
  const { fixed, unknown } = fixedBetween(before, document);
  return {
    revision,
    release,
    digest,
    created: publication?.created,
    partial: partial === true,
    predecessor,
    channels: Object.entries(channels).map(([channel, { images }]) => ({
      channel,
      images: images.map((image) => ({
        component: image.component,
        version: image.version,
        name: image.name,
        tag: image.tags[0] ?? '',
        digest: image.digest,
        platforms: Object.keys(image.platforms),
      })),
    })),
    findings: countFindings(document),
    fixed,
    fixedUnknown: before === undefined && predecessor === undefined ? undefined : unknown,
    compatibility: publication?.compatibility ?? [],
  };
}

function countFindings({ publication }: ReleaseDocument): FindingsCount {
  const { findings } = publication ?? {};
  if (findings === undefined) return { kind: 'not-scanned', reason: 'the document has no publication' };
  if (findings.kind === 'not-scanned') return findings;
  const bySeverity: Partial<Record<OpenFinding['severity'], number>> = {};
  for (const { severity } of findings.open) bySeverity[severity] = (bySeverity[severity] ?? 0) + 1;
  return {
    kind: 'scanned',
    at: findings.at,
    open: findings.open.length,
    bySeverity,
    exploited: findings.open.filter(({ exploited }) => exploited).length,
    closed: findings.closed.length,
    gaps: findings.gaps.length,
  };
}
