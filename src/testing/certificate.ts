// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from 'node:crypto';
import { alternativeNames, DER, der, derSequence, extension, issueCertificate, keyIdOf, toPem } from '#formats';

/** A server's key and its certificate, self-signed, so that it is also the CA to trust. */
export interface TestCertificate {
  readonly key: string;
  readonly certificate: string;
}

/** Makes a certificate for DNS names and IPv4 addresses, valid from yesterday for ten days. */
export function createCertificate(names: readonly string[], addresses: readonly string[] = []): TestCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const now = Date.now();
  const certificate = issueCertificate(
    {
      name: { organization: 'Oakum test', commonName: 'Oakum test CA' },
      publicKey,
      notBefore: new Date(now - 86_400_000),
      notAfter: new Date(now + 864_000_000),
      extensions: [
        alternativeNames(names, addresses),
        extension('2.5.29.19', derSequence(der(DER.boolean, Buffer.of(0xff)))), // CA:TRUE
        extension('2.5.29.14', der(DER.octetString, keyIdOf(publicKey))),
      ],
    },
    { privateKey },
  );
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: toPem('CERTIFICATE', certificate),
  };
}
