// SPDX-License-Identifier: Apache-2.0
import { PREDICATES, referrersTag } from '#evidence';
import { buildIndex } from '#image';
import {
  attach,
  attachBundle,
  keySigner,
  type LooseBundle,
  signImage,
  type Stage,
  type StagedImage,
  statementsOf,
} from '../verify-stage.ts';
import { type VerifyCase, byKey } from './case.ts';

/** Attaches bundles that prove nothing. */
async function attachDecoys(stage: Stage, image: StagedImage, count: number): Promise<void> {
  const signer = keySigner(stage, { key: stage.otherKey });
  const { bundle } = await signer.sign(statementsOf(image)[0] as never);
  for (let start = 0; start < count; start += 50) {
    await Promise.all(
      Array.from({ length: Math.min(50, count - start) }, (_, index) => {
        const decoy = structuredClone(bundle) as unknown as LooseBundle & { decoy?: never };
        const [first] = decoy.dsseEnvelope.signatures;
        if (first !== undefined) first.sig = Buffer.from(`decoy ${start + index}`).toString('base64');
        return attachBundle(image, decoy, PREDICATES.cosignSignature);
      }),
    );
  }
}

/** Lists of referrers that hide or mix up; the last two are for registries that keep such a list under a tag. */
export const REFERRERS: readonly VerifyCase[] = [
  {
    name: 'a thousand decoys and nothing else',
    prepare: async (stage, image) => {
      await attachDecoys(stage, image, 1000);
      return byKey(stage, image);
    },
    expected: 'no',
    reason: /and 999 more that prove nothing/,
    cosign: 'no',
  },
  {
    name: 'a thousand decoys before the right one',
    prepare: async (stage, image) => {
      await attachDecoys(stage, image, 1000);
      await attach(image, keySigner(stage));
      return byKey(stage, image);
    },
    expected: 'yes',
    reason: /key oakum\.pub/,
    cosign: 'yes',
  },
  {
    name: 'the list of referrers names those of another image',
    prepare: async (stage, image) => {
      const other = await stage.pushImage(image.name.repository, 'another');
      await attach(other, keySigner(stage));
      const foreign = await other.store.referrers(other.index.digest);
      const list = buildIndex(foreign);
      await image.store.put({ manifest: list, blobs: [] }, referrersTag(image.index.digest));
      return byKey(stage, { ...image, reference: `${image.store.where}@${image.index.digest}` });
    },
    expected: 'no',
    reason: /it refers to sha256:[0-9a-f]{64}, not to/,
    cosign: 'no',
  },
  {
    name: 'no referrers API',
    prepare: async (stage, image) => {
      await signImage(image, keySigner(stage));
      return byKey(stage, image, { attestation: 'slsaprovenance1' });
    },
    expected: 'yes',
    reason: /key oakum\.pub/,
    cosign: 'yes',
    cosign2: 'yes',
  },
];
