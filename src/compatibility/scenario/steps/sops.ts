// SPDX-License-Identifier: Apache-2.0
import { conditionOf, type KubernetesObject } from '#kubernetes';
import { createAgeKey, createOpenpgpKey, encryptSecret, type MasterKey } from '../content/sops.ts';
import { StepFailure } from '../failure.ts';
import { KEY_SERVICES, type KeyServiceName } from '../keys/key-services.ts';
import { gitRepository, kustomizationOf, loginSecrets, secret } from '../objects.ts';
import { readyMessage, textAt } from '../reading.ts';
import type { Stage } from '../stage.ts';
import type { Step } from './step.ts';

const SEALED = 'sealed';
const OPENPGP = 'oakum-sops-openpgp';
const PASSWORD = 'correct horse battery staple';

/** A step for each key management service: a Secret that only its key opens comes into the cluster. */
const serviceSteps: readonly Step[] = KEY_SERVICES.map((service) => ({
  name: `SOPS: a Secret is decrypted with ${service}`,
  namespace: `oakum-sops-${service.toLowerCase().replaceAll(' ', '-')}`,
  play: (stage) => playService(stage, service),
}));

/** Where gpg is in the image, OpenPGP decrypts; where it is not, the Kustomization says so. */
const openpgp: Step = {
  name: 'SOPS: a Secret encrypted with OpenPGP is decrypted, or refused in clear words',
  namespace: OPENPGP,
  async play(stage) {
    const key = await createOpenpgpKey();
    await publish(stage, { name: OPENPGP, keys: [key], credentials: { 'sops.asc': key.secret } });
    if (stage.controllers.programs.gpg) {
      await isDecrypted(stage, OPENPGP);
      return 'decrypted by gpg, which the image has';
    }
    const refused = await stage.until(stage.ref('Kustomization', OPENPGP), 'refused for lack of gpg', isWithoutGpg);
    if ((await stage.cluster.get(stage.ref('Secret', SEALED))) !== undefined) {
      throw new StepFailure('the Secret was applied although nothing could decrypt it');
    }
    const age = await createAgeKey();
    const moved = `${OPENPGP}-moved`;
    await publish(stage, { name: moved, keys: [key, age], credentials: { 'sops.agekey': age.secret } });
    await isDecrypted(stage, moved);
    return `no gpg in the image; decrypted once age has a key too; before, the Kustomization says: ${readyMessage(refused)}`;
  },
};

/** What SOPS can be used with, beside age. */
export const sopsSteps: readonly Step[] = [...serviceSteps, openpgp];

async function playService(stage: Stage, service: KeyServiceName): Promise<string> {
  const key = stage.keys.of[service];
  const { file, text } = key.credentials;
  const before = key.unwrapped();
  const name = stage.namespace;
  await publish(stage, { name, keys: [key], credentials: { [file]: text } });
  await isDecrypted(stage, name);
  if (key.unwrapped() === before) throw new StepFailure(`${service} was never asked to decrypt`);
  return `decrypted with the credentials in ${file}`;
}

interface Sealed {
  /** Of its repository, Kustomization and decryption Secret. */
  readonly name: string;
  readonly keys: readonly MasterKey[];
  readonly credentials: Readonly<Record<string, string>>;
}

/** Puts a Secret encrypted for keys into a repository, and has it applied. */
async function publish(stage: Stage, { name, keys, credentials }: Sealed): Promise<void> {
  const plain = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: SEALED },
    stringData: { password: PASSWORD },
  } as const;
  const sealed = await encryptSecret(plain, keys, stage.clock.now());
  await stage.servers.repositories.create(name, { 'deploy/sealed.yaml': sealed });
  await stage.apply(
    ...loginSecrets(stage.servers),
    secret(name, credentials),
    gitRepository(name, stage.servers),
    kustomizationOf(name, stage.namespace, { decryption: { provider: 'sops', secretRef: { name } } }),
  );
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
