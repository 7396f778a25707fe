// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';

/** The time, passed in, so that tests and replays choose it. */
export interface Clock {
  now(): Date;
  /** Waits `milliseconds`; throws the signal's reason when aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** Gives the machine's own clock. */
export function systemClock(): Clock {
  return {
    now: () => new Date(),
    sleep: async (milliseconds, signal) => {
      await delay(milliseconds, undefined, signal ? { signal } : {});
    },
  };
}
