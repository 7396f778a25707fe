// SPDX-License-Identifier: Apache-2.0
import { type Digest, digestOf } from '#core';
import { attach, keySigner, signImage, statementsOf } from '../verify-stage.ts';
import { type VerifyCase, byKey, byLoggedKey, attachText, flipped } from './case.ts';

/** Keys, bundles and content that are not what they must be. */
export const KEYS: readonly VerifyCase[] = [
  {
    name: 'nothing is signed',
    prepare: async (stage, image) => byKey(stage, image),
    expected: 'no',
    reason: /there is no signature/,
    cosign: 'no',
    cosign2: 'no',
  },
  {
    name: 'wrong key',
    prepare: async (stage, image) => {
      await signImage(image, keySigner(stage, { key: stage.otherKey }));
      return byKey(stage, image);
    },
    expected: 'no',
    reason: /the signature is not by this key/,
    cosign: 'no',
    cosign2: 'no',
  },
  {
    name: 'tampered signature in the bundle',
    prepare: async (stage, image) => {
      await attach(image, keySigner(stage), {
        change: ({ dsseEnvelope }) => {
          const [first] = dsseEnvelope.signatures;
          if (first !== undefined) first.sig = flipped(first.sig);
        },
      });
      return byKey(stage, image);
    },
    expected: 'no',
    reason: /the signature is not by this key over these bytes/,
    cosign: 'no',
  },
  {
    name: 'tampered statement in the bundle',
    prepare: async (stage, image) => {
      await attach(image, keySigner(stage), {
        change: ({ dsseEnvelope }) => {
          const text = Buffer.from(dsseEnvelope.payload, 'base64').toString();
          dsseEnvelope.payload = Buffer.from(text.replace('"predicate":{}', '"predicate":{"x":1}')).toString('base64');
        },
      });
      return byKey(stage, image);
    },
    expected: 'no',
    reason: /the signature is not by this key over these bytes/,
    cosign: 'no',
  },
  {
    name: 'a second, foreign signature in the envelope',
    prepare: async (stage, image) => {
      await attach(image, keySigner(stage), {
        change: ({ dsseEnvelope }) =>
          dsseEnvelope.signatures.unshift({ sig: flipped(dsseEnvelope.signatures[0]?.sig ?? '') }),
      });
      return byKey(stage, image);
    },
    expected: 'no',
    reason: /the bundle is malformed/,
    cosign: 'no',
  },
  {
    name: 'bundle moved from another image',
    prepare: async (stage, image) => {
      const other = await stage.pushImage(image.name.repository, 'another');
      await attach(image, keySigner(stage), { statement: statementsOf(other)[0] as never });
      return byKey(stage, { ...image, reference: `${image.store.where}@${image.index.digest}` });
    },
    expected: 'no',
    reason: /it is about sha256:[0-9a-f]{64}, not about/,
    cosign: 'no',
  },
  {
    name: 'signature text (cosign 2) moved from another image',
    prepare: async (stage, image) => {
      await attachText(image, keySigner(stage), digestOf('another image'));
      return byKey(stage, image);
    },
    expected: 'no',
    reason: /it is about sha256:[0-9a-f]{64}, not about/,
    cosign: 'no',
    cosign2: 'no',
  },
  {
    name: 'only an attestation is signed, not the image',
    prepare: async (stage, image) => {
      await attach(image, keySigner(stage), { statement: statementsOf(image)[1] as never });
      return byKey(stage, image);
    },
    expected: 'no',
    reason: /there is no signature/,
    cosign: 'yes',
    note: 'cosign 3 takes any signed statement about the image for its signature',
  },
  {
    name: "cosign 2's format, wrong key",
    prepare: async (stage, image) => {
      await attachText(image, keySigner(stage, { key: stage.otherKey }));
      return byKey(stage, image);
    },
    expected: 'no',
    reason: /the signature is not by this key/,
    cosign: 'no',
    cosign2: 'no',
  },
  {
    name: "cosign 2's format, not in the log",
    prepare: async (stage, image) => {
      await attachText(image, keySigner(stage));
      return byLoggedKey(stage, image);
    },
    expected: 'no',
    reason: /no entry in a transparency log/,
    cosign: 'no',
    cosign2: 'no',
  },
  {
    name: 'the tag moved to an image that nobody signed',
    prepare: async (stage, image) => {
      await signImage(image, keySigner(stage));
      await stage.pushImage(image.name.repository, 'replaced');
      return byKey(stage, image);
    },
    expected: 'no',
    reason: /there is no signature/,
    cosign: 'no',
    cosign2: 'no',
  },
  {
    name: 'a platform manifest of the signed index was replaced',
    prepare: async (stage, image) => {
      await signImage(image, keySigner(stage));
      const [digest = ''] = image.platforms.map((one) => one.digest);
      stage.registry.fail({ when: new RegExp(`GET .*manifests/${digest}`), kind: 'wrong-bytes', times: 1000 });
      return byKey(stage, image);
    },
    expected: 'no',
    reason: /served sha256:[0-9a-f]{64} where sha256:/,
    cosign: 'yes',
    cosign2: 'yes',
    note: 'cosign looks at the index alone; whoever pulls finds out',
  },
  {
    name: 'tampered config',
    prepare: async (stage, image) => {
      await signImage(image, keySigner(stage));
      const { bytes } = await stage.client.manifest({ ...image.name, digest: image.platforms[0]?.digest as Digest });
      const { config } = JSON.parse(bytes.toString()) as { config: { digest: string } };
      stage.registry.fail({ when: new RegExp(`GET .*blobs/${config.digest}`), kind: 'wrong-bytes', times: 1000 });
      return byKey(stage, image);
    },
    expected: 'no',
    reason: /the bytes of sha256:[0-9a-f]{64} have digest/,
    cosign: 'yes',
    cosign2: 'yes',
    note: 'cosign looks at the index alone; whoever pulls finds out',
  },
  {
    name: 'tampered layer (`--deep`)',
    prepare: async (stage, image) => {
      await signImage(image, keySigner(stage));
      const { bytes } = await stage.client.manifest({ ...image.name, digest: image.platforms[0]?.digest as Digest });
      const { layers } = JSON.parse(bytes.toString()) as { layers: { digest: string }[] };
      stage.registry.fail({ when: new RegExp(`GET .*blobs/${layers[0]?.digest}`), kind: 'wrong-bytes', times: 1000 });
      return byKey(stage, image, { deep: true });
    },
    expected: 'no',
    reason: /layer sha256:[0-9a-f]{64}: the digest is/,
    cosign: 'yes',
    cosign2: 'yes',
    note: 'cosign looks at the index alone; whoever pulls finds out',
  },
];
