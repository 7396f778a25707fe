// SPDX-License-Identifier: Apache-2.0
import type { Cache } from '#cache';
import type { Digest, Platform, Report } from '#core';
import type { LockedComponent, LockedOverlay } from '#definition';
import type { Engine } from '#engine';
import type { ModuleVersion } from '#formats';
import type { Sources } from '#sources';
import type { Feeds, ScanGap } from '#vulnerabilities';
import type { Staying } from './floors.ts';
import type { PatchFile } from './overlay.ts';
import type { ChangeCause } from './solve.ts';

/** What a plan may do. */
export interface PatchPolicy {
  /** Whether a fix may go past what upstream's own later patch releases require. */
  readonly pastUpstream: boolean;
}

/** A component to patch. */
export interface PatchTarget {
  readonly component: string;
  readonly locked: LockedComponent;
  /** The modules in its compiled program; where it is not compiled yet, go.mod counts, which may name more. */
  readonly compiled?: readonly ModuleVersion[];
  /** Patch files from `patches/<component>/`, in their order. */
  readonly patches: readonly PatchFile[];
}

/** What planning works with. What costs to open is opened when first needed. */
export interface PatchTools {
  readonly cache: Cache;
  readonly sources: () => Promise<Sources>;
  readonly engine: () => Promise<Engine>;
  readonly feeds: Feeds;
  readonly now: Date;
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly machine: { readonly platform: Platform };
}

/** One changed requirement as a plan shows it. */
export interface PlannedChange {
  readonly path: string;
  readonly from?: string;
  readonly to: string;
  readonly indirect: boolean;
  readonly cause: ChangeCause;
  /** The findings that it fixes; none where something else needs it. */
  readonly findings: readonly string[];
  /** How far it goes; undefined for a new one. */
  readonly move?: 'minor' | 'patch';
  /** The greatest version that upstream's later patch releases require, where that is less. */
  readonly pastUpstream?: string;
}

/** What upstream's own later patch releases do about the findings. */
export interface UpstreamPlan {
  /** The first that fixes the most. */
  readonly best?: { readonly version: string; readonly fixes: readonly string[] };
  /** Why no later release is known, or not every one. */
  readonly unknown?: string;
}

/** What patching one component means. */
export interface ComponentPlan {
  readonly component: string;
  readonly version: string;
  /** What its modules were read from: the compiled program, or go.mod. */
  readonly basis: string;
  readonly findings: number;
  readonly fixed: readonly string[];
  readonly changes: readonly PlannedChange[];
  readonly go?: { readonly from: string; readonly to: string; readonly by: string };
  readonly patches: readonly { readonly file: string; readonly digest: Digest }[];
  readonly staying: readonly Staying[];
  readonly upstream: UpstreamPlan;
  readonly notes: readonly string[];
  readonly gaps: readonly ScanGap[];
  /** What goes into the lock; undefined where nothing changes. */
  readonly overlay?: LockedOverlay;
}
