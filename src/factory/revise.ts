// SPDX-License-Identifier: Apache-2.0
import type { Definition, Lock, LockedOverlay } from '#definition';

/** What a revision is built from. `overlays` is there where the lock holds it as a patched one. */
export interface Revised {
  readonly definition: Definition;
  readonly lock: Lock;
  readonly overlays?: Readonly<Record<string, LockedOverlay>>;
}

/**
 * Takes definition and lock of a release; gives both as a revision (`2.9.2-r1`) has them: the toolchain and the bases that it
 * was patched with in place of the release's own, and its overlays. A revision that the lock does not name changes nothing.
 */
export function revise(definition: Definition, lock: Lock, revision: string): Revised {
  const patched = lock.revisions?.[revision];
  if (patched === undefined) return { definition, lock };
  return {
    definition: { ...definition, toolchain: patched.toolchain },
    lock: { ...lock, bases: { ...lock.bases, ...patched.bases } },
    overlays: patched.components,
  };
}
