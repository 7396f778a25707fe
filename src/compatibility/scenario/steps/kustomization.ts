// SPDX-License-Identifier: Apache-2.0
import { at } from '#kubernetes';
import type { Files } from '../content/archive.ts';
import { createAgeKey, encryptSecret, type MasterKey } from '../content/sops.ts';
import { StepFailure } from '../failure.ts';
import { configMapYaml, gitRepository, kustomizationOf, loginSecrets, secret } from '../objects.ts';
import { isReady, textAt } from '../reading.ts';
import type { Stage } from '../stage.ts';
import type { Step } from './step.ts';

const PASSWORD = 'correct horse battery staple';
const NAME = 'app';

/** A Kustomization that decrypts, substitutes, waits for what it applied to be healthy, and prunes what left the repository. */
export const kustomization: Step = {
  name: 'Kustomization decrypts, substitutes, checks health and prunes',
  namespace: 'oakum-kustomization',
  async play(stage) {
    const age = await createAgeKey();
    const kept = await keptFiles(age, stage.clock.now());
    const leaving = { 'deploy/leaving.yaml': configMapYaml('leaving', { hello: 'world' }) };
    await stage.servers.repositories.create(NAME, { ...kept, ...leaving });
    await stage.apply(
      ...loginSecrets(stage.servers),
      secret('age', { 'oakum.agekey': age.secret }),
      { kind: 'ConfigMap', name: 'variables', data: { tier: 'gold' } },
      gitRepository(NAME, stage.servers),
      kustomizationOf(NAME, stage.namespace, {
        wait: true,
        timeout: '2m',
        decryption: { provider: 'sops', secretRef: { name: 'age' } },
        postBuild: {
          substitute: { region: 'north' },
          substituteFrom: [{ kind: 'ConfigMap', name: 'variables' }],
        },
      }),
    );
    await healthIsChecked(stage);
    await contentIsRight(stage);
    await leavingIsPruned(stage, kept);
    return 'waited for a Deployment, decrypted with age, substituted, pruned';
  },
};

async function keptFiles(age: MasterKey, now: Date): Promise<Files> {
  const sealed = await encryptSecret(
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'sealed' }, stringData: { password: PASSWORD } },
    [age],
    now,
  );
  return {
    'deploy/settings.yaml': configMapYaml('settings', { region: '${region}', tier: '${tier}', size: '${size:=small}' }),
    'deploy/sealed.yaml': sealed,
    'deploy/workload.yaml': JSON.stringify({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'workload' },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'workload' } },
        template: {
          metadata: { labels: { app: 'workload' } },
          spec: { containers: [{ name: 'main', image: 'scenario.test/none' }] },
        },
      },
    }),
  };
}

/** No node runs the Deployment: it is available when the scenario writes so into its status, as a cluster's controllers would. */
async function healthIsChecked(stage: Stage): Promise<void> {
  const workload = stage.ref('Deployment', 'workload');
  await stage.until(workload, 'applied', () => true);
  const early = await stage.cluster.get(stage.ref('Kustomization', NAME));
  if (early !== undefined && isReady(early)) {
    throw new StepFailure('the Kustomization is ready before its Deployment is available');
  }
  const reason = { status: 'True', reason: 'Scenario', message: 'written by the scenario' };
  const conditions = [
    { type: 'Available', ...reason },
    { type: 'Progressing', ...reason, reason: 'NewReplicaSetAvailable' },
  ];
  const status = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };
  await stage.cluster.patch(workload, {
    type: 'merge',
    subresource: 'status',
    body: { status: { ...status, conditions } },
  });
  await stage.ready('Kustomization', NAME);
}

async function contentIsRight(stage: Stage): Promise<void> {
  const settings = await stage.cluster.get(stage.ref('ConfigMap', 'settings'));
  const data = JSON.stringify(at(settings, 'data'));
  if (data !== JSON.stringify({ region: 'north', size: 'small', tier: 'gold' })) {
    throw new StepFailure(`variables are not substituted as they should be: ${data}`);
  }
  const sealed = await stage.cluster.get(stage.ref('Secret', 'sealed'));
  const password = Buffer.from(textAt(sealed, 'data', 'password'), 'base64').toString();
  if (password !== PASSWORD) throw new StepFailure('the Secret that SOPS encrypted is not decrypted in the cluster');
}

async function leavingIsPruned(stage: Stage, kept: Files): Promise<void> {
  const commit = await stage.servers.repositories.commit(NAME, kept, 'Drop a ConfigMap');
  await stage.reconcile('GitRepository', NAME);
  await stage.until(stage.ref('Kustomization', NAME), `at ${commit}`, (object) =>
    textAt(object, 'status', 'lastAppliedRevision').endsWith(commit),
  );
  await stage.wait('ConfigMap leaving is pruned', stage.ref('Kustomization', NAME), async () => {
    return (await stage.cluster.get(stage.ref('ConfigMap', 'leaving'))) === undefined;
  });
  if ((await stage.cluster.get(stage.ref('ConfigMap', 'settings'))) === undefined) {
    throw new StepFailure('a ConfigMap that is still in the repository was pruned');
  }
}
