// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { type Digest, hexOf, messageOf } from '#core';
import { type Descriptor, MAX_MANIFEST_BYTES, parseManifest, readContent } from '#image';
import { COSIGN_ANNOTATIONS, cosignTag, DSSE_TYPE } from '../attach/cosign-tags.ts';
import { readReferrers } from '../attach/read-referrers.ts';
import type { EvidenceStore } from '../attach/store.ts';
import { parseStatement, type ReadStatement, STATEMENT_MEDIA_TYPE } from '../statement.ts';
import { isContentFault } from '../verify/content-fault.ts';

/** A statement found about a digest, nothing of it verified. */
export interface FoundClaim {
  /** In an attestation manifest of the index, in a bundle among the referrers, or under a tag of cosign 2. */
  readonly place: 'index' | 'referrer' | 'tag';
  /** Of the manifest that holds it. */
  readonly digest: Digest;
  readonly statement: ReadStatement;
  /** The identity in the certificate, or a hint at the key; undefined where nothing is signed. */
  readonly signedBy: string | undefined;
}

/** Something attached that could not be read, and why. */
export interface RefusedClaim {
  readonly digest: Digest;
  readonly reason: string;
}

/** What was found about a digest. */
export interface ClaimsReading {
  readonly claims: readonly FoundClaim[];
  readonly refused: readonly RefusedClaim[];
}

/** Where to look for statements. */
export interface ClaimsRequest {
  readonly store: EvidenceStore;
  readonly subject: Digest;
  /** The attestation manifests of the subject in its index. */
  readonly embedded: readonly Descriptor[];
}

const MAX_STATEMENT_BYTES = 32 << 20;

/** Reads all statements attached to a digest: of the index first, then referrers, then cosign 2's tag. Throws what the store throws when it can't be reached. */
export async function readClaims(request: ClaimsRequest): Promise<ClaimsReading> {
  const found = await Promise.all([
    ...request.embedded.map((descriptor) => readEmbedded(request, descriptor)),
    readAttached(request),
    readTag(request),
  ]);
  const claims = found.flatMap((one) => one.claims);
  const isAbout = ({ statement }: FoundClaim) =>
    statement.subject.some(({ digest }) => digest['sha256'] === hexOf(request.subject));
  const moved = claims.filter((claim) => !isAbout(claim));
  return {
    claims: claims.filter(isAbout),
    refused: [
      ...found.flatMap((one) => one.refused),
      ...moved.map(({ digest, statement }) => ({
        digest,
        reason: `its ${statement.predicateType} is about another image`,
      })),
    ],
  };
}

async function readEmbedded({ store }: ClaimsRequest, descriptor: Descriptor): Promise<ClaimsReading> {
  return settle(descriptor.digest, await layersOf(store, descriptor), async (layer) => {
    if (layer.mediaType !== STATEMENT_MEDIA_TYPE) return undefined;
    const payload = await readContent(store.source, layer, MAX_STATEMENT_BYTES);
    return { place: 'index', payload, signedBy: undefined };
  });
}

async function readAttached({ store, subject }: ClaimsRequest): Promise<ClaimsReading> {
  const { bundles, refused } = await readReferrers(store, subject);
  const readings = await Promise.all(
    bundles.map(({ descriptor, bundle }) =>
      settle(descriptor.digest, [bundle], async () => {
        const { dsseEnvelope, verificationMaterial } = bundleSchema.parse(bundle);
        const { certificate, x509CertificateChain, publicKey } = verificationMaterial;
        const der = certificate?.rawBytes ?? x509CertificateChain?.certificates[0]?.rawBytes;
        const hint = publicKey?.hint;
        return {
          place: 'referrer',
          payload: payloadOf(dsseEnvelope),
          signedBy: der === undefined ? `key ${hint ?? 'unknown'}` : identityIn(Buffer.from(der, 'base64')),
        };
      }),
    ),
  );
  return {
    claims: readings.flatMap(({ claims }) => claims),
    refused: [
      ...refused.map(({ descriptor: { digest }, reason }) => ({ digest, reason })),
      ...readings.flatMap((one) => one.refused),
    ],
  };
}

async function readTag({ store, subject }: ClaimsRequest): Promise<ClaimsReading> {
  const descriptor = await store.resolve(cosignTag(subject, 'att'));
  if (descriptor === undefined) return { claims: [], refused: [] };
  return settle(descriptor.digest, await layersOf(store, descriptor), async (layer) => {
    if (layer.mediaType !== DSSE_TYPE) return undefined;
    const bytes = await readContent(store.source, layer, MAX_STATEMENT_BYTES);
    const certificate = layer.annotations?.[COSIGN_ANNOTATIONS.certificate];
    return {
      place: 'tag',
      payload: payloadOf(envelopeSchema.parse(JSON.parse(bytes.toString('utf8')))),
      signedBy: certificate ? identityIn(certificate) : 'key unknown',
    };
  });
}

/** A manifest that can't be read has no layers; whoever verifies says why. */
async function layersOf(store: EvidenceStore, descriptor: Descriptor): Promise<readonly (Descriptor | Error)[]> {
  try {
    const bytes = await readContent(store.source, descriptor, MAX_MANIFEST_BYTES);
    return parseManifest(bytes, descriptor.digest).layers;
  } catch (error) {
    if (isContentFault(error)) return [error];
    throw error;
  }
}

interface Unparsed {
  readonly place: FoundClaim['place'];
  readonly payload: Buffer;
  readonly signedBy: string | undefined;
}

/** Reads parts of one manifest, each by itself: what is malformed is refused, and does not hide the rest. */
async function settle<T>(
  digest: Digest,
  parts: readonly (T | Error)[],
  read: (part: T) => Promise<Unparsed | undefined>,
): Promise<ClaimsReading> {
  const claims: FoundClaim[] = [];
  const refused: RefusedClaim[] = [];
  for (const part of parts) {
    try {
      if (part instanceof Error) throw part;
      const found = await read(part);
      if (found === undefined) continue;
      const { place, payload, signedBy } = found;
      claims.push({ place, digest, signedBy, statement: parseStatement(payload, digest) });
    } catch (error) {
      if (error instanceof z.ZodError) refused.push({ digest, reason: 'it is no bundle with a DSSE envelope' });
      else if (error instanceof SyntaxError || isContentFault(error))
        refused.push({ digest, reason: messageOf(error) });
      else throw error;
    }
  }
  return { claims, refused };
}

const envelopeSchema = z.object({ payload: z.base64() });
const certificateSchema = z.object({ rawBytes: z.string() });
const bundleSchema = z.object({
  dsseEnvelope: envelopeSchema,
  verificationMaterial: z.object({
    certificate: certificateSchema.optional(),
    x509CertificateChain: z.object({ certificates: z.array(certificateSchema) }).optional(),
    publicKey: z.object({ hint: z.string().optional() }).optional(),
  }),
});

function payloadOf({ payload }: z.output<typeof envelopeSchema>): Buffer {
  return Buffer.from(payload, 'base64');
}

/** The subject alternative name of a certificate, without the kind before it: `URI:`, `email:`. */
function identityIn(certificate: Buffer | string): string {
  try {
    const name = new X509Certificate(certificate).subjectAltName ?? '';
    return name.replace(/^(?:URI|email|othername):/, '') || 'a certificate without identity';
  } catch {
    return 'a malformed certificate';
  }
}
