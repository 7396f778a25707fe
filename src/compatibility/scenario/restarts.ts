// SPDX-License-Identifier: Apache-2.0
import { at, type KubernetesObject } from '#kubernetes';
import { StepFailure } from './failure.ts';
import { configMapYaml, gitRepository, kustomizationOf, loginSecrets } from './objects.ts';
import type { Stage } from './stage.ts';
import type { ScenarioRequest } from './types.ts';

const NAME = 'restarts';
const filesOf = (round: string) => ({ 'deploy/settings.yaml': configMapYaml('settings', { round }) });

/**
 * Restarts the API server under the controllers, then the controllers, and sees that a commit still comes into the cluster and that
 * nothing was made anew. Gives what was seen; throws {@link StepFailure}. The controllers are restarted in any case: one whose API server
 * is away for longer than its lease ends by itself, for the kubelet to start it again.
 */
export async function playRestarts(stage: Stage, request: ScenarioRequest): Promise<string> {
  await stage.servers.repositories.create(NAME, filesOf('before'));
  await stage.apply(
    ...loginSecrets(stage.servers),
    gitRepository(NAME, stage.servers),
    kustomizationOf(NAME, stage.namespace),
  );
  await stage.ready('Kustomization', NAME);
  const before = await comesIn(stage, 'before');
  await request.cluster.restart();
  await request.controllers.restart();
  await stage.servers.repositories.commit(NAME, filesOf('after'), 'after');
  await stage.reconcile('GitRepository', NAME);
  const after = await comesIn(stage, 'after');
  if (after.metadata.uid !== before.metadata.uid) throw new StepFailure('the ConfigMap was made anew');
  return 'a commit came in after both were restarted';
}

function comesIn(stage: Stage, round: string): Promise<KubernetesObject> {
  const isThere = (object: KubernetesObject) => at(object, 'data', 'round') === round;
  return stage.until(stage.ref('ConfigMap', 'settings'), `at "${round}"`, isThere);
}
