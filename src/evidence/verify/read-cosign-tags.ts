// SPDX-License-Identifier: Apache-2.0
import { createHash, type KeyObject, verify as verifySignature } from 'node:crypto';
import type { SignedEntity } from '@sigstore/verify';
import { z } from 'zod';
import { messageOf } from '#core';
import type { Descriptor } from '#image';
import { COSIGN_ANNOTATIONS } from '../attach/cosign-tags.ts';
import { parseStatement, STATEMENT_MEDIA_TYPE } from '../statement.ts';
import type { Finding, OldEntry, SignedThing } from './found.ts';
import type { Sigstore } from './read-bundle.ts';

const base64 = z.base64();

/** cosign specs/SIGNATURE_SPEC.md, "Properties": the log entry in the annotation `dev.sigstore.cosign/bundle`. */
const rekorSchema = z.object({
  SignedEntryTimestamp: base64,
  Payload: z.object({
    body: base64,
    integratedTime: z.int().nonnegative(),
    logIndex: z.int().nonnegative(),
    logID: z.string().regex(/^[0-9a-f]{64}$/),
  }),
});

const timestampSchema = z.object({ SignedRFC3161Timestamp: base64 });
const kindSchema = z.object({ kind: z.string(), apiVersion: z.string() });

/** containers/image docs/containers-signature.5.md: the members that bind the text to an image. */
const simpleSigningSchema = z.object({
  critical: z.object({ image: z.object({ 'docker-manifest-digest': z.string() }), type: z.string() }),
});

const envelopeSchema = z.object({
  payloadType: z.string(),
  payload: base64,
  signatures: z.array(z.object({ sig: base64 })).length(1),
});

/** A layer of a `.sig` or `.att` manifest with its bytes, digest checked. */
export interface CosignLayer {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
  readonly place: string;
}

/** Takes a layer of cosign 2's `.sig` manifest; gives the signature taken apart, or why there is none. Never throws. */
export function readCosignSignature(library: Sigstore, layer: CosignLayer): Finding {
  return read(layer, () => {
    const { bytes, descriptor } = layer;
    const signature = base64.parse(descriptor.annotations?.[COSIGN_ANNOTATIONS.signature]);
    const text = simpleSigningSchema.parse(JSON.parse(bytes.toString('utf8')));
    const digest = text.critical.image['docker-manifest-digest'];
    const { entity, certificate } = toEntity(library, layer, {
      messageSignature: {
        messageDigest: { algorithm: 'SHA2_256', digest: sha256(bytes).toString('base64') },
        signature,
      },
    });
    return {
      format: 'cosign-signature',
      entity: { ...entity, signature: textSignature(bytes, Buffer.from(signature, 'base64')) },
      certificate,
      content: { kind: 'simple-signing', digest },
      oldEntries: [],
    };
  });
}

/** Takes a layer of cosign 2's `.att` manifest; gives the attestation taken apart, or why there is none. Never throws. */
export function readCosignAttestation(library: Sigstore, layer: CosignLayer): Finding {
  return read(layer, () => {
    const { payloadType, payload, signatures } = envelopeSchema.parse(JSON.parse(layer.bytes.toString('utf8')));
    if (payloadType !== STATEMENT_MEDIA_TYPE) throw new Error('the envelope holds no in-toto statement');
    const { entity, certificate } = toEntity(library, layer, { dsseEnvelope: { payloadType, payload, signatures } });
    const isOld = ({ kindVersion }: OldEntry['entry']) =>
      kindVersion.kind === 'intoto' && kindVersion.version === '0.0.1';
    return {
      format: 'cosign-attestation',
      entity: { ...entity, tlogEntries: entity.tlogEntries.filter((entry) => !isOld(entry)) },
      certificate,
      content: { kind: 'statement', statement: parseStatement(Buffer.from(payload, 'base64'), layer.place) },
      oldEntries: entity.tlogEntries.filter(isOld).map((entry) => ({ entry, envelope: layer.bytes })),
    };
  });
}

function read({ place, descriptor }: CosignLayer, make: () => Omit<SignedThing, 'place' | 'digest'>): Finding {
  try {
    return { kind: 'thing', thing: { place, digest: descriptor.digest, ...make() } };
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error).replaceAll('\n', ' ') : messageOf(error);
    return { kind: 'fault', place, reason: `it is malformed: ${reason}` };
  }
}

/** Brings cosign 2's annotations into the form of a bundle 0.1, so that the library reads them. */
function toEntity(
  library: Sigstore,
  { descriptor }: CosignLayer,
  content: Readonly<Record<string, unknown>>,
): { entity: SignedEntity; certificate: Buffer | undefined } {
  const annotations = descriptor.annotations ?? {};
  const pem = annotations[COSIGN_ANNOTATIONS.certificate];
  const certificate = pem === undefined || pem === '' ? undefined : derOf(pem);
  const rekor = annotations[COSIGN_ANNOTATIONS.rekor];
  const timestamp = annotations[COSIGN_ANNOTATIONS.timestamp];
  const bundle = library.bundleFromJSON({
    mediaType: library.BUNDLE_V01_MEDIA_TYPE,
    verificationMaterial: {
      ...(certificate === undefined
        ? { publicKey: { hint: '' } }
        : { x509CertificateChain: { certificates: [{ rawBytes: certificate.toString('base64') }] } }),
      tlogEntries: rekor === undefined || rekor === '' ? [] : [toLogEntry(rekor)],
      timestampVerificationData: { rfc3161Timestamps: timestamp === undefined ? [] : [toTimestamp(timestamp)] },
    },
    ...content,
  });
  return { entity: library.toSignedEntity(bundle, Buffer.alloc(0)), certificate };
}

function toLogEntry(text: string): Readonly<Record<string, unknown>> {
  const { SignedEntryTimestamp, Payload } = rekorSchema.parse(JSON.parse(text));
  const { kind, apiVersion } = kindSchema.parse(JSON.parse(Buffer.from(Payload.body, 'base64').toString('utf8')));
  return {
    logIndex: String(Payload.logIndex),
    logId: { keyId: Buffer.from(Payload.logID, 'hex').toString('base64') },
    kindVersion: { kind, version: apiVersion },
    integratedTime: String(Payload.integratedTime),
    inclusionPromise: { signedEntryTimestamp: SignedEntryTimestamp },
    canonicalizedBody: Payload.body,
  };
}

function toTimestamp(text: string): Readonly<Record<string, unknown>> {
  return { signedTimestamp: timestampSchema.parse(JSON.parse(text)).SignedRFC3161Timestamp };
}

function derOf(pem: string): Buffer {
  const [, body] = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(pem) ?? [];
  if (body === undefined) throw new Error('the certificate is no PEM');
  return Buffer.from(body, 'base64');
}

/** A signature over a text. The library has one of its own, which can't check Ed25519. */
function textSignature(text: Buffer, signature: Buffer): SignedEntity['signature'] {
  const digest = sha256(text);
  const check = (key: KeyObject) => {
    const pure = key.asymmetricKeyType === 'ed25519' || key.asymmetricKeyType === 'ed448';
    try {
      return verifySignature(pure ? null : 'sha256', text, key, signature);
    } catch {
      return false;
    }
  };
  return {
    signature,
    compareSignature: (other) => signature.equals(other),
    compareDigest: (other) => digest.equals(other),
    compareSignedDigest: (other) => digest.equals(other),
    verifySignature: check,
  };
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
