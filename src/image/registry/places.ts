// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';

/** What a client knows of where blobs are in one registry, and who is just bringing one there. */
export interface Places {
  holds(digest: Digest, repository: string): boolean;
  /** Gives a repository that holds the blob, if one is known. */
  holder(digest: Digest): string | undefined;
  note(digest: Digest, repository: string): void;
  /** Runs one at a time per digest, so that nothing is uploaded twice at once: the second can mount what the first brought. */
  inTurn<T>(digest: Digest, run: () => Promise<T>): Promise<T>;
}

/** Gives {@link Places} that know nothing yet. */
export function createPlaces(): Places {
  const known = new Map<Digest, Set<string>>();
  const turns = new Map<Digest, Promise<unknown>>();
  return {
    holds: (digest, repository) => known.get(digest)?.has(repository) ?? false,
    holder: (digest) => known.get(digest)?.values().next().value,
    note(digest, repository) {
      known.set(digest, (known.get(digest) ?? new Set()).add(repository));
    },
    inTurn(digest, run) {
      const before = turns.get(digest) ?? Promise.resolve();
      const turn = before.catch(() => {}).then(run);
      turns.set(digest, turn);
      const clean = () => {
        if (turns.get(digest) === turn) turns.delete(digest);
      };
      turn.then(clean, clean);
      return turn;
    },
  };
}
