// SPDX-License-Identifier: Apache-2.0
import { digestOfRelease, type ReleaseDocument } from '../document.ts';
import { lineOf, orderRevisions, parseRevision, type Revision } from '../revision.ts';
import type { NotesRequest } from './request.ts';

/** Finds, as sentences, what of a request for notes can't all be true. */
export function notesFaults(request: NotesRequest): readonly string[] {
  return [
    ...lineFaults(request),
    ...twiceFaults(request.documents),
    ...sourceFaults(request.documents),
    ...chainFaults(request.documents),
    ...testFaults(request),
  ];
}

/** Orders documents by their revisions, newest first. */
export function newestFirst(documents: readonly ReleaseDocument[]): readonly ReleaseDocument[] {
  return [...documents].sort((a, b) => orderRevisions(revisionOf(b), revisionOf(a)));
}

const revisionOf = ({ revision }: ReleaseDocument) => parseRevision(revision) as Revision;

function lineFaults({ line, window, fits, documents }: NotesRequest): readonly string[] {
  const others = documents.filter(({ release }) => lineOf(release) !== line);
  const names = new Set([window.line, ...fits.map((fit) => fit.line)].filter((name) => name !== line));
  const distributions = [...new Set(documents.map(({ distribution }) => distribution))];
  return [
    ...others.map(({ revision }) => `${revision} is no revision of line ${line}`),
    ...[...names].map((name) => `the calendar given is that of line ${name}, not of ${line}`),
    ...(distributions.length > 1 ? [`the documents are of several distributions: ${distributions.join(', ')}`] : []),
  ];
}

function twiceFaults(documents: readonly ReleaseDocument[]): readonly string[] {
  const groups = Map.groupBy(documents, ({ revision }) => revision);
  return [...groups].flatMap(([revision, list]) =>
    list.length === 1 ? [] : [`${revision} has ${list.length} documents: ${list.map(digestOfRelease).join(', ')}`],
  );
}

/** Revisions of one release lay overlays over the same sources. */
function sourceFaults(documents: readonly ReleaseDocument[]): readonly string[] {
  const seen = new Map<string, { readonly revision: string; readonly source: string }>();
  return newestFirst(documents).flatMap(({ release, revision, channels }) =>
    Object.values(channels).flatMap(({ images }) =>
      images.flatMap(({ component, version, source }) => {
        const made = `${version} (${source.zipHash})`;
        const key = `${release} ${component}`;
        const known = seen.get(key) ?? { revision, source: made };
        seen.set(key, known);
        return known.source === made
          ? []
          : [`${component} of ${release} is ${known.source} in ${known.revision} and ${made} in ${revision}`];
      }),
    ),
  );
}

/** A document names the digest of the one before it: one that was changed since is found so. */
function chainFaults(documents: readonly ReleaseDocument[]): readonly string[] {
  const known = new Map(documents.map((document) => [document.revision, document]));
  return documents.flatMap(({ revision, publication }) => {
    const named = publication?.predecessor;
    const before = named === undefined ? undefined : known.get(named.revision);
    if (named === undefined || before === undefined) return [];
    const digest = digestOfRelease(before);
    return digest === named.digest
      ? []
      : [`${revision} says that the document of ${named.revision} is ${named.digest}; the one given is ${digest}`];
  });
}

/** What the newest revision failed on is not supported, whatever the calendar says. */
function testFaults({ window, fits }: NotesRequest): readonly string[] {
  const failed = fits.filter(({ kubernetes }) => window.kubernetes.includes(kubernetes));
  return failed.flatMap(({ line, kubernetes, evidence }) =>
    evidence
      .filter(({ state }) => state === 'failed')
      .map(
        ({ channel, cell }) =>
          `line ${line} is for Kubernetes ${kubernetes}, but ${cell?.revision ?? 'it'} failed its test there (${channel}, ${cell?.made.slice(0, 10) ?? 'undated'})`,
      ),
  );
}
