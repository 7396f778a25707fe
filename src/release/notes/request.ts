// SPDX-License-Identifier: Apache-2.0
import type { ApiChanges, ApiKind, Day, Fit, LineWindow } from '#compatibility';
import type { CatalogSource } from '../catalog.ts';

/** What notes of a line are made from. The same request gives the same notes. */
export interface NotesRequest {
  /** `2.9`. */
  readonly line: string;
  /** Who makes the distribution. */
  readonly vendor: string;
  /** The day that support is told of. */
  readonly today: Day;
  /** The newest day that the calendars know something of. */
  readonly newestEntry?: Day | undefined;
  /** The documents of the line's revisions, in any order. */
  readonly sources: readonly CatalogSource[];
  readonly window: LineWindow;
  /** What the line fits, of all minors and providers. */
  readonly fits: readonly Fit[];
  readonly apis: ApiNotes;
  /** The changelog of a revision in Markdown, where it could be made. */
  readonly changelogs: ReadonlyMap<string, string>;
}

/** The line's API, and what became of the one before. */
export interface ApiNotes {
  readonly kinds: readonly ApiKind[];
  /** The line compared with, what changed since, and whether that was read from its sources or from what is recorded of it; undefined where nothing is known of it. */
  readonly since?: { readonly line: string; readonly changes: ApiChanges; readonly from: 'sources' | 'record' };
}
