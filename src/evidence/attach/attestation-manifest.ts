// SPDX-License-Identifier: Apache-2.0
import { type Digest, hexOf } from '#core';
import type { Json } from '#formats';
import { buildManifest, type Descriptor, toDocument } from '#image';
import { EvidenceError } from '../error.ts';
import { PREDICATES, type Statement, STATEMENT_MEDIA_TYPE } from '../statement.ts';
import { documentsConfig, type Parcel, plainDescriptor } from './parcel.ts';

/** The annotation of a layer that says what its statement claims. */
export const PREDICATE_ANNOTATION = 'in-toto.io/predicate-type';

/** The annotations of an index entry that make it the attestation manifest of another entry. */
export const REFERENCE_TYPE = 'vnd.docker.reference.type';
export const REFERENCE_DIGEST = 'vnd.docker.reference.digest';
export const ATTESTATION_MANIFEST = 'attestation-manifest';

/**
 * The order of layers, so that the same statements give the same bytes in whatever order they come. buildx prints the
 * first layer that holds provenance: version 0.2, whose members carry the names its users look for.
 */
const ORDER: readonly string[] = [
  PREDICATES.spdx,
  PREDICATES.provenanceV02,
  PREDICATES.provenanceV1,
  PREDICATES.cyclonedx,
];

/**
 * Builds BuildKit's attestation manifest of one platform manifest (BuildKit docs/attestations/attestation-storage.md): an
 * image without platform whose layers are in-toto statements, unsigned. The descriptor it gives goes into the index beside
 * the platform manifest. Throws `SUBJECT_MISMATCH` for a statement that speaks of something else.
 */
export function buildAttestationManifest(subject: Descriptor, statements: readonly Statement[]): Parcel {
  for (const statement of statements) requireSubject(statement, subject.digest);
  const layers = [...statements].sort(byPredicate).map((statement) => {
    const document = toDocument(statement as unknown as Json, STATEMENT_MEDIA_TYPE);
    const annotations = { [PREDICATE_ANNOTATION]: statement.predicateType };
    return { document, descriptor: { ...document.descriptor, annotations } };
  });
  const config = documentsConfig(layers.map(({ descriptor }) => descriptor));
  const manifest = buildManifest({
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
  });
  const descriptor: Descriptor = {
    ...plainDescriptor(manifest.descriptor),
    platform: { architecture: 'unknown', os: 'unknown' },
    annotations: { [REFERENCE_TYPE]: ATTESTATION_MANIFEST, [REFERENCE_DIGEST]: subject.digest },
  };
  return { manifest: { ...manifest, descriptor }, blobs: [config, ...layers.map(({ document }) => document)] };
}

/** Takes the entries of an index and a platform manifest's digest; gives the entries that are its attestation manifests. */
export function attestationManifestsOf(entries: readonly Descriptor[], subject: Digest): readonly Descriptor[] {
  return entries.filter(
    ({ annotations }) =>
      annotations?.[REFERENCE_TYPE] === ATTESTATION_MANIFEST && annotations[REFERENCE_DIGEST] === subject,
  );
}

/** Throws `SUBJECT_MISMATCH` unless a statement names the digest it is to be attached to. */
export function requireSubject(statement: Statement, digest: Digest): void {
  if (statement.subject.some((subject) => subject.digest.sha256 === hexOf(digest))) return;
  throw new EvidenceError(
    'SUBJECT_MISMATCH',
    `the statement ${statement.predicateType} speaks of ${statement.subject[0]?.digest.sha256 ?? 'nothing'}, not of ${digest}`,
  );
}

function byPredicate(a: Statement, b: Statement): number {
  const rank = ({ predicateType }: Statement) =>
    ORDER.includes(predicateType) ? ORDER.indexOf(predicateType) : ORDER.length;
  return rank(a) - rank(b) || (a.predicateType < b.predicateType ? -1 : 1);
}
