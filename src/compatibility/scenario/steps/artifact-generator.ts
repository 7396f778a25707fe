// SPDX-License-Identifier: Apache-2.0
import { at } from '#kubernetes';
import { StepFailure } from '../failure.ts';
import { configMapYaml, gitRepository, loginSecrets } from '../objects.ts';
import { isReady, textAt } from '../reading.ts';
import type { Step } from './step.ts';

/** One artifact made of the parts of two repositories. */
export const artifactGenerator: Step = {
  name: 'ArtifactGenerator composes an artifact of two sources',
  namespace: 'oakum-artifact-generator',
  async play(stage) {
    const { repositories } = stage.servers;
    const settings = configMapYaml('settings', { hello: 'world' });
    await repositories.create('base', { 'apps/one/settings.yaml': settings, 'apps/two/settings.yaml': settings });
    await repositories.create('overrides', { 'one.yaml': configMapYaml('overrides', { hello: 'again' }) });
    await stage.apply(
      ...loginSecrets(stage.servers),
      gitRepository('base', stage.servers),
      gitRepository('overrides', stage.servers),
      {
        kind: 'ArtifactGenerator',
        name: 'composed',
        spec: {
          sources: [
            { alias: 'base', kind: 'GitRepository', name: 'base' },
            { alias: 'overrides', kind: 'GitRepository', name: 'overrides' },
          ],
          artifacts: [
            {
              name: 'composed',
              copy: [
                { from: '@base/apps/one/**', to: '@artifact/' },
                { from: '@overrides/one.yaml', to: '@artifact/overrides.yaml' },
              ],
            },
          ],
        },
      },
    );
    await stage.ready('ArtifactGenerator', 'composed');
    const artifact = await stage.until(
      stage.ref('ExternalArtifact', 'composed'),
      'stored',
      (object) => isReady(object) && at(object, 'status', 'artifact') !== undefined,
    );
    const found = Object.keys(await stage.artifact(artifact))
      .sort()
      .join(', ');
    if (found !== 'overrides.yaml, settings.yaml') throw new StepFailure(`the composed artifact holds ${found}`);
    return textAt(artifact, 'status', 'artifact', 'revision');
  },
};
