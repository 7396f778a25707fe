// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PREDICATES } from '#evidence';
import { startCertificateAuthority, startSigningService, startTransparencyLog, toTrustedRoot } from '#testing';
import {
  attach,
  attachBundle,
  keylessSigner,
  keySigner,
  type LooseBundle,
  signImage,
  statementsOf,
  WORKFLOW,
} from '../verify-stage.ts';
import { type VerifyCase, byKey, byIdentity, attachText } from './case.ts';

const ISSUED = 'https://token.actions.githubusercontent.com';

/** Certificates that are expired, foreign or somebody else's. */
export const IDENTITIES: readonly VerifyCase[] = [
  {
    name: 'expired certificate',
    prepare: async (stage, image) => {
      const signer = keylessSigner(stage, { clock: { now: () => new Date(0), sleep: async () => {} } });
      await signer.sign(statementsOf(image)[1] as never); // gets the certificate
      stage.skew.milliseconds = 20 * 60_000;
      const { bundle } = await signer.sign(statementsOf(image)[0] as never);
      stage.skew.milliseconds = 0;
      await attachBundle(image, bundle as unknown as LooseBundle, PREDICATES.cosignSignature);
      return byIdentity(stage, image);
    },
    expected: 'no',
    reason: /it is valid from .* and was used at/,
    cosign: 'no',
  },
  {
    name: 'certificate of another authority',
    prepare: async (stage, image) => {
      const service = await startSigningService();
      await signImage(image, keylessSigner(stage, { service, logUrl: stage.service.log.url }));
      await service.stop();
      return byIdentity(stage, image, { issuer: service.issuer.url });
    },
    expected: 'no',
    reason: /does not lead to an authority of the trusted root/,
    cosign: 'no',
    cosign2: 'no',
  },
  {
    name: 'certificate in no certificate log',
    prepare: async (stage, image) => {
      const authority = await startCertificateAuthority({ issuers: [stage.service.issuer], unlogged: true });
      const service = { ...stage.service, authority };
      await signImage(image, keylessSigner(stage, { service }));
      await authority.stop();
      const trustedRoot = join(stage.folder, 'unlogged.json');
      writeFileSync(trustedRoot, JSON.stringify(toTrustedRoot({ authorities: [authority], logs: [service.log] })));
      return byIdentity(stage, image, { trustedRoot });
    },
    expected: 'no',
    reason: /does not prove that it is in a certificate log/,
    cosign: 'no',
  },
  {
    name: 'right issuer, wrong identity',
    prepare: async (stage, image) => {
      await signImage(
        image,
        keylessSigner(stage, { workflow: 'someone/else/.github/workflows/release.yml@refs/tags/v1' }),
      );
      return byIdentity(stage, image);
    },
    expected: 'no',
    reason: /certificate's identity is "https:\/\/github\.com\/someone\/else/,
    cosign: 'no',
    cosign2: 'no',
  },
  {
    name: "cosign 2's format, wrong identity",
    prepare: async (stage, image) => {
      await attachText(image, keylessSigner(stage, { workflow: `${WORKFLOW}-evil` }));
      return byIdentity(stage, image);
    },
    expected: 'no',
    reason: /certificate's identity is .*-evil/,
    cosign: 'no',
    cosign2: 'no',
  },
  {
    name: "cosign 2's format, entry in another log",
    prepare: async (stage, image) => {
      const log = await startTransparencyLog();
      await attachText(image, keylessSigner(stage, { logUrl: log.url }));
      await log.stop();
      return byIdentity(stage, image);
    },
    expected: 'no',
    reason: /promise could not be verified/,
    cosign: 'no',
    cosign2: 'no',
  },
  {
    name: 'right identity, wrong issuer',
    prepare: async (stage, image) => {
      await signImage(image, keylessSigner(stage));
      return byIdentity(stage, image, { issuer: ISSUED });
    },
    expected: 'no',
    reason: /certificate's issuer is/,
    cosign: 'no',
    cosign2: 'no',
  },
  {
    name: 'identity that begins with the wanted one',
    prepare: async (stage, image) => {
      await signImage(image, keylessSigner(stage, { workflow: `${WORKFLOW}-evil` }));
      return byIdentity(stage, image);
    },
    expected: 'no',
    reason: /certificate's identity is .*-evil/,
    cosign: 'no',
    cosign2: 'no',
  },
  {
    name: 'identity that contains the wanted one, and an expression that is not anchored',
    prepare: async (stage, image) => {
      await signImage(
        image,
        keylessSigner(stage, { workflow: `evil/x/.github/workflows/example-org/oakum@refs/tags/v1` }),
      );
      return byIdentity(stage, image, { identityPattern: 'example-org/oakum' });
    },
    expected: 'no',
    reason: /it is found in it, but does not span it/,
    cosign: 'yes',
    cosign2: 'yes',
    note: 'an expression must span the whole identity here; cosign looks for it anywhere',
  },
  {
    name: 'made with a certificate, a key is asked for',
    prepare: async (stage, image) => {
      await attach(image, keylessSigner(stage));
      return byKey(stage, image);
    },
    expected: 'no',
    reason: /made with a certificate, not with key/,
    cosign: 'no',
  },
  {
    name: 'made with a key, a certificate is asked for',
    prepare: async (stage, image) => {
      await attach(image, keySigner(stage, { logUrl: stage.service.log.url }));
      return byIdentity(stage, image);
    },
    expected: 'no',
    reason: /made with a key, not with a certificate/,
    cosign: 'no',
  },
];
