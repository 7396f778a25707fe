// SPDX-License-Identifier: Apache-2.0
import type { LineReader } from './lines.ts';

/** Gives the keys whose records differ between two sets of lines; one that is not there counts as empty. */
export function changedKeys(before: LineReader | undefined, after: LineReader | undefined): ReadonlySet<string> {
  const old = before?.fingerprints() ?? new Map<string, string>();
  const now = after?.fingerprints() ?? new Map<string, string>();
  const changed = new Set<string>();
  for (const [key, print] of now) if (old.get(key) !== print) changed.add(key);
  for (const key of old.keys()) if (!now.has(key)) changed.add(key);
  return changed;
}
