// SPDX-License-Identifier: Apache-2.0
import { documentFaults } from '../catalog-faults.ts';
import { lineOf, newestFirst } from '../revision.ts';
import type { NotesRequest } from './request.ts';

/** Finds, as sentences, what of a request for notes can't all be true. */
export function notesFaults(request: NotesRequest): readonly string[] {
  const { sources } = request;
  return [...lineFaults(request), ...documentFaults(sources), ...versionFaults(sources), ...testFaults(request)];
}

function lineFaults({ line, window, fits, sources }: NotesRequest): readonly string[] {
  const others = sources.filter(({ document }) => lineOf(document.release) !== line);
  const names = new Set([window.line, ...fits.map((fit) => fit.line)].filter((name) => name !== line));
  return [
    ...others.map(({ document: { revision } }) => `${revision} is no revision of line ${line}`),
    ...[...names].map((name) => `the calendar given is that of line ${name}, not of ${line}`),
  ];
}

/** Revisions of one release hold the same versions: what they fix they lay over the sources. */
function versionFaults(sources: NotesRequest['sources']): readonly string[] {
  const seen = new Map<string, { readonly revision: string; readonly version: string }>();
  const faults = newestFirst(sources).flatMap(({ document: { release, revision, channels } }) =>
    Object.values(channels).flatMap(({ images }) =>
      images.flatMap(({ component, version }) => {
        const key = `${component} of ${release}`;
        const known = seen.get(key) ?? { revision, version };
        seen.set(key, known);
        return known.version === version
          ? []
          : [`${key} is ${known.version} in ${known.revision} and ${version} in ${revision}`];
      }),
    ),
  );
  return [...new Set(faults)]; // every channel would say it
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
