// SPDX-License-Identifier: Apache-2.0
import { at, conditionOf, type KubernetesObject } from '#kubernetes';
import { packChart } from '../content/chart.ts';
import { StepFailure } from '../failure.ts';
import { helmRelease as release, helmRepository, loginSecrets } from '../objects.ts';
import { publishCharts } from '../publish.ts';
import { isReady } from '../reading.ts';
import type { Stage } from '../stage.ts';
import type { Step } from './step.ts';

const NAME = 'release';

/** A HelmRelease that is installed, upgraded, and rolled back when the next version fails. */
export const helmRelease: Step = {
  name: 'HelmRelease is installed, upgraded and rolled back',
  namespace: 'oakum-helm-release',
  async play(stage) {
    publishCharts(stage, 'release', [
      packChart({ name: NAME, version: '1.0.0' }),
      packChart({ name: NAME, version: '1.1.0' }),
      packChart({ name: NAME, version: '1.2.0', broken: true }),
    ]);
    await stage.apply(...loginSecrets(stage.servers), helmRepository('release', stage.servers), release(NAME, '1.0.0'));
    await deployed(stage, '1.0.0');
    await stage.apply(release(NAME, '1.1.0'));
    await deployed(stage, '1.1.0');
    await stage.apply(release(NAME, '1.2.0'));
    const rolled = await stage.until(stage.ref('HelmRelease', NAME), 'rolled back', isRolledBack);
    await expectChart(stage, '1.1.0');
    return `installed 1.0.0, upgraded to 1.1.0, rolled back from 1.2.0 (${conditionOf(rolled, 'Ready')?.reason})`;
  },
};

async function deployed(stage: Stage, version: string): Promise<void> {
  await stage.until(
    stage.ref('HelmRelease', NAME),
    `ready at ${version}`,
    (object) => isReady(object) && at(object, 'status', 'history', 0, 'chartVersion') === version,
  );
  await expectChart(stage, version);
}

function isRolledBack(object: KubernetesObject): boolean {
  return (
    conditionOf(object, 'Remediated')?.status === 'True' && at(object, 'status', 'history', 0, 'status') === 'deployed'
  );
}

async function expectChart(stage: Stage, version: string): Promise<void> {
  const map = await stage.cluster.get(stage.ref('ConfigMap', NAME));
  const found = JSON.stringify(at(map, 'data'));
  const wanted = JSON.stringify({ chart: version, greeting: 'good day' });
  if (found !== wanted) throw new StepFailure(`the release's ConfigMap holds ${found} where it should hold ${wanted}`);
}
