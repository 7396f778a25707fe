// SPDX-License-Identifier: Apache-2.0
import type { Digest, Platform } from '#core';
import type { LockedBase, LockedModule } from '#definition';
import { type Json, readableJson } from '#formats';

/** The media type of a release document, version 1. */
export const RELEASE_DOCUMENT_TYPE = 'application/vnd.oakum.release.v1+json';

/** One platform of one image: what lies below its index, in bytes and digests. */
export interface PlatformRecord {
  readonly manifest: Digest;
  readonly config: Digest;
  readonly layers: readonly { readonly digest: Digest; readonly diffId: Digest; readonly size: number }[];
  readonly binary: { readonly path: string; readonly digest: Digest; readonly size: number };
  /** The modules compiled in: how many, and the digest of their list, one `path version h1` a line. */
  readonly modules: { readonly count: number; readonly digest: Digest };
  /** The SBOM's documents, by format. */
  readonly sbom: { readonly spdx: Digest; readonly cyclonedx: Digest };
  /** The isolation the binary was compiled in, as the engine described it. */
  readonly isolation: string;
}

/** One image of the release: its name and tags, its index and what its program was made from. */
export interface ImageRecord {
  readonly component: string;
  readonly version: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly digest: Digest;
  readonly source: LockedModule & { readonly commit: string; readonly nested: readonly LockedModule[] };
  readonly platforms: Readonly<Partial<Record<Platform, PlatformRecord>>>;
}

/** One channel of the release. Images stand in the order of the definition. */
export interface ChannelRecord {
  readonly base: LockedBase & { readonly name: string };
  readonly images: readonly ImageRecord[];
}

/** The release document: what was built from what. It holds no time and no path, so two equal builds write equal documents. */
export interface ReleaseDocument {
  readonly mediaType: typeof RELEASE_DOCUMENT_TYPE;
  readonly distribution: string;
  readonly release: string;
  readonly revision: string;
  readonly flux: LockedModule;
  readonly definition: Digest;
  readonly lock: Digest;
  readonly toolchain: { readonly version: string; readonly modules: Readonly<Partial<Record<Platform, LockedModule>>> };
  readonly compressor: string;
  readonly exemptions: readonly { readonly module: string; readonly reason: string }[];
  readonly channels: Readonly<Record<string, ChannelRecord>>;
}

/** Gives a release document's one text: keys sorted, two spaces, a newline at the end. */
export function formatReleaseDocument(document: ReleaseDocument): string {
  return readableJson(document as unknown as Json);
}
