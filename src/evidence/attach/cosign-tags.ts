// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { type Digest, digestOf, hexOf } from '#core';
import { canonicalJson, type Json, toPem } from '#formats';
import { buildManifest, type Descriptor, type Document, toDocument } from '#image';
import { EvidenceError } from '../error.ts';
import { documentsConfig, type Parcel } from './parcel.ts';

/** The layer type of cosign 2's signatures; the layer is the text that was signed. */
export const SIMPLE_SIGNING_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json';

/** The layer type of cosign 2's attestations; the layer is a DSSE envelope. */
export const DSSE_TYPE = 'application/vnd.dsse.envelope.v1+json';

/** Annotations of both kinds of layer (cosign specs/SIGNATURE_SPEC.md "Properties"). */
export const COSIGN_ANNOTATIONS = {
  signature: 'dev.cosignproject.cosign/signature',
  certificate: 'dev.sigstore.cosign/certificate',
  chain: 'dev.sigstore.cosign/chain',
  rekor: 'dev.sigstore.cosign/bundle',
  timestamp: 'dev.sigstore.cosign/rfc3161timestamp',
} as const;

/** What was signed for a `.sig` tag, and the signature with what helps to verify it: certificates as PEM, the others as cosign's JSON. */
export interface PayloadSignature {
  /** Base64. */
  readonly signature: string;
  readonly certificate?: string;
  readonly chain?: string;
  readonly rekor?: string;
  readonly timestamp?: string;
}

/** A layer of a `.sig` or `.att` manifest, its annotations in the descriptor. */
export interface TagLayer {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

/** Gives the tag under which cosign 2 keeps the signatures (`sig`) or attestations (`att`) of a digest. */
export function cosignTag(digest: Digest, kind: 'sig' | 'att'): string {
  return `sha256-${hexOf(digest)}.${kind}`;
}

/** Gives the text to sign for an image in the form of cosign 2 (containers/image "simple signing"). `reference` is its name without tag. */
export function simpleSigningPayload(reference: string, digest: Digest): Buffer {
  const payload = {
    critical: {
      identity: { 'docker-reference': reference },
      image: { 'docker-manifest-digest': digest },
      type: 'cosign container image signature',
    },
    optional: null,
  };
  return Buffer.from(canonicalJson(payload), 'utf8');
}

/** Gives a signed payload as a layer of a `.sig` manifest. */
export function signatureLayer(payload: Buffer, signed: PayloadSignature): TagLayer {
  const annotations = Object.fromEntries(
    Object.entries(signed).map(([name, value]) => [
      COSIGN_ANNOTATIONS[name as keyof PayloadSignature],
      value as string,
    ]),
  );
  return { bytes: payload, descriptor: { ...describe(payload, SIMPLE_SIGNING_TYPE), annotations } };
}

/**
 * Takes a Sigstore bundle; gives its envelope as a layer of an `.att` manifest, with certificate and log entry (Rekor v1)
 * in cosign 2's annotations. The bundle's timestamp is left out: it is one of the signature, and cosign 2 wants one of
 * the layer, see {@link stampLayer}. Throws `STATEMENT_INVALID` for a bundle without a DSSE envelope.
 */
export function attestationLayer(bundle: Json, predicateType: string): TagLayer {
  const parsed = bundleSchema.safeParse(bundle);
  if (!parsed.success) {
    throw new EvidenceError('STATEMENT_INVALID', 'the bundle holds no DSSE envelope', { cause: parsed.error });
  }
  const { dsseEnvelope: envelope, verificationMaterial: material } = parsed.data;
  const document = toDocument(envelope, DSSE_TYPE);
  const certificate = material.certificate?.rawBytes ?? material.x509CertificateChain?.certificates[0]?.rawBytes;
  const [entry] = material.tlogEntries ?? [];
  const annotations = {
    [COSIGN_ANNOTATIONS.signature]: '',
    predicateType,
    ...(certificate === undefined
      ? {}
      : { [COSIGN_ANNOTATIONS.certificate]: toPem('CERTIFICATE', Buffer.from(certificate, 'base64')) }),
    ...(entry?.inclusionPromise === undefined ? {} : { [COSIGN_ANNOTATIONS.rekor]: toRekorBundle(entry) }),
  };
  return { bytes: document.bytes, descriptor: { ...document.descriptor, annotations } };
}

/** Gives an `.att` layer with a timestamp of its bytes, in cosign's JSON. */
export function stampLayer({ bytes, descriptor }: TagLayer, timestamp: string): TagLayer {
  return {
    bytes,
    descriptor: {
      ...descriptor,
      annotations: { ...descriptor.annotations, [COSIGN_ANNOTATIONS.timestamp]: timestamp },
    },
  };
}

/** Builds the manifest of a `.sig` or `.att` tag over layers, of which old ones may lie in the repository already. */
export function buildTagManifest(layers: readonly Descriptor[], fresh: readonly TagLayer[]): Parcel {
  const all = [...layers, ...fresh.map(({ descriptor }) => descriptor)];
  const config = documentsConfig(all);
  const manifest = buildManifest({ config: config.descriptor, layers: all });
  const blobs: Document[] = fresh.map(({ descriptor, bytes }) => ({ descriptor, bytes }));
  return { manifest, blobs: [config, ...blobs] };
}

/** The members of a bundle that cosign 2's annotations carry. */
const certificateSchema = z.object({ rawBytes: z.string() });
const entrySchema = z.object({
  logIndex: z.coerce.string(),
  logId: z.object({ keyId: z.string() }),
  integratedTime: z.coerce.string(),
  inclusionPromise: z.object({ signedEntryTimestamp: z.string() }).optional(),
  canonicalizedBody: z.string(),
});
const bundleSchema = z.object({
  verificationMaterial: z.object({
    certificate: certificateSchema.optional(),
    x509CertificateChain: z.object({ certificates: z.array(certificateSchema) }).optional(),
    tlogEntries: z.array(entrySchema).optional(),
  }),
  dsseEnvelope: z.object({
    payload: z.string(),
    payloadType: z.string(),
    signatures: z.array(z.object({ sig: z.string(), keyid: z.string().optional() })).min(1),
  }),
});

/** cosign's own form of a Rekor v1 entry, with the log's promise instead of its proof. */
function toRekorBundle(entry: z.output<typeof entrySchema>): string {
  return canonicalJson({
    SignedEntryTimestamp: entry.inclusionPromise?.signedEntryTimestamp ?? '',
    Payload: {
      body: entry.canonicalizedBody,
      integratedTime: Number(entry.integratedTime),
      logIndex: Number(entry.logIndex),
      logID: Buffer.from(entry.logId.keyId, 'base64').toString('hex'),
    },
  });
}

function describe(bytes: Buffer, mediaType: string): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}
