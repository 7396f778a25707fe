// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import pLimit from 'p-limit';
import type { Digest } from '#core';
import type { Json } from '#formats';
import { type Descriptor, MAX_MANIFEST_BYTES, parseManifest, readContent } from '#image';
import { EvidenceError } from '../error.ts';
import { PREDICATES, type Statement } from '../statement.ts';
import { requireSubject } from './attestation-manifest.ts';
import {
  attestationLayer,
  buildTagManifest,
  COSIGN_ANNOTATIONS,
  cosignTag,
  type PayloadSignature,
  signatureLayer,
  simpleSigningPayload,
  type TagLayer,
} from './cosign-tags.ts';
import type { Parcel } from './parcel.ts';
import { type AttachedBundle, readReferrers } from './read-referrers.ts';
import { buildReferrer } from './referrer.ts';
import type { EvidenceStore } from './store.ts';

/** A statement to sign, and the manifests or indexes it is attached to: each of them one of its subjects. */
export interface Claim {
  readonly statement: Statement;
  readonly subjects: readonly Descriptor[];
}

/** Signs, and knows its own signatures again. */
export interface EvidenceSigner {
  sign(statement: Statement): Promise<{ readonly bundle: Json }>;
  /** Says whether a bundle, whose payload is already known to be the wanted statement, is validly signed by this signer. */
  recognises(bundle: Json): boolean | Promise<boolean>;
}

/** Writes the tags that cosign 2 reads, beside the referrers. */
export interface CosignTags {
  /** The image's name without tag, which goes into the signed text. */
  readonly reference: string;
  signPayload(payload: Buffer): Promise<PayloadSignature>;
  /** Says whether a signature over this payload is validly made by this signer. */
  recognisesPayload(payload: Buffer, signature: PayloadSignature): boolean | Promise<boolean>;
}

/** What {@link publishEvidence} does. */
export interface PublishEvidenceRequest {
  readonly store: EvidenceStore;
  readonly claims: readonly Claim[];
  readonly signer: EvidenceSigner;
  /** The image's epoch, for `org.opencontainers.image.created`. */
  readonly created: Date;
  readonly cosignTags?: CosignTags;
}

/** What was done: the referrers and tag manifests that are new, and how many claims were attached already. */
export interface PublishedEvidence {
  readonly added: readonly Descriptor[];
  readonly present: number;
}

/** A claim on one subject, with the bundle that is attached or will be. */
interface Attached {
  readonly subject: Descriptor;
  readonly statement: Statement;
  readonly bundle: Json;
  readonly isNew: boolean;
}

const SUBJECTS_AT_ONCE = 4;
const ATTEMPTS = 5;

/**
 * Attaches signed claims to images. What is attached already, with the same statement and recognised by the signer, is
 * neither signed nor pushed again; a bundle that one subject has serves the claim's other subjects. Throws
 * `SUBJECT_MISMATCH`, `EVIDENCE_LOST` when others keep overwriting the list of referrers, and what store and signer throw.
 */
export async function publishEvidence(request: PublishEvidenceRequest): Promise<PublishedEvidence> {
  const { store, claims } = request;
  for (const { statement, subjects } of claims) {
    for (const subject of subjects) requireSubject(statement, subject.digest);
  }
  const subjects = new Map(claims.flatMap((claim) => claim.subjects.map((one) => [one.digest, one] as const)));
  const limit = pLimit(SUBJECTS_AT_ONCE);
  const readings = await Promise.all(
    [...subjects.keys()].map((digest) =>
      limit(async (): Promise<[Digest, readonly AttachedBundle[]]> => {
        const predicateTypes = claims.map(({ statement }) => statement.predicateType);
        return [digest, (await readReferrers(store, digest, { predicateTypes })).bundles];
      }),
    ),
  );
  const attached = await signMissing(request, new Map(readings));
  const added = await Promise.all(
    [...subjects.values()].map((subject) =>
      limit(async () => {
        const own = attached.filter((one) => one.subject.digest === subject.digest);
        const referrers = await attach(request, subject, own);
        return [...referrers, ...(await writeTags(request, subject, own))];
      }),
    ),
  );
  return { added: added.flat(), present: attached.filter(({ isNew }) => !isNew).length };
}

