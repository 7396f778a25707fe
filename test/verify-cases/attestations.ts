// SPDX-License-Identifier: Apache-2.0
import { PREDICATES, toStatement } from '#evidence';
import { attach, keySigner, signImage, statementsOf } from '../verify-stage.ts';
import { type VerifyCase, byKey } from './case.ts';

const PROVENANCE = 'https://slsa.dev/provenance/v1';

/** Attestations that are not signed as they must be, or do not say what they must. */
export const ATTESTATIONS: readonly VerifyCase[] = [
  {
    name: 'attestation by another key',
    prepare: async (stage, image) => {
      await attach(image, keySigner(stage));
      await attach(image, keySigner(stage, { key: stage.otherKey }), { statement: statementsOf(image)[1] as never });
      return byKey(stage, image, { attestation: 'slsaprovenance1' });
    },
    expected: 'no',
    reason: /no slsaprovenance1 attestation to trust: the signature is not by this key/,
    cosign: 'no',
  },
  {
    name: 'tampered attestation',
    prepare: async (stage, image) => {
      await attach(image, keySigner(stage));
      await attach(image, keySigner(stage), {
        statement: statementsOf(image)[1] as never,
        change: ({ dsseEnvelope }) => {
          const text = Buffer.from(dsseEnvelope.payload, 'base64').toString();
          dsseEnvelope.payload = Buffer.from(text.replace('builder.example', 'builder.exampla')).toString('base64');
        },
      });
      return byKey(stage, image, { attestation: 'slsaprovenance1' });
    },
    expected: 'no',
    reason: /the signature is not by this key over these bytes/,
    cosign: 'no',
  },
  {
    name: 'signed but empty predicate',
    prepare: async (stage, image) => {
      const subject = { name: image.store.where, digest: image.index.digest };
      await attach(image, keySigner(stage));
      await attach(image, keySigner(stage), { statement: toStatement(subject, PROVENANCE, {}) });
      return byKey(stage, image, { attestation: 'slsaprovenance1' });
    },
    expected: 'no',
    reason: /the predicate is empty/,
    cosign: 'yes',
    note: 'cosign does not look into the predicate',
  },
  {
    name: 'SBOM for another architecture',
    prepare: async (stage, image) => {
      const [platform] = image.platforms;
      const subject = { name: image.store.where, digest: platform?.digest ?? image.index.digest };
      await attach(image, keySigner(stage));
      const sbom = toStatement(subject, PREDICATES.spdx, sbomFor(image.platforms[1]?.digest ?? '', 'arm64'));
      await attach({ ...image, index: platform ?? image.index }, keySigner(stage), { statement: sbom });
      const cosignReference = `${image.store.where}@${platform?.digest}`;
      return byKey(stage, image, { require: '{ sbom: present }', cosignReference });
    },
    expected: 'no',
    reason: /not true of this image: it describes sha256:[0-9a-f]{64}; it is for arm64, the image for amd64/,
    cosign: 'yes',
    note: 'cosign does not look into the predicate',
  },
  {
    name: 'provenance of another builder',
    prepare: async (stage, image) => {
      await signImage(image, keySigner(stage));
      return byKey(stage, image, {
        require: '{ slsa: { builders: [{ id: "https://builder.example/v2", level: 3 }] } }',
      });
    },
    expected: 'no',
    reason: /the builder "https:\/\/builder\.example\/v1" is none of/,
    cosign: 'yes',
    note: 'cosign does not look into the predicate without a CUE or Rego policy',
  },
  {
    name: 'provenance of another repository',
    prepare: async (stage, image) => {
      await signImage(image, keySigner(stage));
      return byKey(stage, image, {
        require:
          '{ slsa: { builders: [{ id: "https://builder.example/v1", level: 1 }], source: { repository: "https://git.example/other" } } }',
      });
    },
    expected: 'no',
    reason: /it was built from https:\/\/git\.example\/source, not from/,
    cosign: 'yes',
    note: 'cosign does not look into the predicate without a CUE or Rego policy',
  },
];

function sbomFor(digest: string, architecture: string): never {
  const purl = `pkg:oci/x?arch=${architecture}`;
  return {
    spdxVersion: 'SPDX-2.3',
    name: 'x',
    packages: [
      {
        SPDXID: 'SPDXRef-image',
        name: 'x',
        checksums: [{ algorithm: 'SHA256', checksumValue: digest.replace('sha256:', '') }],
        externalRefs: [{ referenceType: 'purl', referenceLocator: purl }],
      },
    ],
    relationships: [
      { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: 'SPDXRef-image' },
    ],
  } as never;
}
