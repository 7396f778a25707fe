// SPDX-License-Identifier: Apache-2.0
import pLimit from 'p-limit';
import type { Digest } from '#core';
import { canonicalJson, type Json } from '#formats';
import type { Descriptor } from '#image';
import { EvidenceError } from '../error.ts';
import type { Statement } from '../statement.ts';
import { requireSubject } from './attestation-manifest.ts';
import type { Parcel } from './parcel.ts';
import { type AttachedBundle, readReferrers } from './read-referrers.ts';
import { buildReferrer } from './referrer.ts';
import type { EvidenceStore } from './store.ts';
import { type BundledClaim, type CosignTags, writeCosignTags } from './write-cosign-tags.ts';

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

/** What {@link publishEvidence} does. */
export interface PublishEvidenceRequest {
  readonly store: EvidenceStore;
  readonly claims: readonly Claim[];
  readonly signer: EvidenceSigner;
  /** The image's epoch, for `org.opencontainers.image.created`. */
  readonly created: Date;
  readonly cosignTags?: CosignTags;
}

/**
 * What was done: the referrers and tag manifests that are new, how many claims were attached already, and by which referrer each claim
 * is attached to each of its subjects now, in the order of the claims.
 */
export interface PublishedEvidence {
  readonly added: readonly Descriptor[];
  readonly present: number;
  readonly attached: readonly AttachedClaim[];
}

/** A claim of this type hangs on a subject; `referrer` is the digest of the manifest that carries it. */
export interface AttachedClaim {
  readonly subject: Digest;
  readonly predicateType: string;
  readonly referrer: Digest;
}

/** A claim on one subject, with the bundle that is attached; `parcel` where it is yet to be. */
interface Attached extends BundledClaim {
  readonly subject: Descriptor;
  readonly referrer: Digest;
  readonly parcel: Parcel | undefined;
}

const SUBJECTS_AT_ONCE = 4;
/** More than are read by default: an image may have been scanned each day for years. */
const MOST_REFERRERS = 2000;
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
        return [digest, (await readReferrers(store, digest, { predicateTypes, maxReferrers: MOST_REFERRERS })).bundles];
      }),
    ),
  );
  const attached = await signMissing(request, new Map(readings));
  const added = await Promise.all(
    [...subjects.values()].map((subject) =>
      limit(async () => {
        const own = attached.filter((one) => one.subject.digest === subject.digest);
        const referrers = await attach(request, subject, own);
        const { store, cosignTags } = request;
        if (cosignTags === undefined) return referrers;
        return [...referrers, ...(await writeCosignTags({ store, subject, claims: own, cosignTags }))];
      }),
    ),
  );
  return {
    added: added.flat(),
    present: attached.filter(({ parcel }) => parcel === undefined).length,
    attached: attached.map(({ subject, statement, referrer }) => ({
      subject: subject.digest,
      predicateType: statement.predicateType,
      referrer,
    })),
  };
}

/** One after the other: a signer may ask a person, or a service that counts. */
async function signMissing(
  { claims, signer, created }: PublishEvidenceRequest,
  known: ReadonlyMap<Digest, readonly AttachedBundle[]>,
): Promise<readonly Attached[]> {
  const result: Attached[] = [];
  for (const { statement, subjects } of claims) {
    const found = new Map<Digest, AttachedBundle>();
    const payload = payloadOf(statement);
    for (const { digest } of subjects) {
      for (const one of known.get(digest) ?? []) {
        if (!found.has(digest) && carries(one.bundle, payload) && (await signer.recognises(one.bundle))) {
          found.set(digest, one);
        }
      }
    }
    const [reused] = found.values();
    const bundle = reused?.bundle ?? (await signer.sign(statement)).bundle;
    for (const subject of subjects) {
      const own = found.get(subject.digest);
      if (own !== undefined) {
        result.push({ subject, statement, bundle: own.bundle, referrer: own.descriptor.digest, parcel: undefined });
        continue;
      }
      const parcel = buildReferrer({ subject, bundle, predicateType: statement.predicateType, created });
      result.push({ subject, statement, bundle, referrer: parcel.manifest.descriptor.digest, parcel });
    }
  }
  return result;
}

/** The payload of a bundle that carries a statement, as every {@link EvidenceSigner} of ours writes it. */
function payloadOf(statement: Statement): string {
  return Buffer.from(canonicalJson(statement as unknown as Json)).toString('base64');
}

function carries(bundle: Json, payload: string): boolean {
  return (bundle as { dsseEnvelope?: { payload?: unknown } } | null)?.dsseEnvelope?.payload === payload;
}

/**
 * Pushes a subject's referrers one after the other, then looks whether all are listed: with the tag schema another
 * writer may have replaced the index in between, and the specification leaves it to clients to notice.
 */
async function attach(
  { store }: PublishEvidenceRequest,
  subject: Descriptor,
  claims: readonly Attached[],
): Promise<readonly Descriptor[]> {
  const parcels = claims.flatMap(({ parcel }) => parcel ?? []);
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