/** One after the other: a signer may ask a person, or a service that counts. */
async function signMissing(
  { claims, signer }: PublishEvidenceRequest,
  known: ReadonlyMap<Digest, readonly AttachedBundle[]>,
): Promise<readonly Attached[]> {
  const result: Attached[] = [];
  for (const { statement, subjects } of claims) {
    const found = new Map<Digest, Json>();
    for (const { digest } of subjects) {
      for (const { bundle } of known.get(digest) ?? []) {
        if (!found.has(digest) && carries(bundle, statement) && (await signer.recognises(bundle))) {
          found.set(digest, bundle);
        }
      }
    }
    const [reused] = found.values();
    const bundle = reused ?? (await signer.sign(statement)).bundle;
    for (const subject of subjects) {
      const own = found.get(subject.digest);
      result.push({ subject, statement, bundle: own ?? bundle, isNew: own === undefined });
    }
  }
  return result;
}

/** Says whether a bundle's payload is this very statement. */
function carries(bundle: Json, statement: Statement): boolean {
  const payload = (bundle as { dsseEnvelope?: { payload?: unknown } } | null)?.dsseEnvelope?.payload;
  if (typeof payload !== 'string') return false;
  try {
    const found: unknown = JSON.parse(Buffer.from(payload, 'base64').toString('utf8'));
    return isDeepStrictEqual(found, JSON.parse(JSON.stringify(statement)));
  } catch {
    return false;
  }
}

/**
 * Pushes a subject's referrers one after the other, then looks whether all are listed: with the tag schema another
 * writer may have replaced the index in between, and the specification leaves it to clients to notice.
 */
async function attach(
  { store, created }: PublishEvidenceRequest,
  subject: Descriptor,
  claims: readonly Attached[],
): Promise<readonly Descriptor[]> {
  const parcels = claims
    .filter(({ isNew }) => isNew)
    .map(({ bundle, statement }) =>
      buildReferrer({ subject, bundle, predicateType: statement.predicateType, created }),
    );
  let missing: readonly Parcel[] = parcels;
  for (let attempt = 1; missing.length > 0; attempt += 1) {
    if (attempt > ATTEMPTS) {
      throw new EvidenceError('EVIDENCE_LOST', `the list of what refers to ${subject.digest} keeps losing entries`, {
        where: store.where,
        hint: 'Another publisher writes the same list at the same time. Let one finish, then run this again.',
      });
    }
    for (const parcel of missing) await store.put(parcel);
    const listed = new Set((await store.referrers(subject.digest)).map(({ digest }) => digest));
    missing = parcels.filter(({ manifest }) => !listed.has(manifest.descriptor.digest));
  }
  return parcels.map(({ manifest }) => manifest.descriptor);
}

/** Signatures go to `.sig` as a signed text, all other claims to `.att`. */
async function writeTags(
  request: PublishEvidenceRequest,
  subject: Descriptor,
  claims: readonly Attached[],
): Promise<readonly Descriptor[]> {
  const { cosignTags } = request;
  if (cosignTags === undefined) return [];
  const isSignature = ({ statement }: Attached) => statement.predicateType === PREDICATES.cosignSignature;
  const attestations = claims
    .filter((claim) => !isSignature(claim))
    .map(({ bundle, statement }) => attestationLayer(bundle, statement.predicateType));
  const added = await extendTag(request.store, cosignTag(subject.digest, 'att'), async () => attestations);
  if (!claims.some(isSignature)) return added;
  const payload = simpleSigningPayload(cosignTags.reference, subject.digest);
  const signed = await extendTag(request.store, cosignTag(subject.digest, 'sig'), async (present) => {
    const own = signatureLayer(payload, { signature: '' }).descriptor.digest;
    for (const layer of present.filter(({ digest }) => digest === own)) {
      if (await cosignTags.recognisesPayload(payload, readSignature(layer))) return [];
    }
    return [signatureLayer(payload, await cosignTags.signPayload(payload))];
  });
  return [...added, ...signed];
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
