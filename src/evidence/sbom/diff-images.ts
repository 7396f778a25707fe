// SPDX-License-Identifier: Apache-2.0
import {
  type ContentSource,
  type Descriptor,
  type Document,
  MAX_MANIFEST_BYTES,
  parseManifest,
  readContent,
} from '#image';
import type { EvidenceStore } from '../attach/store.ts';
import { EvidenceError } from '../error.ts';
import { findPredicate } from '../inspect/inspect-image.ts';
import { PREDICATES } from '../statement.ts';
import { type PlatformTarget, selectPlatforms } from '../verify/platforms.ts';
import { contentReading, diffSboms, type SbomChange } from './diff.ts';
import { readImageContent } from './image-content.ts';
import { type SbomReading, toReading } from './read.ts';

/** One of two images to compare. */
export interface DiffSide {
  readonly image: string;
  readonly root: Document;
  readonly store: EvidenceStore;
}

/** Which platforms to compare (all that both have by default), and where a program may be kept while it is read. */
export interface DiffOptions {
  readonly platforms?: readonly string[];
  readonly temporary: () => string;
}

/** What changed on one platform. `from`: what was compared, the images' SBOMs, unverified, or their layers where one has none. Sizes are compressed bytes. */
export interface PlatformDiff {
  readonly platform: string;
  readonly from: 'SBOM' | 'layers';
  readonly changes: readonly SbomChange[];
  readonly size: { readonly before: number; readonly after: number };
}

/** Compares two images platform by platform. Verifies nothing. Throws `PLATFORM_MISSING` where they have none in common, and what the stores throw. */
export async function diffImages(
  before: DiffSide,
  after: DiffSide,
  options: DiffOptions,
): Promise<readonly PlatformDiff[]> {
  const common = pairsOf(before, after, options.platforms);
  if (common.length === 0) {
    throw new EvidenceError('PLATFORM_MISSING', 'the two images have no platform in common', { where: after.image });
  }
  return Promise.all(
    common.map(async (pair): Promise<PlatformDiff> => {
      const sides = [
        { side: before, target: pair.before },
        { side: after, target: pair.after },
      ] as const;
      const sboms = await Promise.all(sides.map(({ side, target }) => sbomOf(side, target)));
      const sizes = await Promise.all(
        sides.map(async ({ side, target: { descriptor } }) => {
          const bytes = await readContent(side.store.source, descriptor, MAX_MANIFEST_BYTES);
          return parseManifest(bytes, side.image).layers.reduce((sum, layer) => sum + layer.size, 0);
        }),
      );
      const [beforeSbom, afterSbom] = sboms;
      const size = { before: sizes[0] ?? 0, after: sizes[1] ?? 0 };
      if (beforeSbom !== undefined && afterSbom !== undefined) {
        return { platform: pair.name, from: 'SBOM', changes: diffSboms(beforeSbom, afterSbom), size };
      }
      const changes = await diffContents(
        { source: before.store.source, manifest: pair.before.descriptor },
        { source: after.store.source, manifest: pair.after.descriptor },
        options,
      );
      return { platform: pair.name, from: 'layers', changes, size };
    }),
  );
}

/** One platform's image and where its content lies. */
export interface ContentSide {
  readonly source: ContentSource;
  readonly manifest: Descriptor;
}

/** Compares what is in the layers of two images: files by path and hash, packages, programs and their modules. Throws what the sources throw. */
export async function diffContents(
  before: ContentSide,
  after: ContentSide,
  { temporary }: Pick<DiffOptions, 'temporary'>,
): Promise<readonly SbomChange[]> {
  const read = async ({ source, manifest }: ContentSide) =>
    contentReading(await readImageContent(source, manifest, { temporary }));
  return diffSboms(await read(before), await read(after));
}

/** The manifests that belong together: by platform, or the only one of each image, since a manifest alone does not name its own. */
function pairsOf(before: DiffSide, after: DiffSide, platforms: readonly string[] | undefined): readonly Pair[] {
  const targets = ({ root, image }: DiffSide) => selectPlatforms(root, platforms, image).targets;
  const [older, newer] = [targets(before), targets(after)];
  return older.flatMap((one) => {
    const other =
      older.length === 1 && newer.length === 1 ? newer[0] : newer.find((candidate) => candidate.name === one.name);
    return other === undefined ? [] : [{ name: one.name, before: one, after: other }];
  });
}

interface Pair {
  readonly name: string;
  readonly before: PlatformTarget;
  readonly after: PlatformTarget;
}

async function sbomOf(side: DiffSide, target: PlatformTarget): Promise<SbomReading | undefined> {
  try {
    const types = [PREDICATES.spdx, PREDICATES.cyclonedx];
    return toReading(await findPredicate({ ...side, platforms: [target.name], types }), side.image);
  } catch (error) {
    if (error instanceof EvidenceError && error.code === 'PREDICATE_MISSING') return undefined;
    throw error;
  }
}
