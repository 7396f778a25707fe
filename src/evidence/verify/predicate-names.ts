// SPDX-License-Identifier: Apache-2.0
import { PREDICATES } from '../statement.ts';

/** Short names of predicate types, cosign's `--type` among them, and all the types that each stands for. */
export const PREDICATE_NAMES: Readonly<Record<string, readonly string[]>> = {
  provenance: [PREDICATES.provenanceV1, PREDICATES.provenanceV02],
  slsaprovenance: [PREDICATES.provenanceV02],
  slsaprovenance02: [PREDICATES.provenanceV02],
  slsaprovenance1: [PREDICATES.provenanceV1],
  sbom: [PREDICATES.spdx, PREDICATES.cyclonedx],
  spdx: [PREDICATES.spdx],
  spdxjson: [PREDICATES.spdx],
  cyclonedx: [PREDICATES.cyclonedx],
  // Some tools put the version of the document's `@context` into the type.
  openvex: [PREDICATES.openvex, 'https://openvex.dev/ns/v0.2.0'],
  'test-result': [PREDICATES.testResult],
  vuln: [PREDICATES.vulnerabilities, 'https://cosign.sigstore.dev/attestation/vuln/v1'],
  'fips-report': [PREDICATES.fipsReport],
  handshakes: [PREDICATES.handshakes],
};

/** Takes a short name or a predicate type; gives the types it stands for. */
export function predicateTypesOf(name: string): readonly string[] {
  return Object.hasOwn(PREDICATE_NAMES, name) ? (PREDICATE_NAMES[name] ?? []) : [name];
}
