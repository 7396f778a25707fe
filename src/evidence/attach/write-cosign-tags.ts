// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import type { Json } from '#formats';
import { type Descriptor, MAX_MANIFEST_BYTES, parseManifest, readContent } from '#image';
import { PREDICATES, type Statement } from '../statement.ts';
import {
  attestationLayer,
  buildTagManifest,
  COSIGN_ANNOTATIONS,
  cosignTag,
  type PayloadSignature,
  signatureLayer,
  simpleSigningPayload,
  stampLayer,
  type TagLayer,
} from './cosign-tags.ts';
import type { EvidenceStore } from './store.ts';

/** Writes the tags that cosign 2 reads, beside the referrers. */
export interface CosignTags {
  /** The image's name without tag, which goes into the signed text. */
  readonly reference: string;
  signPayload(payload: Buffer): Promise<PayloadSignature>;
  /** Says whether a signature over this payload is validly made by this signer. */
  recognisesPayload(payload: Buffer, signature: PayloadSignature): boolean | Promise<boolean>;
  /** Gives a timestamp of bytes as cosign's JSON, where the signer has a timestamp authority. */
  stamp?(bytes: Buffer): Promise<string | undefined>;
}

/** A claim with the bundle that proves it. */
export interface BundledClaim {
  readonly statement: Statement;
  readonly bundle: Json;
}

/** What {@link writeCosignTags} writes. */
export interface CosignTagsRequest {
  readonly store: EvidenceStore;
  readonly subject: Descriptor;
  readonly claims: readonly BundledClaim[];
  readonly cosignTags: CosignTags;
}

/**
 * Writes a subject's claims under the tags of cosign 2: signatures to `.sig` as a signed text, all others to `.att` as the
 * envelopes of their bundles. What is there already stays and is not written again. Gives the manifests that are new.
 */
export async function writeCosignTags(request: CosignTagsRequest): Promise<readonly Descriptor[]> {
  const { store, subject, claims, cosignTags } = request;
  const isSignature = ({ statement }: BundledClaim) => statement.predicateType === PREDICATES.cosignSignature;
  const attestations = claims
    .filter((claim) => !isSignature(claim))
    .map(({ bundle, statement }) => attestationLayer(bundle, statement.predicateType));
  const added = await extendTag(store, cosignTag(subject.digest, 'att'), async (present) => {
    const layers: TagLayer[] = [];
    for (const layer of attestations) layers.push(await stamped(layer, { present, cosignTags }));
    return layers;
  });
  if (!claims.some(isSignature)) return added;
  const payload = simpleSigningPayload(cosignTags.reference, subject.digest);
  const signed = await extendTag(store, cosignTag(subject.digest, 'sig'), async (present) => {
    const own = signatureLayer(payload, { signature: '' }).descriptor.digest;
    for (const layer of present.filter(({ digest }) => digest === own)) {
      if (await cosignTags.recognisesPayload(payload, readSignature(layer))) return [];
    }
    return [signatureLayer(payload, await cosignTags.signPayload(payload))];
  });
  return [...added, ...signed];
}

/** Adds a timestamp to an attestation, unless there is none to have or the same layer lies there with one already. */
async function stamped(
  layer: TagLayer,
  { present, cosignTags }: { readonly present: readonly Descriptor[]; readonly cosignTags: CosignTags },
): Promise<TagLayer> {
  const { digest, annotations } = layer.descriptor;
  const known = present.find((one) => {
    const { [COSIGN_ANNOTATIONS.timestamp]: timestamp, ...others } = one.annotations ?? {};
    return one.digest === digest && timestamp !== undefined && isDeepStrictEqual(others, annotations);
  });
  if (known !== undefined) return { bytes: layer.bytes, descriptor: known };
  const timestamp = await cosignTags.stamp?.(layer.bytes);
  return timestamp === undefined ? layer : stampLayer(layer, timestamp);
}

/** Adds layers to the manifest under a tag, keeping those it has; one that it has is not added. */
async function extendTag(
  store: EvidenceStore,
  tag: string,
  layers: (present: readonly Descriptor[]) => Promise<readonly TagLayer[]>,
): Promise<readonly Descriptor[]> {
  const found = await store.resolve(tag);
  const present =
    found === undefined
      ? []
      : parseManifest(await readContent(store.source, found, MAX_MANIFEST_BYTES), `${store.where}:${tag}`).layers;
  const wanted = await layers(present);
  const fresh = wanted.filter(
    ({ descriptor }) =>
      !present.some(
        (one) => one.digest === descriptor.digest && isDeepStrictEqual(one.annotations, descriptor.annotations),
      ),
  );
  if (fresh.length === 0) return [];
  const parcel = buildTagManifest(present, fresh);
  await store.put(parcel, tag);
  return [parcel.manifest.descriptor];
}

function readSignature({ annotations = {} }: Descriptor): PayloadSignature {
  const at = (name: keyof typeof COSIGN_ANNOTATIONS) => {
    const value = annotations[COSIGN_ANNOTATIONS[name]];
    return value === undefined ? {} : { [name]: value };
  };
  return {
    signature: '',
    ...at('signature'),
    ...at('certificate'),
    ...at('chain'),
    ...at('rekor'),
    ...at('timestamp'),
  };
}
