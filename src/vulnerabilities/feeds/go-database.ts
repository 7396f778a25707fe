// SPDX-License-Identifier: Apache-2.0
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '#core';
import { VulnerabilityError } from '../error.ts';
import { openSnapshot } from './snapshot.ts';

/** Of the fields of an advisory that the indexes are made of. */
export interface GoAdvisory {
  readonly id: string;
  readonly modified: string;
  readonly aliases?: readonly string[];
  readonly affected?: readonly { readonly package?: { readonly name: string } }[];
}

/**
 * Writes the Go database that is held into a new folder, in the served layout (https://go.dev/doc/security/vuln/database#api),
 * so that govulncheck reads it with `-db file://FOLDER`. `dataFolder` is Oakum's. Gives the digest of the feed that it is
 * made of. Throws `FEED_ABSENT` where none is held.
 */
export async function writeGoDatabase(dataFolder: string, target: string): Promise<Digest> {
  const snapshot = openSnapshot(dataFolder, 'go');
  if (snapshot === undefined) {
    throw new VulnerabilityError('FEED_ABSENT', 'the Go vulnerability database is not held', {
      hint: 'Run `oakum feeds update`.',
    });
  }
  const advisories = snapshot.lines('Go').all() as readonly GoAdvisory[];
  await writeServedLayout(advisories, snapshot.held.asOf, target);
  return snapshot.held.digest;
}

/** Writes advisories into a new folder in the served layout; `modified` is when the database was last changed, in RFC 3339. */
export async function writeServedLayout(
  advisories: readonly GoAdvisory[],
  modified: string | undefined,
  target: string,
): Promise<void> {
  const sorted = advisories.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  await mkdir(join(target, 'index'), { recursive: true });
  await mkdir(join(target, 'ID'));
  for (const advisory of sorted) await writeFile(join(target, 'ID', `${advisory.id}.json`), JSON.stringify(advisory));
  const index = sorted.map(({ id, modified: changed, aliases }) => ({ id, modified: changed, aliases }));
  await writeFile(join(target, 'index/vulns.json'), JSON.stringify(index));
  await writeFile(join(target, 'index/modules.json'), JSON.stringify(modulesOf(sorted)));
  await writeFile(join(target, 'index/db.json'), JSON.stringify({ modified: modified?.replace('.000Z', 'Z') }));
}

/** One line of the modules' index. */
interface ModuleEntry {
  readonly id: string;
  readonly modified: string;
}

/**
 * Each module with its advisories. The served index also names the newest fixed version, by which a reader may leave
 * advisories out; the layout lets it be absent, and then all of them are read.
 */
function modulesOf(advisories: readonly GoAdvisory[]): readonly { path: string; vulns: readonly ModuleEntry[] }[] {
  const modules = new Map<string, Map<string, ModuleEntry>>();
  for (const { id, modified, affected = [] } of advisories) {
    for (const { package: module } of affected) {
      if (module === undefined) continue;
      const entries = modules.get(module.name) ?? new Map<string, ModuleEntry>();
      modules.set(module.name, entries.set(id, { id, modified }));
    }
  }
  return [...modules]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, entries]) => ({ path, vulns: [...entries.values()] }));
}
