// SPDX-License-Identifier: Apache-2.0
// What a case of verification is, and how it is asked.
import { type Digest, digestOf } from '#core';
import {
  COSIGN_ANNOTATIONS,
  cosignTag,
  type FlagPolicy,
  type PayloadSignature,
  type Signer,
  SIMPLE_SIGNING_TYPE,
  simpleSigningPayload,
} from '#evidence';
import { buildManifest, toDocument } from '#image';
import { IDENTITY, type Stage, type StagedImage } from '../verify-stage.ts';

/** A verdict; `yes` is trusted. */
export type Answer = 'yes' | 'no';

/** What to judge, as flags of both; `attestation` asks for one kind of attestation besides the signature. */
export interface Question {
  readonly reference: string;
  readonly flags: Omit<FlagPolicy, 'attestations'>;
  readonly attestation?: string;
  readonly deep?: boolean;
  /** What cosign is asked about, where it is not the same. */
  readonly cosignReference?: string;
  /** The policy's demands instead of those that the flags make: YAML under `require`. */
  readonly require?: string;
}

/** One case. `cosign` is what cosign 3 says, and why it may differ; `cosign2` the same of cosign 2, where its format can express it. */
export interface VerifyCase {
  readonly name: string;
  readonly prepare: (stage: Stage, image: StagedImage) => Promise<Question>;
  readonly expected: Answer;
  /** Part of our reason. */
  readonly reason: RegExp;
  readonly cosign: Answer;
  readonly cosign2?: Answer;
  readonly note?: string;
}

/** Asks for the stage's key. */
export function byKey(stage: Stage, image: StagedImage, more: Partial<Question> = {}): Question {
  return { reference: image.reference, flags: { keys: [stage.key.file] }, ...more };
}

/** Asks for the stage's key, and an entry in its log. */
export function byLoggedKey(stage: Stage, image: StagedImage): Question {
  return {
    reference: image.reference,
    flags: { keys: [stage.key.file], trustedRoot: stage.rootFile, transparency: 'log' },
  };
}

/** Asks for a certificate, by default the one that keyless signers of the stage get. */
export function byIdentity(stage: Stage, image: StagedImage, more: Partial<FlagPolicy> = {}): Question {
  const flags = {
    keys: [],
    identity: IDENTITY,
    issuer: stage.service.issuer.url,
    trustedRoot: stage.rootFile,
    ...more,
  };
  const { identity, ...others } = flags;
  return {
    reference: image.reference,
    flags: others.identityPattern === undefined ? { identity, ...others } : others,
  };
}

/** Hangs nothing but a `.sig` tag on an image; its text may name any digest. */
export async function attachText(
  image: StagedImage,
  signer: Signer,
  digest: Digest = image.index.digest,
): Promise<void> {
  const payload = simpleSigningPayload(image.store.where, digest);
  const signed = Object.entries(await signer.signPayload(payload)) as [keyof PayloadSignature, string][];
  const layer = {
    mediaType: SIMPLE_SIGNING_TYPE,
    digest: digestOf(payload),
    size: payload.length,
    annotations: Object.fromEntries(signed.map(([name, value]) => [COSIGN_ANNOTATIONS[name], value])),
  };
  const config = toDocument({}, 'application/vnd.oci.image.config.v1+json');
  const manifest = buildManifest({ config: config.descriptor, layers: [layer] });
  const blobs = [config, { descriptor: layer, bytes: payload }];
  await image.store.put({ manifest, blobs }, cosignTag(image.index.digest, 'sig'));
}

/** Gives bytes in base64 with one bit changed. */
export function flipped(base64: string): string {
  const bytes = Buffer.from(base64, 'base64');
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  return bytes.toString('base64');
}
