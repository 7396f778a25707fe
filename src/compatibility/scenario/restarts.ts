// SPDX-License-Identifier: Apache-2.0
import { at } from '#kubernetes';
import { configMapYaml, gitRepository, kustomizationOf, loginSecrets } from './objects.ts';
import type { Stage } from './stage.ts';
import type { ScenarioRequest } from './types.ts';

const NAME = 'restarts';
const filesOf = (round: string) => ({ 'deploy/settings.yaml': configMapYaml('settings', { round }) });

/**
 * Restarts the API server under the controllers, then the controllers, and sees after each that a commit still comes into the cluster.
 * Gives what was seen; throws StepFailure.
 */
export async function playRestarts(stage: Stage, request: ScenarioRequest): Promise<string> {
  await stage.servers.repositories.create(NAME, filesOf('before'));
  await stage.apply(
    ...loginSecrets(stage.servers),
    gitRepository(NAME, stage.servers),
    kustomizationOf(NAME, stage.namespace),
  );
  await stage.ready('Kustomization', NAME);
  await request.cluster.restart();
  await comesIn(stage, 'API server restarted');
  await request.controllers.restart();
  await comesIn(stage, 'controllers restarted');
  return 'commits came in after a restart of the API server, and after one of the controllers';
}

async function comesIn(stage: Stage, round: string): Promise<void> {
  await stage.servers.repositories.commit(NAME, filesOf(round), round);
  await stage.reconcile('GitRepository', NAME);
  await stage.until(
    stage.ref('ConfigMap', 'settings'),
    `at "${round}"`,
    (object) => at(object, 'data', 'round') === round,
  );
}
