// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '#core';

/** A clock that tests move: sleeping takes no time but is noted, and moves `now`. */
export interface TestClock extends Clock {
  /** All waits so far, in milliseconds. */
  readonly slept: readonly number[];
  advance(milliseconds: number): void;
}

/** Gives a clock that stands at `start` (2026-11-24 by default). */
export function createTestClock(start = '2026-11-24T00:00:00Z'): TestClock {
  let time = Date.parse(start);
  const slept: number[] = [];
  return {
    slept,
    now: () => new Date(time),
    advance(milliseconds) {
      time += milliseconds;
    },
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      slept.push(milliseconds);
      time += milliseconds;
    },
  };
}
