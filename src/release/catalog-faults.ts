// SPDX-License-Identifier: Apache-2.0
import type { CatalogSource } from './catalog.ts';
import { lineOf, orderRevisions, revisionOf } from './revision.ts';

/** Finds, as sentences, what of all documents of a distribution can't be true at once; that one is missing is such a thing. */
export function catalogFaults(sources: readonly CatalogSource[]): readonly string[] {
  return [...documentFaults(sources), ...missingFaults(sources)];
}

/** Finds, as sentences, what of some release documents can't be true at once. */
export function documentFaults(sources: readonly CatalogSource[]): readonly string[] {
  return [...distributionFaults(sources), ...twiceFaults(sources), ...digestFaults(sources), ...thingFaults(sources)];
}

function distributionFaults(sources: readonly CatalogSource[]): readonly string[] {
  const names = [...new Set(sources.map(({ document }) => document.distribution))].sort();
  return names.length < 2 ? [] : [`the documents are of several distributions: ${names.join(', ')}`];
}

function twiceFaults(sources: readonly CatalogSource[]): readonly string[] {
  const first = new Map<string, CatalogSource>();
  return sources.flatMap((source) => {
    const { revision } = source.document;
    const before = first.get(revision) ?? source;
    first.set(revision, before);
    if (before.digest === source.digest) return [];
    return [`${revision} has two documents: ${before.digest} in ${before.from}, ${source.digest} in ${source.from}`];
  });
}

/** A predecessor that is there has the digest that its successor names. */
function digestFaults(sources: readonly CatalogSource[]): readonly string[] {
  const known = new Map(sources.map((source) => [source.document.revision, source]));
  return sources.flatMap(({ document: { revision, publication } }) => {
    const predecessor = publication?.predecessor;
    const found = predecessor === undefined ? undefined : known.get(predecessor.revision);
    if (predecessor === undefined || found === undefined || found.digest === predecessor.digest) return [];
    return [
      `the chain is broken: ${revision} names ${predecessor.digest} as the document of ${predecessor.revision}, in ${found.from} it is ${found.digest}`,
    ];
  });
}

/** Each predecessor is there; only what was published before all others of a line has none. */
function missingFaults(sources: readonly CatalogSource[]): readonly string[] {
  const known = new Set(sources.map(({ document }) => document.revision));
  return sources.flatMap(({ document: { revision, publication }, from }) => {
    if (publication === undefined) return [];
    const { predecessor, created } = publication;
    if (predecessor === undefined) {
      const earlier = sources.find((other) => isBefore(other, { revision, created }));
      if (earlier === undefined) return [];
      return [`${revision} names no predecessor, though ${earlier.document.revision} was published before it`];
    }
    if (known.has(predecessor.revision)) return [];
    return [
      `the chain is broken: ${revision} (${from}) comes after ${predecessor.revision}, whose document is not there`,
    ];
  });
}

function isBefore(
  { document }: CatalogSource,
  { revision, created }: { readonly revision: string; readonly created: string },
): boolean {
  const [other, own] = [revisionOf(document), revisionOf({ revision })];
  if (lineOf(other.release) !== lineOf(own.release)) return false;
  const { publication } = document;
  return publication !== undefined && publication.created < created && orderRevisions(other, own) < 0;
}

/** What has one meaning everywhere: a tag that never moves names one index, a version of a component is one source. */
function thingFaults(sources: readonly CatalogSource[]): readonly string[] {
  const known = new Map<string, { readonly value: string; readonly revision: string }>();
  const faults: string[] = [];
  const agree = (thing: string, value: string, revision: string) => {
    const before = known.get(thing);
    if (before === undefined) known.set(thing, { value, revision });
    else if (before.value !== value) {
      faults.push(`${thing} is ${before.value} in ${before.revision}, and ${value} in ${revision}`);
    }
  };
  for (const { document } of sources) {
    const { revision, channels, flux } = document;
    agree(`the source of Flux ${flux.version}`, flux.zipHash, revision);
    for (const { images } of Object.values(channels)) {
      for (const { component, version, name, tags, digest, source } of images) {
        agree(`${name}:${tags[0] ?? ''}`, digest, revision);
        agree(`the source of ${component} ${version}`, `${source.zipHash} (${source.commit})`, revision);
      }
    }
  }
  return [...new Set(faults)];
}
