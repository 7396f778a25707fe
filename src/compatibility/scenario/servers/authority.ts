// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from 'node:crypto';
import type { Clock } from '#core';
import {
  alternativeNames,
  authorityExtensions,
  derIdentifier,
  derSequence,
  extension,
  issueCertificate,
  toPem,
} from '#formats';

/** What the scenario's HTTPS servers show, and what the controllers are told to trust for it; all PEM. */
export interface ServerIdentity {
  readonly key: string;
  readonly certificate: string;
  /** The certificate authority that issued it: in no trust store, so a controller that ignores `certSecretRef` fails. */
  readonly authority: string;
}

const DAY = 86_400_000;
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

/** Makes a certificate authority and a certificate for 127.0.0.1, both on P-256 (allowed in FIPS mode) and good for a day. */
export function createServerIdentity(clock: Clock): ServerIdentity {
  const now = clock.now().getTime();
  const valid = { notBefore: new Date(now - DAY), notAfter: new Date(now + DAY) };
  const issuer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const authority = issueCertificate(
    {
      name: { organization: 'Oakum', commonName: 'Oakum scenario' },
      publicKey: issuer.publicKey,
      ...valid,
      extensions: authorityExtensions(issuer.publicKey),
    },
    issuer,
  );
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = issueCertificate(
    {
      name: { organization: 'Oakum', commonName: 'scenario server' },
      publicKey: server.publicKey,
      ...valid,
      extensions: [
        alternativeNames(['localhost'], ['127.0.0.1']),
        extension('2.5.29.37', derSequence(derIdentifier(SERVER_AUTH))),
      ],
    },
    { certificate: authority, privateKey: issuer.privateKey },
  );
  return {
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: toPem('CERTIFICATE', certificate),
    authority: toPem('CERTIFICATE', authority),
  };
}
