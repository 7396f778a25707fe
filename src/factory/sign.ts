// SPDX-License-Identifier: Apache-2.0
import pLimit from 'p-limit';
import { type Report, reportStep } from '#core';
import {
  type AttachedClaim,
  type Claim,
  type EvidenceStore,
  PREDICATES,
  publishEvidence,
  type Signer,
  type Statement,
  toStatement,
} from '#evidence';
import type { Descriptor } from '#image';
import type { EvidenceRecord } from '#release';
import type { ChannelImage } from './images.ts';

/** How evidence is signed and attached. */
export interface SigningOptions {
  readonly signer: Signer;
  /** Also write the tags that cosign 2 reads by default. */
  readonly cosignV2Tags: boolean;
}

/** An image and the place that its evidence goes to. */
export interface SigningTarget {
  readonly image: ChannelImage;
  /** The image's name as people pull it, without tag. */
  readonly name: string;
  readonly store: EvidenceStore;
}

const IMAGES_AT_ONCE = 4;

/**
 * Signs and attaches all evidence of images that lie where they will be pulled; what is attached already is left as it is. Gives each
 * piece, as the release document lists it.
 */
export async function signImages(
  targets: readonly SigningTarget[],
  options: SigningOptions & { readonly report: Report },
): Promise<readonly EvidenceRecord[]> {
  const limit = pLimit(IMAGES_AT_ONCE);
  const { evidence } = await reportStep(options.report, { subject: 'evidence', step: 'sign' }, async () => {
    const published = await Promise.all(
      targets.map((target) => limit(async () => ({ image: target.image, ...(await signImage(target, options)) }))),
    );
    return {
      cached: published.every((one) => one.added.length === 0),
      evidence: published.flatMap(({ image, attached }) => toEvidence(image, attached)),
    };
  });
  return evidence;
}

/** Gives pieces of evidence on an image or its platforms as the release document lists them. */
export function toEvidence(
  { channel, component, index, platforms }: ChannelImage,
  attached: readonly AttachedClaim[],
): readonly EvidenceRecord[] {
  return attached.map(({ subject, predicateType, referrer }) => ({
    image: `${channel}/${component}`,
    subject:
      subject === index.descriptor.digest
        ? 'index'
        : (platforms.find(({ image }) => image.manifest.descriptor.digest === subject)?.platform ?? 'index'),
    predicateType,
    digest: referrer,
  }));
}

function signImage(
  { image, name, store }: SigningTarget,
  { signer, cosignV2Tags }: SigningOptions,
): ReturnType<typeof publishEvidence> {
  return publishEvidence({
    store,
    claims: claimsOf(image, name),
    signer,
    created: image.created,
    ...(cosignV2Tags ? { cosignTags: { ...signer, reference: name } } : {}),
  });
}

/** Signs one manifest alone: that it is ours, and nothing of what it holds. What is signed already is left as it is. */
export async function signManifest(
  {
    store,
    manifest,
    name,
    created,
  }: Pick<SigningTarget, 'store' | 'name'> & { readonly manifest: Descriptor; readonly created: Date },
  { signer, cosignV2Tags }: SigningOptions,
): Promise<void> {
  await publishEvidence({
    store,
    claims: [signatureOf(manifest, name)],
    signer,
    created,
    ...(cosignV2Tags ? { cosignTags: { ...signer, reference: name } } : {}),
  });
}

function signatureOf(subject: Descriptor, name: string): Claim {
  return {
    statement: toStatement({ name, digest: subject.digest }, PREDICATES.cosignSignature, {}),
    subjects: [subject],
  };
}

/**
 * What is claimed: that index and platform manifests are ours (one signature each, as a client checks whichever it
 * pulls), and what each platform's image holds and how it was made. Such a claim names the index beside the platform
 * manifest, since cosign looks up a tag's index and wants the claim there.
 */
function claimsOf(image: ChannelImage, name: string): readonly Claim[] {
  const index = image.index.descriptor;
  const signature = (subject: Descriptor) => signatureOf(subject, name);
  const platforms = image.platforms.flatMap(({ image: built, attested }) => {
    const manifest = built.manifest.descriptor;
    const both = (statement: Statement): Claim => ({
      statement: {
        ...statement,
        subject: [...statement.subject, ...toStatement({ name, digest: index.digest }, '', {}).subject],
      },
      subjects: [manifest, index],
    });
    return [signature(manifest), ...attested.statements.map(both)];
  });
  return [signature(index), ...platforms];
}
