// SPDX-License-Identifier: Apache-2.0
import type { ServerOptions } from 'node:https';
import type { TlsKind } from './objects.ts';
import { ANSWERS, type Expected, type Offer } from './offer.ts';
import type { CertificateKind } from './tls-identities.ts';

/** An offer of TLS: what the server is limited to, and what it shows. */
export interface TlsOffer extends Offer {
  readonly protocol: 'TLS';
  readonly certificate: CertificateKind;
  readonly options: ServerOptions;
  /** What asks for it: most are asked for by a HelmRepository. */
  readonly fetchedAs: TlsKind;
}

const { everywhere, nowhere, withoutFips, notBoring } = ANSWERS;

/** OpenSSL holds back what is weak below this. */
const ALL = 'ALL:@SECLEVEL=0';
const TLS13: ServerOptions = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', ecdhCurve: 'P-256' };
const TLS12: ServerOptions = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ecdhCurve: 'P-256' };
const WEAK_ALLOWED = `TLS_AES_128_GCM_SHA256:${ALL}`;

/** All that a server of TLS may offer alone. Whatever is not under test is TLS 1.3 or 1.2, P-256, AES-GCM and a certificate on P-256. */
export const TLS_OFFERS: readonly TlsOffer[] = [
  of('version', 'TLS 1.1', nowhere, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ecdhCurve: 'P-256', ciphers: ALL }),
  of('version', 'TLS 1.2', everywhere, TLS12),
  of('version', 'TLS 1.3', everywhere, TLS13),
  suite13('TLS_AES_128_GCM_SHA256', everywhere),
  suite13('TLS_AES_256_GCM_SHA384', everywhere),
  suite13('TLS_CHACHA20_POLY1305_SHA256', withoutFips),
  suite12('ECDHE-ECDSA-AES128-GCM-SHA256', everywhere),
  suite12('ECDHE-ECDSA-AES256-GCM-SHA384', everywhere),
  suite12('ECDHE-RSA-AES128-GCM-SHA256', everywhere),
  suite12('ECDHE-RSA-AES256-GCM-SHA384', everywhere),
  suite12('ECDHE-ECDSA-CHACHA20-POLY1305', withoutFips),
  suite12('ECDHE-RSA-CHACHA20-POLY1305', withoutFips),
  // The native FIPS mode would allow these two, and Go has them switched off by itself.
  suite12('ECDHE-ECDSA-AES128-SHA256', nowhere),
  suite12('ECDHE-RSA-AES128-SHA256', nowhere),
  suite12('ECDHE-ECDSA-AES128-SHA', withoutFips),
  suite12('ECDHE-RSA-AES128-SHA', withoutFips),
  suite12('ECDHE-RSA-AES256-SHA', withoutFips),
  suite12('AES128-GCM-SHA256', nowhere), // the key is sent encrypted by RSA
  { ...suite12('DHE-RSA-AES128-GCM-SHA256', nowhere, { dhparam: 'auto' }) },
  exchange('P-256', everywhere),
  exchange('P-384', everywhere),
  exchange('P-521', everywhere),
  exchange('X25519MLKEM768', notBoring),
  exchange('SecP256r1MLKEM768', notBoring),
  exchange('SecP384r1MLKEM1024', notBoring),
  exchange('X25519', withoutFips),
  of('key exchange', 'X25519 (TLS 1.2)', withoutFips, { ...TLS12, ecdhCurve: 'X25519' }),
  exchange('X448', nowhere),
  certificate('ECDSA P-256', 'P-256', everywhere),
  certificate('ECDSA P-384', 'P-384', everywhere),
  certificate('ECDSA P-521', 'P-521', everywhere),
  certificate('Ed25519', 'Ed25519', notBoring),
  certificate('RSA 2048', 'RSA 2048', everywhere),
  certificate('RSA 1024', 'RSA 1024', withoutFips),
  certificate('ECDSA P-256, issued with SHA-1', 'SHA-1', nowhere),
  of(
    'signature',
    'RSA with SHA-1 (TLS 1.2)',
    nowhere,
    { ...TLS12, sigalgs: 'RSA+SHA1', ciphers: `ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0` },
    'RSA 2048',
  ),
  // Each kind of source has a client of its own.
  ...(['GitRepository', 'OCIRepository', 'Bucket'] as const).flatMap((kind) => [
    fetchedAs(kind, 'P-256', everywhere),
    fetchedAs(kind, 'X25519', withoutFips),
  ]),
];

function of(
  aspect: string,
  name: string,
  expected: Expected,
  options: ServerOptions,
  shown: CertificateKind = 'P-256',
): TlsOffer {
  return { protocol: 'TLS', aspect, name, expected, options, certificate: shown, fetchedAs: 'HelmRepository' };
}

function suite13(name: string, expected: Expected): TlsOffer {
  return of('cipher suite', name, expected, { ...TLS13, ciphers: name });
}

/** OpenSSL's names tell which certificate a suite needs; those of CBC are held back above level 0. */
function suite12(name: string, expected: Expected, more: ServerOptions = {}): TlsOffer {
  const options = { ...TLS12, ciphers: `${name}:@SECLEVEL=0`, ...more };
  return of('cipher suite', name, expected, options, name.includes('ECDSA') ? 'P-256' : 'RSA 2048');
}

function exchange(name: string, expected: Expected): TlsOffer {
  return of('key exchange', name, expected, { ...TLS13, ecdhCurve: name });
}

function certificate(name: string, shown: CertificateKind, expected: Expected): TlsOffer {
  return of('certificate', name, expected, { ...TLS13, ciphers: WEAK_ALLOWED }, shown);
}

function fetchedAs(kind: TlsKind, name: string, expected: Expected): TlsOffer {
  return { ...of(`key exchange (${kind})`, name, expected, { ...TLS13, ecdhCurve: name }), fetchedAs: kind };
}
