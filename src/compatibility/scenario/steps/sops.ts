// SPDX-License-Identifier: Apache-2.0
import { conditionOf, type KubernetesObject } from '#kubernetes';
import { createOpenpgpKey, encryptSecret, type MasterKey } from '../content/sops.ts';
import { StepFailure } from '../failure.ts';
import { KEY_SERVICES, type KeyServiceName } from '../keys/key-services.ts';
import { gitRepository, kustomizationOf, loginSecrets, secret } from '../objects.ts';
import { readyMessage, textAt } from '../reading.ts';
import type { Stage } from '../stage.ts';
import type { Step } from './step.ts';

const SEALED = 'sealed';
const KEYS = 'keys';
const PASSWORD = 'correct horse battery staple';

/** A step for each key management service: a Secret that only its key opens comes into the cluster. */
const serviceSteps: readonly Step[] = KEY_SERVICES.map((service) => ({
  name: `SOPS: a Secret is decrypted with ${service}`,
  namespace: namespaceOf(service),
  play: (stage) => playService(stage, service),
}));

/** Where gpg is in the image, OpenPGP decrypts; where it is not, the Kustomization says so. */
const openpgp: Step = {
  name: 'SOPS: a Secret encrypted with OpenPGP is decrypted, or refused in clear words',
  namespace: namespaceOf('OpenPGP'),
  async play(stage) {
    const key = await createOpenpgpKey();
    const name = await publish(stage, key, { 'sops.asc': key.secret });
    if (stage.controllers.programs.gpg) {
      await isDecrypted(stage, name);
      return 'decrypted by gpg, which the image has';
    }
    const refused = await stage.until(stage.ref('Kustomization', name), 'refused for lack of gpg', isWithoutGpg);
    if ((await stage.cluster.get(stage.ref('Secret', SEALED))) !== undefined) {
      throw new StepFailure('the Secret was applied although nothing could decrypt it');
    }
    return `no gpg in the image; the Kustomization says: ${readyMessage(refused)}`;
  },
};

/** What SOPS can be used with, beside age. */
export const sopsSteps: readonly Step[] = [...serviceSteps, openpgp];

async function playService(stage: Stage, service: KeyServiceName): Promise<string> {
  const key = stage.keys.of[service];
  const { file, text } = key.credentials;
  const before = key.unwrapped();
  await isDecrypted(stage, await publish(stage, key, { [file]: text }));
  if (key.unwrapped() === before) throw new StepFailure(`${service} was never asked to decrypt`);
  return `decrypted with the credentials in ${file}`;
}

/** Puts a Secret encrypted for a key into a repository, and has it applied; gives the Kustomization's name. */
async function publish(stage: Stage, key: MasterKey, credentials: Readonly<Record<string, string>>): Promise<string> {
  const name = stage.namespace.replace(/^oakum-/, '');
  const plain = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: SEALED },
    stringData: { password: PASSWORD },
  } as const;
  const sealed = await encryptSecret(plain, key, stage.clock.now());
  await stage.servers.repositories.create(name, { 'deploy/sealed.yaml': sealed });
  await stage.apply(
    ...loginSecrets(stage.servers),
    secret(KEYS, credentials),
    gitRepository(name, stage.servers),
    kustomizationOf(name, stage.namespace, { decryption: { provider: 'sops', secretRef: { name: KEYS } } }),
  );
  return name;
}

async function isDecrypted(stage: Stage, name: string): Promise<void> {
  await stage.ready('Kustomization', name);
  const found = await stage.cluster.get(stage.ref('Secret', SEALED));
  const password = Buffer.from(textAt(found, 'data', 'password'), 'base64').toString();
  if (password !== PASSWORD) throw new StepFailure('the Secret that SOPS encrypted is not decrypted in the cluster');
}

function isWithoutGpg(object: KubernetesObject): boolean {
  return (
    conditionOf(object, 'Ready')?.status === 'False' && /"gpg": executable file not found/.test(readyMessage(object))
  );
}

function namespaceOf(what: string): string {
  return `oakum-sops-${what.toLowerCase().replaceAll(' ', '-')}`;
}
