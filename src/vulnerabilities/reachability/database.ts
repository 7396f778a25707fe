// SPDX-License-Identifier: Apache-2.0
import { type Digest, digestOf } from '#core';
import { type GoAdvisory, writeServedLayout } from '../feeds/go-database.ts';
import { stableJson } from '../feeds/json.ts';
import { openSnapshot } from '../feeds/snapshot.ts';

/** The part of the Go vulnerability database that names some modules. */
export interface GoDatabasePart {
  /** When the whole database was last changed, as it says; RFC 3339. */
  readonly modified: string;
  /** Each advisory's text has a digest: one that did not change says the same of the same source. */
  readonly digests: Readonly<Record<string, Digest>>;
  /** Other ids of each. */
  readonly aliases: Readonly<Record<string, readonly string[]>>;
  /** Writes it into a new folder, as govulncheck reads it. */
  readonly write: (folder: string) => Promise<void>;
}

/**
 * Gives what the Go database that is held says of some modules, so that a change elsewhere in it changes nothing; undefined
 * where none is held. `dataFolder` is Oakum's. The same ids with the same digests are the same database to a build of these modules.
 */
export function readGoDatabasePart(dataFolder: string, modules: ReadonlySet<string>): GoDatabasePart | undefined {
  const snapshot = openSnapshot(dataFolder, 'go');
  if (snapshot === undefined) return undefined;
  const advisories = snapshot.lines('Go').byKeys(modules) as readonly GoAdvisory[];
  const sorted = advisories.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const modified = snapshot.held.asOf ?? snapshot.held.fetchedAt;
  return {
    modified,
    digests: Object.fromEntries(sorted.map((one) => [one.id, digestOf(stableJson(one))])),
    aliases: Object.fromEntries(sorted.map(({ id, aliases = [] }) => [id, aliases])),
    write: (folder) => writeServedLayout(sorted, modified, folder),
  };
}
