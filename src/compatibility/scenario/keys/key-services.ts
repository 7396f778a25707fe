// SPDX-License-Identifier: Apache-2.0
import type { Outside } from '../../outside.ts';
import { awsKms } from './aws-kms.ts';
import { azureKeyVault } from './azure-key-vault.ts';
import { googleKms } from './google-kms.ts';
import type { KeyService, KeyServiceKind } from './service.ts';
import { vaultTransit } from './vault-transit.ts';

const KINDS = {
  'AWS KMS': awsKms,
  'Azure Key Vault': azureKeyVault,
  'Google Cloud KMS': googleKms,
  'Vault transit': vaultTransit,
} as const satisfies Record<string, KeyServiceKind>;

/** The key management services that SOPS and kustomize-controller know, by the names that steps have for them. */
export type KeyServiceName = keyof typeof KINDS;

/** The names of all, in the order of the steps. */
export const KEY_SERVICES = Object.keys(KINDS) as readonly KeyServiceName[];

/** Services that run. */
export interface KeyServices {
  readonly of: Readonly<Record<KeyServiceName, KeyService>>;
  stop(): Promise<void>;
}

/** Starts a key in each service, under the name that the real service has. */
export async function startKeyServices(outside: Pick<Outside, 'authority' | 'lead'>): Promise<KeyServices> {
  const started: [KeyServiceName, KeyService][] = [];
  const stop = async () => void (await Promise.all(started.map(([, service]) => service.stop())));
  try {
    for (const name of KEY_SERVICES) {
      const kind: KeyServiceKind = KINDS[name];
      const holder = { kind: 'server', name, names: kind.hosts, addresses: [] } as const;
      const service = await kind.start(outside.authority.issue(holder));
      started.push([name, service]);
      for (const [place, address] of Object.entries(service.places)) outside.lead(place, address);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { of: Object.fromEntries(started) as Record<KeyServiceName, KeyService>, stop };
}
