// SPDX-License-Identifier: Apache-2.0
import { generateKeyPair, generateKeyPairSync } from 'node:crypto';
import { promisify } from 'node:util';
import type { Clock } from '#core';
import { createAuthority, type KeyPair } from '../certificates.ts';

/** Certificates by their key; `SHA-1` is on P-256, and its issuer signed it with SHA-1. */
export type CertificateKind = 'P-256' | 'P-384' | 'P-521' | 'Ed25519' | 'RSA 2048' | 'RSA 1024' | 'SHA-1';

/** Certificates for 127.0.0.1 of one authority. */
export interface TlsIdentities {
  /** The authority's certificate, in PEM. */
  readonly authority: string;
  readonly of: Readonly<Record<CertificateKind, KeyPair>>;
}

/** Makes an authority on P-256 and a certificate of each kind by it. */
export async function createTlsIdentities(clock: Clock): Promise<TlsIdentities> {
  const authority = createAuthority('Oakum handshakes', clock);
  const holder = { kind: 'server', name: 'oakum', names: ['localhost'], addresses: ['127.0.0.1'] } as const;
  const rsaKeys = promisify(generateKeyPair);
  const rsa = (modulusLength: number) => rsaKeys('rsa', { modulusLength });
  const onCurve = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
  return {
    authority: authority.certificate,
    of: {
      'P-256': authority.issue(holder),
      'P-384': authority.issue(holder, { keys: onCurve('P-384') }),
      'P-521': authority.issue(holder, { keys: onCurve('P-521') }),
      Ed25519: authority.issue(holder, { keys: generateKeyPairSync('ed25519') }),
      'RSA 2048': authority.issue(holder, { keys: await rsa(2048) }),
      'RSA 1024': authority.issue(holder, { keys: await rsa(1024) }),
      'SHA-1': authority.issue(holder, { hash: 'sha1' }),
    },
  };
}
