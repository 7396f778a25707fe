// SPDX-License-Identifier: Apache-2.0
import { at } from '#kubernetes';
import { StepFailure } from '../failure.ts';
import { gitRepository, imageRepository, INTERVAL, loginSecrets } from '../objects.ts';
import { publishImages } from '../publish.ts';
import type { Stage } from '../stage.ts';
import type { Step } from './step.ts';

const REPOSITORY = 'images/app';
const FLEET = 'fleet';
const FILE = 'apps/app.yaml';
/** Outside the automation's path. */
const OTHER = 'other/app.yaml';
const AUTHOR = { name: 'Scenario', email: 'scenario@oakum.test' };

/** Tags are scanned, a policy chooses one, and a commit with it is pushed to Git; and again when a newer tag is there. */
export const images: Step = {
  name: 'Image tags are scanned, chosen and committed to Git',
  namespace: 'oakum-images',
  async play(stage) {
    publishImages(stage, REPOSITORY, ['1.0.0', '1.1.0', '2.0.0-rc.1', 'latest']);
    const old = fileOf(stage, '1.0.0');
    await stage.servers.repositories.create(FLEET, { [FILE]: old, [OTHER]: old });
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
    await untilCommitted(stage, '1.1.0');
    publishImages(stage, REPOSITORY, ['1.2.0']);
    await stage.reconcile('ImageRepository', 'app');
    await stage.until(
      stage.ref('ImagePolicy', 'app'),
      'at 1.2.0',
      (object) => at(object, 'status', 'latestRef', 'tag') === '1.2.0',
    );
    await untilCommitted(stage, '1.2.0');
    if ((await show(stage, OTHER)) !== old.trim()) throw new StepFailure(`${OTHER} was changed, which is not its path`);
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

/** A manifest with the mark that names the policy; comments must outlast the edit. */
function fileOf({ namespace, servers }: Stage, tag: string): string {
  return `apiVersion: v1
kind: ConfigMap
metadata:
  name: app # kept
data:
  image: ${servers.registry.host}/${REPOSITORY}:${tag} # {"$imagepolicy": "${namespace}:app"}
`;
}

/** The commit is judged where it was pushed to. */
async function untilCommitted(stage: Stage, tag: string): Promise<void> {
  const wanted = fileOf(stage, tag).trim();
  const automatic = stage.ref('ImageUpdateAutomation', FLEET);
  await stage.wait(`${tag} is committed to ${FILE}`, automatic, async () => (await show(stage, FILE)) === wanted);
}

function show({ servers }: Stage, path: string): Promise<string> {
  return servers.repositories.git(FLEET, 'show', `main:${path}`);
}
