// SPDX-License-Identifier: Apache-2.0
import type { SignedArtifact } from '#compatibility';
import { type AttachedBundle, type EvidenceStore, PREDICATES, readReferrers, type Signer } from '#evidence';
import { type Descriptor, type Document, MAX_MANIFEST_BYTES, parseManifest, readContent } from '#image';
import type { ManifestsRecord, ReleaseDocument, ReleasePlace } from '#release';
import { FLUX_MANIFESTS } from './publish-manifests.ts';

/** Where a revision is published, and whose signature on it counts. */
export interface SignedArtifactRequest {
  readonly document: ReleaseDocument;
  readonly channel: string;
  readonly place: ReleasePlace;
  /** Who is believed, and the PEM of their key; undefined where whoever signs has none that lasts. */
  readonly trusted: TrustedKey | undefined;
}

/** A key that is believed. */
export interface TrustedKey {
  readonly signer: Pick<Signer, 'recognises' | 'description'>;
  readonly publicKey: string;
}

/** Install manifests, compressed. */
const MAX_BLOB_BYTES = 32 << 20;

/**
 * Reads the artifact of a channel's install manifests from where it is published, with the signatures that a key made on it, each byte
 * for byte. Where there is no such artifact or signature it says why. Throws what reading throws: what is named and not there, or not
 * what its digest says.
 */
export async function readSignedArtifact(request: SignedArtifactRequest): Promise<SignedArtifact> {
  const { document, channel, place, trusted } = request;
  const isWanted = ({ kind, channel: of }: ManifestsRecord) => kind === FLUX_MANIFESTS && of === channel;
  const record = document.manifests?.find(isWanted);
  if (record === undefined) return none(`${document.revision} has published no install manifests for Flux`);
  if (trusted === undefined)
    return none('it is signed by an identity, which a cluster can only check with Sigstore in reach');
  const path = `${channel}/${FLUX_MANIFESTS}`;
  const store = place.store(path);
  const manifest = await place.read(path, record.digest);
  const predicateTypes = [PREDICATES.cosignSignature];
  const { bundles } = await readReferrers(store, record.digest, { predicateTypes });
  const recognised = await Promise.all(bundles.map(({ bundle }) => trusted.signer.recognises(bundle)));
  const signatures = bundles.filter((_, index) => recognised[index]);
  if (signatures.length === 0) return none(`it has no signature by ${trusted.signer.description}`);
  const { config, layers } = parseManifest(manifest.bytes, place.name(path, record.digest));
  const blobs = await Promise.all([config, ...layers].map((one) => readBlob(one, store)));
  const referrers = await Promise.all(signatures.map((one) => readSignature(one, store)));
  return { kind: 'signed', artifact: { manifest, blobs, referrers }, publicKey: trusted.publicKey };
}

function none(reason: string): SignedArtifact {
  return { kind: 'none', reason };
}

async function readBlob(descriptor: Descriptor, store: EvidenceStore): Promise<Document> {
  return { descriptor, bytes: await readContent(store.source, descriptor, MAX_BLOB_BYTES) };
}

async function readSignature({ descriptor }: AttachedBundle, store: EvidenceStore) {
  const bytes = await readContent(store.source, descriptor, MAX_MANIFEST_BYTES);
  const { config, layers } = parseManifest(bytes, descriptor.digest);
  return {
    manifest: { descriptor, bytes },
    blobs: await Promise.all([config, ...layers].map((one) => readBlob(one, store))),
  };
}
