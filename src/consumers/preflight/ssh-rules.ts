// SPDX-License-Identifier: Apache-2.0
import type { Found, Scope } from './scope.ts';
import { type KnownHost, readKnownHosts, readPrivateKey } from './ssh-keys.ts';

/** What golang.org/x/crypto/ssh v0.53.0 has of each in FIPS mode (kex.go, common.go); certificates go by the key below them. */
const APPROVED = {
  kex: ['mlkem768x25519-sha256', 'ecdh-sha2-nistp256', 'ecdh-sha2-nistp384', 'ecdh-sha2-nistp521'],
  hostkey: [
    'rsa-sha2-256',
    'rsa-sha2-512',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'ssh-ed25519',
    'sk-ssh-ed25519@openssh.com',
    'sk-ecdsa-sha2-nistp256@openssh.com',
  ],
} as const;

const APPROVED_BITS = 2048;
const HOST_KEY_FIX =
  'Keep keys of one type in this known_hosts, best ssh-ed25519 or ecdsa-sha2-nistp256, or ssh-rsa alone, or set --ssh-hostkey-algos of source-controller and image-automation-controller to algorithms without ssh-rsa.';

/**
 * Reports keys of a known_hosts that FIPS mode refuses; `placeOf` turns an offset of the text into one of the file. How types become
 * algorithms is in fluxcd/pkg: ssh/knownhosts (hostKeyAlgorithms) and git/gogit/transport.go.
 */
export function checkKnownHosts(text: string, { channel, report }: Scope, placeOf: (at: number) => number): void {
  if (channel.crypto !== 'fips140') return;
  const keys = readKnownHosts(text);
  const types = new Set(keys.map(({ type }) => type));
  for (const key of keys) {
    const judged = judgeHostKey(key, types);
    if (judged !== undefined) report({ rule: 'ssh-host-key', at: placeOf(key.at), ...judged });
  }
}

function judgeHostKey({ type, bits }: KnownHost, types: ReadonlySet<string>): Omit<Found, 'rule' | 'at'> | undefined {
  const alone = types.size === 1;
  if (type === 'ssh-dss')
    return {
      level: alone ? 'error' : 'warning',
      message: alone
        ? 'the only host keys are ssh-dss, which FIPS mode refuses'
        : 'an ssh-dss host key, which FIPS mode refuses if the server takes it up',
      fix: 'Take the line out; scan the server for an ssh-ed25519 or ecdsa-sha2-nistp256 key.',
    };
  if (type !== 'ssh-rsa') return undefined;
  if (bits !== undefined && bits < APPROVED_BITS)
    return {
      level: 'warning',
      message: `an RSA host key of ${bits} bits, below the ${APPROVED_BITS} that are approved`,
      fix: 'Give the server an ssh-ed25519, ecdsa-sha2-nistp256 or larger RSA key.',
    };
  if (alone)
    return {
      level: 'note',
      message:
        'an ssh-rsa host key: it works with servers that sign with rsa-sha2-256 or rsa-sha2-512, and not with SHA-1 alone',
      fix: 'Nothing, if the server is OpenSSH 7.2 or newer; else use an ssh-ed25519 or ecdsa-sha2-nistp256 key.',
    };
  return {
    level: 'warning',
    message: `an ssh-rsa host key beside ${[...types].filter((one) => one !== 'ssh-rsa').join(', ')}: it is offered with SHA-1 alone, and FIPS mode refuses it if the server takes it up`,
    fix: HOST_KEY_FIX,
  };
}

/** Reports a private key of SSH that FIPS mode refuses. */
export function checkIdentity(pem: string, { channel, report }: Scope, at: number): void {
  const key = channel.crypto === 'fips140' ? readPrivateKey(pem) : undefined;
  const fix =
    'Make an ssh-ed25519 or ecdsa-sha2-nistp384 key (`flux create secret git --ssh-key-algorithm=ecdsa`) and register it with the Git server.';
  if (key?.type === 'ssh-dss')
    report({ rule: 'ssh-private-key', level: 'error', at, message: 'a DSA key, which FIPS mode refuses', fix });
  else if (key?.bits !== undefined && key.bits < APPROVED_BITS)
    report({
      rule: 'ssh-private-key',
      level: 'warning',
      at,
      message: `an RSA key of ${key.bits} bits, below the ${APPROVED_BITS} that are approved`,
      fix,
    });
}

/** A flag with its values, joined or as the next item of a list of arguments, in YAML or JSON. */
const FLAG = /--ssh-(kex|hostkey)-algos(?:=|["']?\s{0,99},?\s{0,99}(?:-[ \t]{1,9})?["']?(?=[a-z]))([a-z0-9@.,_-]*)/g;

/** Says whether a text may hold what {@link checkSshFlags} reports. */
export function maySshFlags(text: string): boolean {
  return text.includes('--ssh-');
}

/** Reports flags that ask for algorithms FIPS mode has not, wherever in the text they stand but in comments. */
export function checkSshFlags(scope: Scope): void {
  const { text } = scope.file;
  if (scope.channel.crypto !== 'fips140') return;
  for (const match of text.matchAll(FLAG)) {
    const [flag, kind = 'kex', list = ''] = match;
    const line = text.slice(text.lastIndexOf('\n', match.index) + 1, match.index);
    if (/(?:^|\s)#/.test(line)) continue;
    const judged = judgeAlgorithms(
      kind as keyof typeof APPROVED,
      list.split(',').filter((name) => name !== ''),
    );
    if (judged !== undefined)
      scope.report({ rule: 'ssh-algorithms', at: match.index + flag.length - list.length, ...judged });
  }
}

function judgeAlgorithms(
  kind: keyof typeof APPROVED,
  names: readonly string[],
): Omit<Found, 'rule' | 'at'> | undefined {
  const approved: readonly string[] = APPROVED[kind];
  const refused = names.filter((name) => !approved.includes(belowCertificate(name)));
  if (refused.length === 0) return undefined;
  const none = refused.length === names.length;
  return {
    level: none ? 'error' : 'warning',
    message: `${refused.join(', ')}: ${none ? 'FIPS mode has none of them' : kind === 'kex' ? 'FIPS mode leaves them out' : 'FIPS mode breaks off where the server takes one up'}`,
    fix: `Name only what FIPS mode has: ${approved.filter((name) => !name.startsWith('sk-')).join(',')}.`,
  };
}

/** The algorithm of the key that a certificate's name is made of (PROTOCOL.certkeys of OpenSSH). */
function belowCertificate(name: string): string {
  const base = name.replace(/-cert-v01@openssh\.com$/, '');
  return base !== name && base.startsWith('sk-') ? `${base}@openssh.com` : base;
}
