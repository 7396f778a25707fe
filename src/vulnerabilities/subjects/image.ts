// SPDX-License-Identifier: Apache-2.0
import { EvidenceError, type EvidenceStore, findPredicate, PREDICATES, readImageContent, toReading } from '#evidence';
import { type Document, isIndexType, parseIndex, type Descriptor } from '#image';
import type { ScanSubject } from '../subject.ts';
import { contentPackages } from './image-content.ts';
import { sbomPackages } from './sbom-packages.ts';

/** An image to scan; `temporary` names a new path where a program may be kept while it is read. */
export interface ImageSubjectRequest {
  readonly image: string;
  readonly root: Document;
  readonly store: EvidenceStore;
  /** Only these platforms; all by default. */
  readonly platforms?: readonly string[];
  readonly temporary: () => string;
}

/**
 * Gives an image's packages, platform by platform: by the SBOM that is attached to it (not verified here), or where there
 * is none by its layers. Throws what the store throws, and `PLATFORM_MISSING`.
 */
export async function imageSubjects(request: ImageSubjectRequest): Promise<readonly ScanSubject[]> {
  return Promise.all(platformsOf(request).map((target) => platformSubject(request, target)));
}

interface Target {
  readonly platform: string | undefined;
  readonly descriptor: Descriptor;
}

/** Manifests in an index that are of no platform hold evidence. */
function platformsOf({ root, image, platforms }: ImageSubjectRequest): readonly Target[] {
  if (!isIndexType(root.descriptor.mediaType)) return [{ platform: undefined, descriptor: root.descriptor }];
  const targets = parseIndex(root.bytes, image).manifests.flatMap((descriptor) => {
    const { os, architecture, variant } = descriptor.platform ?? {};
    if (os === undefined || architecture === undefined || os === 'unknown') return [];
    return [{ platform: [os, architecture, variant].filter((part) => part !== undefined).join('/'), descriptor }];
  });
  const wanted = platforms === undefined ? targets : targets.filter((one) => platforms.includes(one.platform));
  const missing = platforms?.find((name) => !targets.some((one) => one.platform === name));
  if (missing === undefined && wanted.length > 0) return wanted;
  throw new EvidenceError('PLATFORM_MISSING', `the image is not there for ${missing ?? 'any platform'}`, {
    where: image,
    hint: `It has ${targets.map((one) => one.platform).join(', ') || 'no platform at all'}.`,
  });
}

async function platformSubject(request: ImageSubjectRequest, target: Target): Promise<ScanSubject> {
  const { image, root, store } = request;
  const platforms = target.platform === undefined ? {} : { platforms: [target.platform] };
  const about = {
    target: image,
    kind: 'image',
    digest: target.descriptor.digest,
    root: root.descriptor.digest,
    ...(target.platform === undefined ? {} : { platform: target.platform }),
    provenance: () => findPredicate({ image, root, store, types: [PREDICATES.provenanceV1], ...platforms }),
  } as const;
  try {
    const types = [PREDICATES.spdx, PREDICATES.cyclonedx];
    const sbom = toReading(await findPredicate({ image, root, store, types, ...platforms }), image);
    return { ...about, basis: 'the SBOM attached to it, not verified', ...sbomPackages(sbom) };
  } catch (error) {
    if (!(error instanceof EvidenceError && error.code === 'PREDICATE_MISSING')) throw error;
  }
  return { ...about, basis: 'its layers, since no SBOM is attached', ...(await layerPackages(request, target)) };
}

/** What an image without an SBOM holds as far as its own bytes tell: Go programs, and the distribution's lists of what is installed. */
async function layerPackages(
  { store, temporary }: ImageSubjectRequest,
  { descriptor }: Target,
): Promise<Pick<ScanSubject, 'packages' | 'gaps'>> {
  return contentPackages(await readImageContent(store.source, descriptor, { temporary }));
}
