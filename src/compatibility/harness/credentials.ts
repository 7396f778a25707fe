// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync, sign } from 'node:crypto';
import type { Clock } from '#core';
import {
  alternativeNames,
  authorityExtensions,
  type CertificateSpec,
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
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
/** The first address of the range for Services, which the API server takes for itself. */
const SERVICE_ADDRESS = '10.96.0.1';

/** Makes a cluster's keys and certificates (https://kubernetes.io/docs/setup/best-practices/certificates/), good for a week. */
export function makeCredentials(clock: Clock): ClusterCredentials {
  const now = clock.now().getTime();
  const valid = { notBefore: new Date(now - DAY), notAfter: new Date(now + 7 * DAY) };
  const authorityKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const authority = issueCertificate(
    {
      name: { organization: 'Oakum', commonName: 'Oakum compatibility test' },
      publicKey: authorityKeys.publicKey,
      ...valid,
      extensions: authorityExtensions(authorityKeys.publicKey),
    },
    authorityKeys,
  );
  const issue = (name: CertificateSpec['name'], extensions: readonly Buffer[]): KeyPair => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const issuer = { certificate: authority, privateKey: authorityKeys.privateKey };
    const certificate = issueCertificate(
      { ...(name === undefined ? {} : { name }), publicKey, ...valid, extensions },
      issuer,
    );
    return { certificate: toPem('CERTIFICATE', certificate), key: pemOf(privateKey) };
  };
  const tokens = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    authority: toPem('CERTIFICATE', authority),
    server: issue({ organization: 'Oakum', commonName: 'kube-apiserver' }, [
      alternativeNames(
        ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'],
        ['127.0.0.1', SERVICE_ADDRESS],
      ),
      usage(SERVER_AUTH),
    ]),
    admin: issue({ organization: 'system:masters', commonName: 'admin' }, [usage(CLIENT_AUTH)]),
    tokens: {
      certificate: tokens.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      key: pemOf(tokens.privateKey),
    },
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

function usage(purpose: string): Buffer {
  return extension('2.5.29.37', derSequence(derIdentifier(purpose)));
}

function pemOf(key: ReturnType<typeof generateKeyPairSync>['privateKey']): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
