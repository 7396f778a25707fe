// SPDX-License-Identifier: Apache-2.0
import { at, describeRef, type KubernetesObject, type ObjectRef } from '#kubernetes';
import { packChart } from './content/chart.ts';
import { StepFailure } from './failure.ts';
import {
  configMapYaml,
  gitRepository,
  helmRelease,
  helmRepository,
  imageRepository,
  kustomizationOf,
  loginSecrets,
  secret,
} from './objects.ts';
import { publishCharts, publishImages } from './publish.ts';
import type { Stage } from './stage.ts';

const NAME = 'upgrade';
const FILE = 'deploy/settings.yaml';
/** What controllers must have made ready before, and must keep so. */
const KINDS = [
  ['GitRepository', NAME],
  ['HelmRepository', 'charts'],
  ['Kustomization', NAME],
  ['HelmRelease', NAME],
  ['ImageRepository', NAME],
  ['Receiver', NAME],
  ['ImagePolicy', NAME],
] as const;
/** What the controllers made in their turn. */
const MADE = [
  ['ConfigMap', 'settings'],
  ['ConfigMap', NAME],
] as const;

/** What must be the same after an upgrade. */
export interface BeforeUpgrade {
  /** The uid of each object, by its kind and name. */
  readonly identities: ReadonlyMap<string, string>;
  readonly webhookPath: unknown;
  readonly releases: number;
}

/** Puts objects of all controllers in place and waits until they are ready; gives what must outlast an upgrade. */
export async function prepareUpgrade(stage: Stage): Promise<BeforeUpgrade> {
  const { servers } = stage;
  await servers.repositories.create(NAME, { [FILE]: configMapYaml('settings', { round: 'before' }) });
  publishCharts(stage, NAME, [packChart({ name: NAME, version: '1.0.0' })]);
  publishImages(stage, `images/${NAME}`, ['1.0.0']);
  await stage.apply(
    ...loginSecrets(servers),
    secret('token', { token: 'a secret of the scenario' }),
    gitRepository(NAME, servers),
    helmRepository(NAME, servers),
    helmRelease(NAME, '1.x'),
    imageRepository(NAME, `images/${NAME}`, servers),
    ...othersOf(stage),
  );
  for (const [kind, name] of KINDS) await stage.ready(kind, name);
  return snapshot(stage);
}

function othersOf({ namespace, kinds }: Stage) {
  return [
    kustomizationOf(NAME, namespace),
    {
      kind: 'ImagePolicy',
      name: NAME,
      spec: { imageRepositoryRef: { name: NAME }, policy: { semver: { range: '>=1.0.0' } } },
    },
    {
      kind: 'Receiver',
      name: NAME,
      spec: {
        type: 'generic-hmac',
        secretRef: { name: 'token' },
        resources: [{ apiVersion: kinds.get('GitRepository'), kind: 'GitRepository', name: NAME }],
      },
    },
  ];
}

/**
 * Judges the cluster after an upgrade: all objects are ready and the same ones, nothing was made anew, and a change to each source still
 * goes through. Gives what was seen; throws {@link StepFailure}.
 */
export async function judgeUpgrade(stage: Stage, before: BeforeUpgrade): Promise<string> {
  for (const [kind, name] of KINDS) {
    await stage.reconcile(kind, name);
    await stage.ready(kind, name);
  }
  const after = await snapshot(stage);
  for (const [name, uid] of before.identities) {
    if (after.identities.get(name) !== uid) throw new StepFailure(`${name} is not the object that it was before`);
  }
  if (after.webhookPath !== before.webhookPath) throw new StepFailure('the path of the webhook has changed');
  if (after.releases !== before.releases) throw new StepFailure('the upgrade made a new release of an unchanged chart');
  await changeGoesThrough(stage);
  return `${before.identities.size} objects kept, changes go through`;
}

async function changeGoesThrough(stage: Stage): Promise<void> {
  await stage.servers.repositories.commit(NAME, { [FILE]: configMapYaml('settings', { round: 'after' }) }, 'After');
  publishCharts(
    stage,
    NAME,
    ['1.0.0', '1.1.0'].map((version) => packChart({ name: NAME, version })),
  );
  publishImages(stage, `images/${NAME}`, ['1.1.0']);
  for (const kind of ['GitRepository', 'ImageRepository']) await stage.reconcile(kind, NAME);
  await stage.reconcile('HelmRepository', 'charts');
  const expected: readonly (readonly [ObjectRef, unknown, ...string[]])[] = [
    [stage.ref('ConfigMap', 'settings'), 'after', 'data', 'round'],
    [stage.ref('ConfigMap', NAME), '1.1.0', 'data', 'chart'],
    [stage.ref('ImagePolicy', NAME), '1.1.0', 'status', 'latestRef', 'tag'],
  ];
  for (const [ref, wanted, ...path] of expected) {
    await stage.until(ref, `at ${String(wanted)}`, (object) => at(object, ...path) === wanted);
  }
}

async function snapshot(stage: Stage): Promise<BeforeUpgrade> {
  const objects = new Map<string, KubernetesObject>();
  for (const [kind, name] of [...KINDS, ...MADE]) {
    const ref = stage.ref(kind, name);
    const object = await stage.cluster.get(ref);
    if (object === undefined) throw new StepFailure(`${describeRef(ref)} is gone`);
    objects.set(`${kind} ${name}`, object);
  }
  const history = at(objects.get(`HelmRelease ${NAME}`), 'status', 'history');
  return {
    identities: new Map([...objects].map(([name, object]) => [name, object.metadata.uid ?? ''])),
    webhookPath: at(objects.get(`Receiver ${NAME}`), 'status', 'webhookPath'),
    releases: Array.isArray(history) ? history.length : 0,
  };
}
