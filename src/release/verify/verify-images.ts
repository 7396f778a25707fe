// SPDX-License-Identifier: Apache-2.0
import {
  attestationManifestsOf,
  type NamedEvidence,
  type Policy,
  PREDICATES,
  type VerificationReport,
  verifyImage,
} from '#evidence';
import { type ContentSource, type Document, MAX_MANIFEST_BYTES, parseIndex, parseManifest, readContent } from '#image';
import type { ImageRecord, PlatformRecord, ReleaseDocument } from '../document.ts';
import type { ReleasePlace } from '../place.ts';
import { type PieceReport, type ReleaseCheck, toFailedCheck, toPiece } from './report.ts';
import type { ReleaseJudging } from './verify-release.ts';

/** An image of the document. */
export interface ImagePiece {
  readonly channel: string;
  readonly image: ImageRecord;
  readonly document: ReleaseDocument;
}

/** What every image of ours has, whatever the policy asks: without it nobody can say what is in it, and who made it from what. */
const DEMANDS: Policy['require']['attestations'] = [
  { name: 'provenance', types: [PREDICATES.provenanceV1, PREDICATES.provenanceV02] },
  { name: 'sbom', types: [PREDICATES.spdx, PREDICATES.cyclonedx] },
];

/**
 * Verifies one image of a release: the index and every platform's manifest are there under the digests that the document names, nothing
 * else is beside them, each is signed, has SBOM and provenance, and every piece of evidence that the document lists. Throws nothing but defects.
 */
export async function verifyImagePiece(
  piece: ImagePiece,
  place: ReleasePlace,
  judging: ReleaseJudging,
): Promise<PieceReport> {
  const { channel, image, document } = piece;
  const path = `${channel}/${image.component}`;
  const about = { kind: 'image', name: place.name(path, image.tags[0]), digest: image.digest } as const;
  let root: Document;
  try {
    root = await place.read(path, about.digest);
  } catch (error) {
    const { check, failure } = toFailedCheck(error, { name: 'image', subject: 'index' });
    const gone = check.outcome === 'failed' ? `${about.digest} is not there: ${check.reason}` : check.reason;
    return toPiece(about, [{ ...check, reason: gone }], failure);
  }
  const store = place.store(path);
  const source = holdingManifests(store.source, piece.image);
  const report = await verifyImage({
    ...judging,
    image: about.name,
    root: async () => root,
    store: { ...store, source },
    policy: withDemands(judging.policy),
    named: namedOf(piece, document),
  });
  const content = await contentChecks(piece.image, root, source);
  return toPiece(about, [...report.checks, ...content], failureOf(report));
}

/** Reads the manifests of an image's platforms once for all who look at them; whatever is wrong with one is wrong for each. */
function holdingManifests(source: ContentSource, { platforms }: ImageRecord): ContentSource {
  const manifests = new Set(Object.values(platforms).map(({ manifest }) => manifest));
  const held = new Map<string, Promise<Buffer>>();
  return {
    async *open(descriptor) {
      const { digest, size } = descriptor;
      if (!manifests.has(digest) || size > MAX_MANIFEST_BYTES) {
        yield* source.open(descriptor);
        return;
      }
      const key = `${digest} ${size}`;
      const reading = held.get(key) ?? readContent(source, descriptor, MAX_MANIFEST_BYTES);
      held.set(key, reading);
      yield await reading;
    },
  };
}

function withDemands(policy: Policy): Policy {
  const { attestations } = policy.require;
  const fresh = DEMANDS.filter(({ name }) => !attestations.some((one) => one.name === name));
  return { ...policy, require: { ...policy.require, attestations: [...attestations, ...fresh] } };
}

function namedOf({ channel, image }: ImagePiece, { publication }: ReleaseDocument): readonly NamedEvidence[] {
  return (publication?.evidence ?? []).flatMap(({ image: path, subject, predicateType, digest }): NamedEvidence[] => {
    if (path !== `${channel}/${image.component}`) return [];
    const found = subject === 'index' ? image.digest : image.platforms[subject]?.manifest;
    return found === undefined ? [] : [{ subject: found, predicateType, digest }];
  });
}

const failureOf = ({ failure }: VerificationReport) => failure;

/** Compares what the index and the manifests below it say with the document, digest by digest. */
async function contentChecks(
  image: ImageRecord,
  root: Document,
  source: ContentSource,
): Promise<readonly ReleaseCheck[]> {
  try {
    const { manifests } = parseIndex(root.bytes, image.digest);
    const known = Object.entries(image.platforms);
    const beside = known.flatMap(([, { manifest }]) => attestationManifestsOf(manifests, manifest));
    const others = manifests.filter(
      (one) => !beside.includes(one) && !known.some(([, { manifest }]) => manifest === one.digest),
    );
    const checks = known.map(async ([platform, record]): Promise<ReleaseCheck> => {
      const about = { name: 'content', subject: platform } as const;
      const entry = manifests.find(({ digest }) => digest === record.manifest);
      if (entry === undefined) {
        return { ...about, outcome: 'failed', reason: `the document names ${record.manifest}, the index does not` };
      }
      if (`${entry.platform?.os}/${entry.platform?.architecture}` !== platform) {
        return { ...about, outcome: 'failed', reason: `the index says ${record.manifest} is for another platform` };
      }
      try {
        const bytes = await readContent(source, entry, MAX_MANIFEST_BYTES);
        const faults = manifestFaults(bytes, record);
        if (faults.length > 0) return { ...about, outcome: 'failed', reason: faults.join('; ') };
        return { ...about, outcome: 'passed', reason: 'manifest, config and layers are those of the document' };
      } catch (error) {
        return toFailedCheck(error, about).check;
      }
    });
    const strange = others.map(
      ({ digest, platform }): ReleaseCheck => ({
        name: 'content',
        subject: 'index',
        outcome: 'failed',
        reason: `the index holds ${digest} for ${platform?.os}/${platform?.architecture}, the document does not`,
      }),
    );
    return [...(await Promise.all(checks)), ...strange];
  } catch (error) {
    return [toFailedCheck(error, { name: 'content', subject: 'index' }).check];
  }
}

function manifestFaults(bytes: Uint8Array, record: PlatformRecord): readonly string[] {
  const manifest = parseManifest(bytes, record.manifest);
  const faults: string[] = [];
  if (manifest.config.digest !== record.config) {
    faults.push(`its config is ${manifest.config.digest}, in the document ${record.config}`);
  }
  const layers = manifest.layers.map(({ digest }) => digest).join(', ');
  const wanted = record.layers.map(({ digest }) => digest).join(', ');
  if (layers !== wanted) faults.push(`its layers are ${layers}, in the document ${wanted}`);
  return faults;
}
