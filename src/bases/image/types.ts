// SPDX-License-Identifier: Apache-2.0
import type { Cache } from '#cache';
import type { Clock, Digest, Platform, Report } from '#core';
import type { EvidenceStore, InstalledContent, Policy, Trust } from '#evidence';
import type { Descriptor, Document, Layer } from '#image';

/** An image by its name: where it and its evidence lie, and how its index or manifest is read. */
export interface FoundImage {
  readonly store: EvidenceStore;
  readonly root: () => Promise<Document>;
}

/** The world as {@link openImageBases} needs it. */
export interface ImageBaseOptions {
  readonly open: (reference: string) => Promise<FoundImage>;
  readonly cache: Cache;
  readonly clock: Clock;
  /** Told of an image that lists no packages. */
  readonly report?: Report;
}

/** An image to take as a base; `belief` is who must have signed it. */
export interface ImageBaseSpec {
  readonly reference: string;
  readonly belief?: ImageBelief;
}

/** A policy with what it needs to be checked, and the digest of all that it says: its text and its keys. */
export interface ImageBelief {
  readonly policy: Policy;
  readonly trust: () => Promise<Trust>;
  readonly digest: Digest;
}

/** What a root is of, by its os-release(5): `alpine`, `3.22.1`. */
export type ImageDistribution = { readonly id: string; readonly versionId: string; readonly codename?: string };

/** A package of an image, by the image's own list. */
export type LockedImagePackage = {
  readonly kind: 'deb' | 'apk' | 'rpm';
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: { readonly name: string; readonly version: string };
};

/** One platform of an image, pinned. */
export type LockedImagePlatform = {
  readonly manifest: { readonly mediaType: string; readonly digest: Digest; readonly size: number };
  readonly distribution: ImageDistribution;
  readonly packages: readonly LockedImagePackage[];
};

/** An image, pinned: what its name meant, and by which belief it was taken. */
export interface LockedImage {
  readonly reference: string;
  /** Of the index, or of the manifest where the name means one. */
  readonly digest: Digest;
  /** {@link ImageBelief.digest}; absent where the definition asks for none. */
  readonly verified?: Digest;
  readonly platforms: Readonly<Partial<Record<Platform, LockedImagePlatform>>>;
}

/** A layer of an image, and what its history says of it. */
export type ImageBaseLayer = Layer & { readonly created: string; readonly createdBy: string };

/** How containers of the image run, as far as an image made from it takes that over. */
export type ImageBaseSettings = {
  readonly environment: readonly string[];
  readonly workingDirectory?: string;
  readonly labels: Readonly<Record<string, string>>;
};

/** One platform of an image as its bytes are: its layers lie in the cache. */
export interface ImageBase {
  readonly manifest: Digest;
  readonly layers: readonly ImageBaseLayer[];
  readonly settings: ImageBaseSettings;
  readonly distribution: ImageDistribution;
  readonly content: InstalledContent;
}

/** What {@link readImageBase} reads. */
export interface ReadImageRequest {
  readonly where: string;
  readonly manifest: Descriptor;
  readonly platform: Platform;
  readonly store: Pick<EvidenceStore, 'source'>;
}
