// SPDX-License-Identifier: Apache-2.0
import { keylessSigner, keySigner, signImage } from '../verify-stage.ts';
import { type VerifyCase, byKey, byLoggedKey, byIdentity, attachText } from './case.ts';

/** The good cases: each bad one below is one of these with one thing wrong. */
export const GOOD: readonly VerifyCase[] = [
  {
    name: 'signed with a key',
    prepare: async (stage, image) => {
      await signImage(image, keySigner(stage));
      return byKey(stage, image);
    },
    expected: 'yes',
    reason: /key oakum\.pub/,
    cosign: 'yes',
    cosign2: 'yes',
  },
  {
    name: 'signed with a key, in a transparency log',
    prepare: async (stage, image) => {
      await signImage(image, keySigner(stage, { logUrl: stage.service.log.url }));
      return byLoggedKey(stage, image);
    },
    expected: 'yes',
    reason: /1 log entry proved/,
    cosign: 'yes',
    cosign2: 'yes',
  },
  {
    name: 'signed keyless',
    prepare: async (stage, image) => {
      await signImage(image, keylessSigner(stage));
      return byIdentity(stage, image);
    },
    expected: 'yes',
    reason: /release\.yml@refs\/tags\/v2\.9\.2, vouched for by/,
    cosign: 'yes',
    cosign2: 'yes',
  },
  {
    name: 'an anchored expression for the identity',
    prepare: async (stage, image) => {
      await signImage(image, keylessSigner(stage));
      return byIdentity(stage, image, { identityPattern: '^https://github\\.com/example-org/.*$' });
    },
    expected: 'yes',
    reason: /release\.yml/,
    cosign: 'yes',
    cosign2: 'yes',
  },
  {
    name: "cosign 2's format, signed with a key",
    prepare: async (stage, image) => {
      await attachText(image, keySigner(stage));
      return byKey(stage, image);
    },
    expected: 'yes',
    reason: /cosign 2 format in tag sha256-/,
    cosign: 'yes',
    cosign2: 'yes',
  },
  {
    name: "cosign 2's format, signed with a key, in a transparency log",
    prepare: async (stage, image) => {
      await attachText(image, keySigner(stage, { logUrl: stage.service.log.url }));
      return byLoggedKey(stage, image);
    },
    expected: 'yes',
    reason: /1 log entry proved/,
    cosign: 'yes',
    cosign2: 'yes',
  },
  {
    name: "cosign 2's format, signed keyless",
    prepare: async (stage, image) => {
      await attachText(image, keylessSigner(stage));
      return byIdentity(stage, image);
    },
    expected: 'yes',
    reason: /cosign 2 format in tag sha256-/,
    cosign: 'yes',
    cosign2: 'yes',
  },
  {
    name: 'provenance asked for and there',
    prepare: async (stage, image) => {
      await signImage(image, keySigner(stage));
      return byKey(stage, image, { attestation: 'slsaprovenance1' });
    },
    expected: 'yes',
    reason: /slsaprovenance1: signed by key/,
    cosign: 'yes',
    cosign2: 'yes',
  },
];
