// SPDX-License-Identifier: Apache-2.0
import pLimit from 'p-limit';
import { reportStep, type Report } from '#core';
import { type AttachedClaim, type EvidenceStore, publishEvidence, toStatement } from '#evidence';
import { type Document, parseIndex } from '#image';
import {
  buildVexDocument,
  type DocumentOrigin,
  toVexAttestation,
  type VexDecision,
  type VexDocument,
  type VexImage,
} from '#vulnerabilities';
import { FactoryError } from './error.ts';
import type { SigningOptions } from './sign.ts';

/** A published image, its index as it lies there, and the place that evidence about it goes to. */
export interface VexTarget {
  readonly image: VexImage;
  readonly root: Document;
  readonly store: EvidenceStore;
}

/** What {@link attachVex} says of the images, and who says it. */
export interface AttachVexRequest {
  readonly decisions: readonly VexDecision[];
  readonly now: Date;
  readonly origin: DocumentOrigin;
  readonly signing: SigningOptions;
  readonly report: Report;
}

/** What one image has now: its document, undefined where no decision is about it, and whether it was attached before. */
export interface AttachedVex {
  readonly image: VexImage;
  readonly document: VexDocument | undefined;
  readonly isNew: boolean;
  /** By what it hangs on the image's index and its platforms. */
  readonly attached: readonly AttachedClaim[];
}

const IMAGES_AT_ONCE = 4;

/**
 * Signs what holds now about each image, as an attestation that names its index and platform manifests, and attaches it. The same
 * document is never attached twice; an earlier one stays, since it says what was known then: of two, the later counts
 * (OpenVEX 0.2.0, "Updating Statements"). Throws `IMAGE_CHANGED` before anything is signed when a place holds another index.
 */
export async function attachVex(
  targets: readonly VexTarget[],
  request: AttachVexRequest,
): Promise<readonly AttachedVex[]> {
  for (const target of targets) requireSame(target);
  const limit = pLimit(IMAGES_AT_ONCE);
  const { attached } = await reportStep(request.report, { subject: 'VEX', step: 'attach' }, async () => {
    const results = await Promise.all(targets.map((target) => limit(() => attachOne(target, request))));
    return { attached: results, cached: results.every(({ isNew }) => !isNew) };
  });
  return attached;
}

function requireSame({ image, root, store }: VexTarget): void {
  if (root.descriptor.digest === image.index) return;
  throw new FactoryError('IMAGE_CHANGED', `the release names ${image.index}, here is ${root.descriptor.digest}`, {
    where: `${store.where} (${image.channel}/${image.component})`,
    hint: 'A document binds to digests. Name the release document that was written when these images were published.',
  });
}

async function attachOne({ image, root, store }: VexTarget, request: AttachVexRequest): Promise<AttachedVex> {
  const { decisions, now, origin, signing } = request;
  const document = buildVexDocument({ decisions, images: [image], now, origin });
  if (document === undefined) return { image, document, isNew: false, attached: [] };
  const platforms = new Set(image.platforms.map(({ digest }) => digest));
  const manifests = parseIndex(root.bytes, store.where).manifests.filter(({ digest }) => platforms.has(digest));
  const name = image.repository;
  const statement = toVexAttestation({ name, digest: image.index }, document);
  const others = manifests.flatMap(({ digest }) => toStatement({ name, digest }, '', {}).subject);
  const { added, attached } = await publishEvidence({
    store,
    claims: [
      {
        statement: { ...statement, subject: [...statement.subject, ...others] },
        subjects: [root.descriptor, ...manifests],
      },
    ],
    signer: signing.signer,
    created: new Date(document.timestamp),
    ...(signing.cosignV2Tags ? { cosignTags: { ...signing.signer, reference: name } } : {}),
  });
  return { image, document, isNew: added.length > 0, attached };
}
