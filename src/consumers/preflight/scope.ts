// SPDX-License-Identifier: Apache-2.0
import type { RuleId } from './rules.ts';
import type { TextFile } from './text-file.ts';
import type { ChannelTraits, Level, Splice } from './types.ts';

/** A finding as a rule gives it: `at` counts from the start of the file. */
export interface Found {
  readonly rule: RuleId;
  readonly level: Level;
  readonly at: number;
  readonly message: string;
  readonly fix: string;
  readonly fixable?: boolean;
}

/** What a rule gets: the file it looks at, what it is measured with, and where it leaves what it finds. */
export interface Scope {
  readonly file: TextFile;
  readonly channel: ChannelTraits;
  /** The line of Flux that is asked about, such as 2.9. */
  readonly target: string;
  readonly report: (found: Found) => void;
  readonly edit: (splice: Splice) => void;
}
