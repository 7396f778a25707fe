// SPDX-License-Identifier: Apache-2.0
import type { Digest, Platform } from '#core';
import type { Json } from '#formats';
import type { BuilderKind } from './levels.ts';

/** A Go module by the hash that proved it: `h1:` and base64, as in go.sum. */
export interface RecordedModule {
  readonly path: string;
  readonly version: string;
  readonly h1: string;
}

/** The main module. Repository, commit and ref are what the module proxy's Origin says; absent where it says nothing. */
export interface RecordedSource extends RecordedModule {
  readonly repository?: string;
  readonly commit?: string;
  readonly ref?: string;
}

/** A package of the base, and the source package it was built from. `sha256` is of the .deb file. */
export interface RecordedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: { readonly name: string; readonly version: string };
  readonly sha256: Digest;
}

/** One step as it ran: what a cached step's key holds, so that a rerun tells the same. */
export interface RecordedStep {
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whatever else decided its result. */
  readonly parameters?: Readonly<Record<string, Json>>;
}

/** All that went into an image. Order does not matter: provenance sorts. */
export interface RecordedMaterials {
  readonly source: RecordedSource;
  /** Modules laid into the source where a local replace wants them. */
  readonly nested: readonly RecordedModule[];
  readonly modules: readonly RecordedModule[];
  /** What a patched revision laid over the source: the overlay as the lock has it, and its patch files. */
  readonly overlay?: {
    readonly digest: Digest;
    readonly patches: readonly { readonly file: string; readonly digest: Digest }[];
  };
  readonly toolchain: RecordedModule;
  readonly packages: readonly RecordedPackage[];
  /** The image that was taken as a base, by its name and the digest of its manifest. */
  readonly image?: { readonly reference: string; readonly digest: Digest };
  /** What the base is of: `debian` and `13`, as in its os-release. */
  readonly distribution: { readonly id: string; readonly versionId: string };
  /** What was taken without proof by the checksum database, and why. */
  readonly exemptions: readonly { readonly module: string; readonly reason: string }[];
}

/** The recorded build of one image for one platform, from which provenance is written. */
export interface BuildRecord {
  readonly builder: BuilderKind & {
    /** See {@link builderIdOf}. */
    readonly id: string;
    /** Versions by name: oakum, node. */
    readonly version: Readonly<Record<string, string>>;
    /** What held the steps, as the engine described it. */
    readonly sandbox: string;
  };
  readonly invocation: { readonly id: string; readonly startedOn: Date; readonly finishedOn: Date };
  /** What the user asked for. */
  readonly request: {
    readonly distribution: string;
    readonly release: string;
    readonly revision: string;
    readonly channel: string;
    readonly component: string;
    readonly platform: Platform;
    readonly definition: Digest;
    readonly lock: Digest;
  };
  readonly steps: Readonly<Record<string, RecordedStep>>;
  readonly materials: RecordedMaterials;
  /** What the builder was given, cut down to this image: from this alone the image can be built again. */
  readonly inputs?: Json;
  /** The base of the documentation site, where it is not Oakum's own. */
  readonly documentationBase?: string;
}
