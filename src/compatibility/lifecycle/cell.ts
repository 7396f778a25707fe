// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';

/**
 * One cell of the table of tests: a channel of a revision, run against real API servers of one Kubernetes minor. What it claims is
 * signed; `digest` is that of the signed statement, which holds the log.
 */
export interface CompatibilityCell {
  /** The minor, `1.33`. */
  readonly kubernetes: string;
  readonly channel: string;
  /** `2.9.2-r0`. */
  readonly revision: string;
  readonly verdict: 'passed' | 'failed';
  /** When the test ended, RFC 3339. */
  readonly made: string;
  readonly digest: Digest;
  /** What ran, by name: `kubernetes` (`1.33.7`), `etcd`, and the components by their versions or digests. */
  readonly versions: Readonly<Record<string, string>>;
  /** The newest patch of Kubernetes that was to be had then, `1.32.13`. */
  readonly newest?: string | undefined;
  /** Newer patches of Kubernetes, `1.32.13`, that could not be built then: they say nothing against it. */
  readonly passedOver?: readonly string[] | undefined;
  /** Why it is known not to tell of what is there now, beside what versions say: sentences. */
  readonly outdated?: readonly string[];
}
