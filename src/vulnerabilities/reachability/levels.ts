// SPDX-License-Identifier: Apache-2.0
import type { CallFrame, Reach, ReachedAdvisory } from './types.ts';
import type { ToolFinding } from './messages.ts';

const NEARNESS: Readonly<Record<Reach, number>> = { called: 2, imported: 1, required: 0 };

/**
 * Takes a tool's findings, several for one advisory; gives for each advisory and module the nearest. A finding with a function
 * is a call, with a package an import, else the module alone (govulncheck's own reading, `internal/govulncheck` ScanLevel). An
 * advisory without symbols stands for every function of its packages: the tool then calls an import a call, and so do we.
 * Sorted; of several paths the shortest, so that the order in which the tool prints does not show.
 */
export function toReached(findings: readonly ToolFinding[]): readonly ReachedAdvisory[] {
  const nearest = new Map<string, ReachedAdvisory>();
  for (const found of findings.map(toOne)) {
    const key = JSON.stringify([found.id, found.module, found.version]);
    const known = nearest.get(key);
    if (known === undefined || compare(found, known) < 0) nearest.set(key, found);
  }
  return [...nearest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

function toOne({ osv, trace }: ToolFinding): ReachedAdvisory {
  const [sink] = trace as [ToolFinding['trace'][number]];
  const base = { id: osv, module: sink.module, version: sink.version ?? '' };
  if (sink.function !== undefined) return { ...base, reach: 'called', path: trace.map(toFrame).reverse() };
  return { ...base, reach: sink.package === undefined ? 'required' : 'imported' };
}

/** The nearer first, then the shorter path, then by the text of the path. */
function compare(a: ReachedAdvisory, b: ReachedAdvisory): number {
  if (a.reach !== b.reach) return NEARNESS[b.reach] - NEARNESS[a.reach];
  const [left, right] = [a.path ?? [], b.path ?? []];
  if (left.length !== right.length) return left.length - right.length;
  return JSON.stringify(left) < JSON.stringify(right) ? -1 : 1;
}

function toFrame(frame: ToolFinding['trace'][number]): CallFrame {
  const { module, version, package: path, receiver, position } = frame;
  const name = frame.function === undefined ? undefined : [receiver?.replace(/^\*/, ''), frame.function];
  const file = position?.filename;
  const isPlace = file !== undefined && isInside(file) && (position?.line ?? 0) > 0;
  return {
    module,
    ...(version === undefined ? {} : { version }),
    ...(path === undefined ? {} : { package: path }),
    ...(name === undefined ? {} : { function: name.filter((part) => part !== undefined).join('.') }),
    ...(isPlace ? { file, line: position?.line ?? 0 } : {}),
  };
}

/** A place outside of the module says nothing of the source, and may name a folder of a machine. */
function isInside(file: string): boolean {
  return file !== '' && !file.startsWith('/') && !file.split('/').includes('..');
}
