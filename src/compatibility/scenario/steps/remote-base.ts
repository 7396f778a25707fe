// SPDX-License-Identifier: Apache-2.0
import { conditionOf, type KubernetesObject } from '#kubernetes';
import { StepFailure } from '../failure.ts';
import { configMapYaml, gitRepository, kustomizationOf, loginSecrets } from '../objects.ts';
import { readyMessage, textAt } from '../reading.ts';
import type { Stage } from '../stage.ts';
import type { Step } from './step.ts';

const NAME = 'remote-base';
const BASE = 'remote-base-elsewhere';
const SETTINGS = 'from-elsewhere';

/** Where git is in the image, kustomize fetches a base from another repository; where it is not, the Kustomization says so. */
export const remoteBase: Step = {
  name: 'Kustomize: a base in another repository is built, or refused in clear words',
  namespace: 'oakum-remote-base',
  async play(stage) {
    await publish(stage);
    const app = stage.ref('Kustomization', NAME);
    if (stage.controllers.programs.git) {
      await stage.ready('Kustomization', NAME);
      const found = await stage.cluster.get(stage.ref('ConfigMap', SETTINGS));
      if (textAt(found, 'data', 'from') !== 'elsewhere') throw new StepFailure('what the base holds is not applied');
      return 'fetched by git, which the image has';
    }
    const refused = await stage.until(app, 'refused, naming the base', isRefused);
    const words = readyMessage(refused).replaceAll(stage.servers.login.password, '...'); // which would stand in the evidence
    return `no git in the image; the Kustomization says: ${words}`;
  },
};

async function publish(stage: Stage): Promise<void> {
  const { repositories, login } = stage.servers;
  await repositories.create(BASE, {
    'base/kustomization.yaml': JSON.stringify({ resources: ['settings.yaml'] }),
    'base/settings.yaml': configMapYaml(SETTINGS, { from: 'elsewhere' }),
  });
  const url = `https://${login.username}:${login.password}@${stage.outsideGit}/${BASE}.git//base?ref=main`;
  await repositories.create(NAME, { 'deploy/kustomization.yaml': JSON.stringify({ resources: [url] }) });
  await stage.apply(
    ...loginSecrets(stage.servers),
    gitRepository(NAME, stage.servers),
    kustomizationOf(NAME, stage.namespace),
  );
}

function isRefused(object: KubernetesObject): boolean {
  return conditionOf(object, 'Ready')?.status === 'False' && readyMessage(object).includes(`${BASE}.git`);
}
