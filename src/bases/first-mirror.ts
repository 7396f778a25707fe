// SPDX-License-Identifier: Apache-2.0
import { messageOf, OakumError, redact, type Report } from '#core';

/**
 * Gives what the first of some mirrors gives that fails no check. One that fails is passed over with a warning; where all fail, the first
 * failed proof is thrown before any mere absence, and `missing()` where there is no mirror. A fault of this machine, and the signal's
 * reason, are thrown at once.
 */
export async function firstMirror<T>(
  mirrors: readonly string[],
  open: (mirror: string) => Promise<T>,
  options: { readonly signal?: AbortSignal; readonly report?: Report; readonly missing: () => OakumError },
): Promise<T> {
  const failures: OakumError[] = [];
  for (const mirror of mirrors) {
    try {
      return await open(mirror);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof OakumError) || error.family === 'machine') throw error;
      failures.push(error);
      if (mirrors.length > 1) {
        options.report?.({ kind: 'warning', message: `mirror passed over: ${redact(mirror)}: ${messageOf(error)}` });
      }
    }
  }
  throw failures.find((error) => error.family === 'proof') ?? failures[0] ?? options.missing();
}
