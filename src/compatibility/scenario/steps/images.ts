// SPDX-License-Identifier: Apache-2.0
import { at } from '#kubernetes';
import { gitRepository, imageRepository, INTERVAL, loginSecrets } from '../objects.ts';
import { publishImages } from '../publish.ts';
import type { Stage } from '../stage.ts';
import type { Step } from './step.ts';

const REPOSITORY = 'images/app';
const FLEET = 'fleet';
const FILE = 'apps/app.yaml';
const AUTHOR = { name: 'Scenario', email: 'scenario@oakum.test' };

/** Tags are scanned, a policy chooses one, and a commit with it is pushed to Git; and again when a newer tag is there. */
export const images: Step = {
  name: 'Image tags are scanned, chosen and committed to Git',
  namespace: 'oakum-images',
  async play(stage) {
    const image = `${stage.servers.registry.host}/${REPOSITORY}`;
    publishImages(stage, REPOSITORY, ['1.0.0', '1.1.0', '2.0.0-rc.1', 'latest']);
    const line = (tag: string) => `image: ${image}:${tag} # {"$imagepolicy": "${stage.namespace}:app"}\n`;
    await stage.servers.repositories.create(FLEET, { [FILE]: line('1.0.0'), 'other/app.yaml': line('1.0.0') });
    await stage.apply(
      ...loginSecrets(stage.servers),
      gitRepository(FLEET, stage.servers),
      imageRepository('app', REPOSITORY, stage.servers),
      {
        kind: 'ImagePolicy',
        name: 'app',
        spec: { imageRepositoryRef: { name: 'app' }, policy: { semver: { range: '1.x' } } },
      },
      automation(),
    );
    await untilCommitted(stage, line('1.1.0'));
    publishImages(stage, REPOSITORY, ['1.2.0']);
    await stage.reconcile('ImageRepository', 'app');
    await stage.until(
      stage.ref('ImagePolicy', 'app'),
      'at 1.2.0',
      (object) => at(object, 'status', 'latestRef', 'tag') === '1.2.0',
    );
    await untilCommitted(stage, line('1.2.0'));
    return stage.servers.repositories.git(FLEET, 'log', '-1', '--format=%an: %s', 'main');
  },
};

function automation() {
  return {
    kind: 'ImageUpdateAutomation',
    name: FLEET,
    spec: {
      interval: INTERVAL,
      sourceRef: { kind: 'GitRepository', name: FLEET },
      git: {
        checkout: { ref: { branch: 'main' } },
        commit: { author: AUTHOR, messageTemplate: 'Update images' },
        push: { branch: 'main' },
      },
      update: { path: './apps', strategy: 'Setters' },
    },
  };
}

/** The commit is judged where it was pushed to; outside the automation's path nothing may change. */
async function untilCommitted(stage: Stage, line: string): Promise<void> {
  await stage.until(stage.ref('ImageUpdateAutomation', FLEET), `pushing ${line.trim()}`, () => true);
  const show = (path: string) => stage.servers.repositories.git(FLEET, 'show', `main:${path}`);
  await stage.wait(`${FILE} in Git holds ${line.trim()}`, async () => (await show(FILE)) === line.trim());
}
