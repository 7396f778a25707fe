// SPDX-License-Identifier: Apache-2.0
import type { RuleId } from './rules.ts';

/** How much a finding matters: it will not work, it may not work, or it works and is good to know. */
export type Level = 'error' | 'warning' | 'note';

/** What a channel has and demands, as far as a repository can tell. */
export interface ChannelTraits {
  readonly name: string;
  /** The crypto mode of its programs: SSH is restricted by `fips140` alone, as `boring` restricts TLS and nothing else. */
  readonly crypto: 'none' | 'fips140' | 'boring';
  /** The image of kustomize-controller has git, and remote bases are allowed. */
  readonly git: boolean;
  /** The image of kustomize-controller has GnuPG. */
  readonly gpg: boolean;
}

/** Where something stands: lines and columns from 1, columns in UTF-16 code units. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One thing that a rule found. */
export interface PreflightFinding {
  readonly rule: RuleId;
  readonly level: Level;
  readonly place: Place;
  /** What it is, as a sentence without full stop. */
  readonly message: string;
  /** What to do. */
  readonly fix: string;
  /** Whether `--fix` does it. */
  readonly fixable: boolean;
}

/** A change of some characters; `start` counts UTF-16 code units from the start of the file. */
export interface Splice {
  readonly start: number;
  readonly before: string;
  readonly after: string;
}

/** A change with the line it is in, for people. */
export interface LineEdit extends Splice {
  readonly line: number;
  readonly lineBefore: string;
  readonly lineAfter: string;
}

/** What would be changed in one file; the places in their order. */
export interface PreflightEdit {
  readonly path: string;
  readonly splices: readonly LineEdit[];
}

/** Why a file was not read. */
export type SkipReason = 'too large' | 'unreadable' | 'not UTF-8' | 'link' | 'link out of the repository' | 'special';

/** A file that was not looked at, though it might matter. */
export interface Skipped {
  readonly path: string;
  readonly reason: SkipReason;
  readonly detail: string;
}

/** What a preflight found. */
export interface PreflightReport {
  readonly folder: string;
  readonly channel: ChannelTraits;
  /** The line of Flux that API versions were compared with. */
  readonly target: string;
  /** In the order of files and places. */
  readonly findings: readonly PreflightFinding[];
  readonly edits: readonly PreflightEdit[];
  readonly skipped: readonly Skipped[];
  readonly files: {
    readonly read: number;
    /** Files of Helm charts' templates, which are no YAML before Helm has filled them in. */
    readonly templates: number;
    readonly binary: number;
  };
}
