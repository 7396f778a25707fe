// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';

/** How near a program comes to vulnerable code: calls it, imports the package it is in, or only holds its module. */
export type Reach = 'called' | 'imported' | 'required';

/** One function of a call path. File and line are where it makes the next call, relative to its module. */
export interface CallFrame {
  readonly module: string;
  /** Absent for the program's own module. */
  readonly version?: string;
  readonly package?: string;
  /** `Form.QuickSpan` for a method. */
  readonly function?: string;
  readonly file?: string;
  readonly line?: number;
}

/** What the analysis says of one advisory in one module. */
export interface ReachedAdvisory {
  readonly id: string;
  readonly module: string;
  readonly version: string;
  readonly reach: Reach;
  /** From the program's own code to the vulnerable function; for `called` only. The shortest of those that were found. */
  readonly path?: readonly CallFrame[];
}

/** What one analysis of one build gave. It is kept, and cites the tool's own output. */
export interface Analysis {
  readonly version: 1;
  /** Digest of all that determines the program: sources, overlay, toolchain, flags, platform. The same for two images with one program. */
  readonly build: Digest;
  readonly tool: { readonly name: string; readonly version: string; readonly digest: Digest };
  /** When the Go vulnerability database was last changed, as it says; RFC 3339. */
  readonly database: string;
  readonly goVersion: string;
  /** When it was analysed; RFC 3339. */
  readonly at: string;
  readonly isolation: string;
  readonly milliseconds: number;
  /** The tool's output, whole. */
  readonly evidence: Digest;
  /** Each advisory that was looked for, with the digest of its text then. */
  readonly advisories: Readonly<Record<string, Digest>>;
  /** The modules whose packages were read, as `path@version`; replaced ones as what stands in for them. */
  readonly modules: readonly string[];
  readonly reached: readonly ReachedAdvisory[];
}

/** What is known of one finding. */
export type FindingReachability =
  | { readonly kind: 'called'; readonly path: readonly CallFrame[]; readonly evidence: Digest }
  | { readonly kind: 'imported' | 'required'; readonly evidence: Digest }
  | { readonly kind: 'not-analysed'; readonly reason: string };

/** What is known of a finding before anyone has looked. */
export const NOT_ANALYSED: FindingReachability = { kind: 'not-analysed', reason: 'no analysis of this build is kept' };
