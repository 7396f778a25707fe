// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
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

/** A certificate and its key, in PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** Who a certificate is for: a server by its names and addresses, or a client by its group and name. */
export type Holder =
  | {
      readonly kind: 'server';
      readonly name: string;
      readonly names: readonly string[];
      readonly addresses: readonly string[];
    }
  | { readonly kind: 'client'; readonly name: string; readonly group: string };

/** A certificate authority of a test: in no trust store, gone with the process. */
export interface Authority {
  /** Its certificate, in PEM. */
  readonly certificate: string;
  issue(holder: Holder, how?: IssueOptions): KeyPair;
}

/** What a certificate may have that is not as usual: keys of another kind, a signature by SHA-1. */
export interface IssueOptions {
  readonly keys?: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  readonly hash?: 'sha1';
}

const DAY = 86_400_000;
const VALID_DAYS = 7;
const OURS = 'Oakum';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const PURPOSES = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

/** Makes an authority, and certificates by it, on P-256 (allowed in FIPS mode): valid from yesterday, for a week. */
export function createAuthority(name: string, clock: Clock): Authority {
  const now = clock.now().getTime();
  const valid = { notBefore: new Date(now - DAY), notAfter: new Date(now + VALID_DAYS * DAY) };
  const own = makeKeys();
  const authority = issueCertificate(
    {
      name: { organization: OURS, commonName: name },
      publicKey: own.publicKey,
      ...valid,
      extensions: authorityExtensions(own.publicKey),
    },
    own,
  );
  return {
    certificate: toPem('CERTIFICATE', authority),
    issue(holder, { keys = makeKeys(), ...signing } = {}) {
      const { publicKey, privateKey } = keys;
      const spec = {
        name: { organization: holder.kind === 'client' ? holder.group : OURS, commonName: holder.name },
        publicKey,
        ...valid,
        extensions: extensionsOf(holder),
      };
      const certificate = issueCertificate(spec, { certificate: authority, privateKey: own.privateKey, ...signing });
      return { certificate: toPem('CERTIFICATE', certificate), key: privatePem(privateKey) };
    },
  };
}

/** Makes a key pair without certificate; `certificate` is the public key. */
export function createKeyPair(): KeyPair {
  const { publicKey, privateKey } = makeKeys();
  return { certificate: publicKey.export({ type: 'spki', format: 'pem' }).toString(), key: privatePem(privateKey) };
}

function makeKeys(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function extensionsOf(holder: Holder): readonly Buffer[] {
  const usage = extension(EXTENDED_KEY_USAGE, derSequence(derIdentifier(PURPOSES[holder.kind])));
  return holder.kind === 'server' ? [alternativeNames(holder.names, holder.addresses), usage] : [usage];
}

function privatePem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
