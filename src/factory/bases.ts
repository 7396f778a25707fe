// SPDX-License-Identifier: Apache-2.0
import type { Platform } from '#core';
import type { BaseDefinition, LockedBase } from '#definition';
import type { SbomFile, SbomPackage } from '#evidence';
import type { BaseLayer } from '#image';
import { alpineBase } from './alpine-base.ts';
import { debianBase } from './debian-base.ts';
import { imageBase } from './image-base.ts';
import type { Workshop } from './workshop.ts';

/** What a root is of, by its os-release(5): `debian`, `13`, `trixie`. */
export type Distribution = { readonly id: string; readonly versionId: string; readonly codename?: string };

/** What lies below the programs of a channel on one platform, and how what is made from it runs. */
export interface Ground {
  /** Lowest first; each in the cache. */
  readonly layers: readonly BaseLayer[];
  readonly distribution: Distribution;
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  /** Labels of the image that is taken as a base, without those that say what that image is. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The image that was taken, and its manifest's digest. */
  readonly image?: { readonly reference: string; readonly digest: `sha256:${string}` };
}

/** Which ground is wanted. */
export interface GroundRequest {
  /** The base's name in the definition, for progress. */
  readonly name: string;
  readonly locked: LockedBase;
  readonly platform: Platform;
  readonly compression: 'gzip' | 'zstd';
}

/** What a base brings into an image, for its SBOM. */
export interface BaseContent {
  readonly files: readonly SbomFile[];
  readonly packages: readonly SbomPackage[];
}

/** A base of any kind, as the assembly line asks for it. */
export interface Base {
  /** Makes its definition exact for platforms. */
  resolve(platforms: readonly Platform[]): Promise<LockedBase>;
  /** Says whether what the lock holds is what the definition asks for on a platform. */
  fits(locked: LockedBase, platform: Platform): Promise<boolean>;
  /** Fetches what the lock names. */
  fetch(locked: LockedBase, platforms: readonly Platform[]): Promise<void>;
  /** Makes the layers, or finds them in the cache. */
  ground(request: GroundRequest): Promise<Ground>;
  /** Measures every file and says which package it is of. */
  content(locked: LockedBase, platform: Platform): Promise<BaseContent>;
}

/** Opens a base; nothing is fetched until a verb is called. All verbs throw what #bases throws. */
export function openBase(definition: BaseDefinition, shop: Workshop): Base {
  if (definition.kind === 'alpine') return alpineBase(definition, shop);
  return definition.kind === 'image' ? imageBase(definition, shop) : debianBase(definition, shop);
}
