// SPDX-License-Identifier: Apache-2.0
import { INTERVAL, secret } from '../scenario/objects.ts';
import { createEcdsaKey, type SshKey } from '../scenario/servers/ssh-keys.ts';
import type { Draft } from '../scenario/stage.ts';

/** The kinds of sources that are fetched over TLS. */
export type TlsKind = 'HelmRepository' | 'GitRepository' | 'OCIRepository' | 'Bucket';

/** The name of the repository that Git servers have. */
export const REPOSITORY = 'handshake';

const AUTHORITY = 'authority';
const KEYS = 'keys';

/** Gives the Secrets of {@link tlsSource}: whom to trust, and what a bucket asks for. */
export function tlsSecrets(authority: string): readonly Draft[] {
  return [secret(AUTHORITY, { 'ca.crt': authority }), secret(KEYS, { accesskey: 'OAKUM', secretkey: 'handshakes' })];
}

/** Gives a source of a kind that is fetched over TLS. */
export function tlsSource(kind: TlsKind, name: string, host: string): Draft {
  const trust = { certSecretRef: { name: AUTHORITY } };
  const specs = {
    HelmRepository: { url: `https://${host}`, ...trust },
    GitRepository: {
      url: `https://${host}/${REPOSITORY}.git`,
      secretRef: { name: AUTHORITY },
      ref: { branch: 'main' },
    },
    OCIRepository: { url: `oci://${host}/${REPOSITORY}`, ...trust },
    Bucket: { endpoint: host, bucketName: REPOSITORY, provider: 'generic', secretRef: { name: KEYS }, ...trust },
  } as const satisfies Record<TlsKind, unknown>;
  return { kind, name, spec: { interval: INTERVAL, ...specs[kind] } };
}

/** Gives a GitRepository over SSH with its Secret: who comes, and which hosts it knows. */
export function sshSource(
  name: string,
  host: string,
  hostKeys: readonly SshKey[],
  client = { username: 'git', identity: createEcdsaKey().pem },
): readonly Draft[] {
  const [address, port] = host.split(':');
  const known = hostKeys.map(({ type, blob }) => `[${address}]:${port} ${type} ${blob.toString('base64')}\n`);
  return [
    secret(name, { identity: client.identity, known_hosts: known.join('') }),
    {
      kind: 'GitRepository',
      name,
      spec: {
        interval: INTERVAL,
        url: `ssh://${client.username}@${host}/${REPOSITORY}.git`,
        ref: { branch: 'main' },
        secretRef: { name },
      },
    },
  ];
}
