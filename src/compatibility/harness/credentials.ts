// SPDX-License-Identifier: Apache-2.0
import { sign } from 'node:crypto';
import type { Clock } from '#core';
import { createAuthority, createKeyPair, type KeyPair } from '../certificates.ts';

/** All that a cluster of one API server is sure of itself with. */
export interface ClusterCredentials {
  /** The certificate authority's certificate (PEM), which both sides trust. */
  readonly authority: string;
  readonly server: KeyPair;
  /** Of the group `system:masters`. */
  readonly admin: KeyPair;
  /** Signs the tokens of service accounts; `certificate` is the public key. */
  readonly tokens: KeyPair;
}

/** A service account that exists. */
export interface Account {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Who signs the tokens of service accounts, and for whom. */
export const TOKEN_ISSUER = 'https://kubernetes.default.svc';

const DAY = 86_400_000;
/** The first address of the range for Services, which the API server takes for itself. */
const SERVICE_ADDRESS = '10.96.0.1';

/** Makes a cluster's keys and certificates (https://kubernetes.io/docs/setup/best-practices/certificates/), good for a week. */
export function makeCredentials(clock: Clock): ClusterCredentials {
  const authority = createAuthority('Oakum compatibility test', clock);
  return {
    authority: authority.certificate,
    server: authority.issue({
      kind: 'server',
      name: 'kube-apiserver',
      names: ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'],
      addresses: ['127.0.0.1', SERVICE_ADDRESS],
    }),
    admin: authority.issue({ kind: 'client', name: 'admin', group: 'system:masters' }),
    tokens: createKeyPair(),
  };
}

/** Gives the text of a kubeconfig for the admin; JSON is YAML. */
export function formatKubeconfig(server: string, { authority, admin }: ClusterCredentials): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'oakum', cluster: { server, 'certificate-authority-data': base64(authority) } }],
    users: [
      {
        name: 'admin',
        user: { 'client-certificate-data': base64(admin.certificate), 'client-key-data': base64(admin.key) },
      },
    ],
    contexts: [{ name: 'oakum', context: { cluster: 'oakum', user: 'admin' } }],
    'current-context': 'oakum',
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** Gives a token of a service account, good for a day: what a pod finds mounted (RFC 7519; ES256 of RFC 7518 3.4). */
export function signToken({ namespace, name, uid }: Account, { tokens }: ClusterCredentials, clock: Clock): string {
  const now = Math.floor(clock.now().getTime() / 1000);
  const claims = {
    iss: TOKEN_ISSUER,
    aud: [TOKEN_ISSUER],
    sub: `system:serviceaccount:${namespace}:${name}`,
    iat: now,
    nbf: now,
    exp: now + DAY / 1000,
    'kubernetes.io': { namespace, serviceaccount: { name, uid } },
  };
  const body = [{ alg: 'ES256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = sign('sha256', Buffer.from(body), { key: tokens.key, dsaEncoding: 'ieee-p1363' });
  return `${body}.${signature.toString('base64url')}`;
}
