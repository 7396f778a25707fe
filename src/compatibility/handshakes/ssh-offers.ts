// SPDX-License-Identifier: Apache-2.0
import type { CipherAlgorithm, KexAlgorithm, MacAlgorithm, ServerHostKeyAlgorithm } from 'ssh2';
import { ANSWERS, type Expected, type Offer } from './offer.ts';
import type { HostKeyKind } from './ssh-host-keys.ts';

/** An offer of SSH: one algorithm of each kind. */
export interface SshOffer extends Offer {
  readonly protocol: 'SSH';
  readonly hostKey: HostKeyKind;
  readonly algorithms: {
    readonly kex: KexAlgorithm | typeof HYBRID;
    readonly serverHostKey: ServerHostKeyAlgorithm;
    readonly cipher: CipherAlgorithm;
    readonly hmac: MacAlgorithm;
  };
}

/** The key exchange that ssh2 does not have (draft-ietf-sshm-mlkem-hybrid-kex). */
export const HYBRID = 'mlkem768x25519-sha256';

const { everywhere, nowhere, notNative } = ANSWERS;

/** What every client has, and every mode allows. */
const USUAL = {
  kex: 'ecdh-sha2-nistp256',
  serverHostKey: 'ecdsa-sha2-nistp256',
  cipher: 'aes128-ctr', // with a MAC of its own
  hmac: 'hmac-sha2-256',
} as const satisfies SshOffer['algorithms'];

/** All that a server of SSH may offer alone. */
export const SSH_OFFERS: readonly SshOffer[] = [
  exchange(HYBRID, everywhere),
  exchange('ecdh-sha2-nistp256', everywhere),
  exchange('ecdh-sha2-nistp384', everywhere),
  exchange('ecdh-sha2-nistp521', everywhere),
  exchange('curve25519-sha256', notNative),
  exchange('diffie-hellman-group14-sha256', notNative),
  exchange('diffie-hellman-group16-sha512', nowhere),
  exchange('diffie-hellman-group14-sha1', notNative),
  exchange('diffie-hellman-group1-sha1', nowhere),
  hostKey('ecdsa-sha2-nistp256', 'ecdsa 256', everywhere),
  hostKey('ecdsa-sha2-nistp384', 'ecdsa 384', everywhere),
  hostKey('ecdsa-sha2-nistp521', 'ecdsa 521', everywhere),
  hostKey('ssh-ed25519', 'ed25519', everywhere),
  hostKey('rsa-sha2-256', 'rsa 2048', everywhere),
  hostKey('rsa-sha2-512', 'rsa 2048', everywhere),
  // Flux offers whatever key a known_hosts has; the native FIPS mode then refuses its signature.
  hostKey('ssh-rsa', 'rsa 2048', notNative),
  hostKey('ssh-dss', 'dsa 1024', notNative),
  cipher('aes128-ctr', everywhere),
  cipher('aes192-ctr', everywhere),
  cipher('aes256-ctr', everywhere),
  cipher('aes128-gcm@openssh.com', everywhere),
  cipher('aes256-gcm@openssh.com', everywhere),
  cipher('chacha20-poly1305@openssh.com', notNative),
  cipher('aes128-cbc', nowhere),
  cipher('aes256-cbc', nowhere),
  mac('hmac-sha2-256', everywhere),
  mac('hmac-sha2-512', everywhere),
  mac('hmac-sha2-256-etm@openssh.com', everywhere),
  mac('hmac-sha2-512-etm@openssh.com', everywhere),
  mac('hmac-sha1', notNative),
  mac('hmac-sha1-96', notNative),
];

type Varied = Partial<Pick<SshOffer, 'hostKey'>> & { readonly algorithms: Partial<SshOffer['algorithms']> };

function of(aspect: string, name: string, expected: Expected, { hostKey: shown, algorithms }: Varied): SshOffer {
  return {
    protocol: 'SSH',
    aspect,
    name,
    expected,
    hostKey: shown ?? 'ecdsa 256',
    algorithms: { ...USUAL, ...algorithms },
  };
}

function exchange(kex: SshOffer['algorithms']['kex'], expected: Expected): SshOffer {
  return of('key exchange', kex, expected, { algorithms: { kex } });
}

function hostKey(serverHostKey: ServerHostKeyAlgorithm, shown: HostKeyKind, expected: Expected): SshOffer {
  return of('host key', serverHostKey, expected, { hostKey: shown, algorithms: { serverHostKey } });
}

function cipher(name: CipherAlgorithm, expected: Expected): SshOffer {
  return of('cipher', name, expected, { algorithms: { cipher: name } });
}

function mac(hmac: MacAlgorithm, expected: Expected): SshOffer {
  return of('MAC', hmac, expected, { algorithms: { hmac } });
}
