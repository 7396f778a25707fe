// SPDX-License-Identifier: Apache-2.0
import { type Document, MAX_MANIFEST_BYTES, parseManifest, readContent } from '#image';
import type { EvidenceStore } from '../attach/store.ts';
import { EvidenceError } from '../error.ts';
import { findPredicate } from '../inspect/inspect-image.ts';
import { PREDICATES } from '../statement.ts';
import { selectPlatforms } from '../verify/platforms.ts';
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
  const targets = ({ root, image }: DiffSide) => selectPlatforms(root, options.platforms, image).targets;
  const others = new Map(targets(after).map((target) => [target.name, target]));
  const common = targets(before).flatMap((target) => {
    const other = others.get(target.name);
    return other === undefined ? [] : [{ name: target.name, before: target.descriptor, after: other.descriptor }];
  });
  if (common.length === 0) {
    throw new EvidenceError('PLATFORM_MISSING', 'the two images have no platform in common', { where: after.image });
  }
  return Promise.all(
    common.map(async (pair): Promise<PlatformDiff> => {
      const sides = [
        { side: before, descriptor: pair.before },
        { side: after, descriptor: pair.after },
      ] as const;
      const sboms = await Promise.all(sides.map(({ side }) => sbomOf(side, pair.name)));
      const sizes = await Promise.all(
        sides.map(async ({ side, descriptor }) => {
          const bytes = await readContent(side.store.source, descriptor, MAX_MANIFEST_BYTES);
          return parseManifest(bytes, side.image).layers.reduce((sum, layer) => sum + layer.size, 0);
        }),
      );
      const [beforeSbom, afterSbom] = sboms;
      const size = { before: sizes[0] ?? 0, after: sizes[1] ?? 0 };
      if (beforeSbom !== undefined && afterSbom !== undefined) {
        return { platform: pair.name, from: 'SBOM', changes: diffSboms(beforeSbom, afterSbom), size };
      }
      const read = async ({ side, descriptor }: (typeof sides)[number]) =>
        contentReading(await readImageContent(side.store.source, descriptor, { temporary: options.temporary }));
      const changes = diffSboms(await read(sides[0]), await read(sides[1]));
      return { platform: pair.name, from: 'layers', changes, size };
    }),
  );
}

async function sbomOf(side: DiffSide, platform: string): Promise<SbomReading | undefined> {
  try {
    const types = [PREDICATES.spdx, PREDICATES.cyclonedx];
    return toReading(await findPredicate({ ...side, platforms: [platform], types }), side.image);
  } catch (error) {
    if (error instanceof EvidenceError && error.code === 'PREDICATE_MISSING') return undefined;
    throw error;
  }
}
