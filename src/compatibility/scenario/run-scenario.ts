// SPDX-License-Identifier: Apache-2.0
import { type Cluster, openCluster } from '#kubernetes';
import { StepFailure } from './failure.ts';
import { judge, skip } from './judge.ts';
import { type KeyServices, startKeyServices } from './keys/key-services.ts';
import { playMigration } from './migration.ts';
import { playRestarts } from './restarts.ts';
import { OUTSIDE_GIT, startOutsideGit } from './servers/outside-git.ts';
import { type ScenarioServers, startServers } from './servers/servers.ts';
import { openStage, type Stage } from './stage.ts';
import { artifactGenerator } from './steps/artifact-generator.ts';
import { type FluxKinds, readKinds } from './steps/definitions.ts';
import { helmRelease } from './steps/helm-release.ts';
import { images } from './steps/images.ts';
import { kustomization } from './steps/kustomization.ts';
import { alert, receiver } from './steps/notifications.ts';
import { remoteBase } from './steps/remote-base.ts';
import { bucket, gitOverHttps, gitOverSsh, helmRegistry, helmRepository, ociRepository } from './steps/sources.ts';
import { sopsSteps } from './steps/sops.ts';
import type { Step } from './steps/step.ts';
import { VERIFICATION, verification } from './steps/verification.ts';
import type { ScenarioRequest, StepResult } from './types.ts';
import { type BeforeUpgrade, judgeUpgrade, prepareUpgrade } from './upgrade.ts';

const STEPS: readonly Step[] = [
  gitOverHttps,
  gitOverSsh,
  ociRepository,
  helmRepository,
  helmRegistry,
  bucket,
  kustomization,
  helmRelease,
  alert,
  receiver,
  images,
  artifactGenerator,
  remoteBase,
  ...sopsSteps,
];
const DEFINITIONS = 'CustomResourceDefinitions are established';
const BEFORE_UPGRADE = 'Objects are ready under the revision before';
const UPGRADE = 'Objects outlast the upgrade to this revision';
const RESTARTS = 'Work goes on after restarts of the API server and of the controllers';
const MIGRATION = 'Objects stored in an old API version are migrated';

/** How long one thing is waited for, in milliseconds: seconds are usual, but a machine may have other work too. */
const PATIENCE = 90_000;

/**
 * Plays the scenario on a cluster with the controllers of a revision: servers of its own on loopback, and one namespace for each step.
 * First the upgrade, where there is one to make; then all steps at once; then what would disturb others. What does not work is a verdict with its reason. Throws the signal's reason where aborted, and what keeps the servers from starting (no git).
 */
export async function runScenario(request: ScenarioRequest): Promise<readonly StepResult[]> {
  const { clock, run, signal } = request;
  const cluster = await openCluster({ files: [request.cluster.kubeconfig] }, { clock, run, signal });
  const servers = await startServers(request.folder, request);
  const running: { stop(): Promise<void> }[] = [servers];
  try {
    const keys = await startKeyServices(request.controllers.outside);
    running.push(keys);
    const git = await startOutsideGit(request.controllers.outside, servers);
    running.push(git);
    const play: Play = { request, cluster, servers, keys, outsideGit: OUTSIDE_GIT };
    const first = await judge(DEFINITIONS, request, async () => {
      const { stored } = await readKinds(cluster);
      return [...stored.keys()].sort().join(', ');
    });
    if (first.verdict !== 'passed') {
      return [first, ...STEPS.map(({ name }) => skip(name, 'there are no CRDs to use'))];
    }
    return [
      first,
      ...(await upgradeSteps(play)),
      ...(await allSteps(play)),
      await migrationStep(play),
      await restartStep(play),
    ];
  } finally {
    await Promise.all(running.map((one) => one.stop()));
  }
}

interface Play {
  readonly request: ScenarioRequest;
  readonly cluster: Cluster;
  readonly servers: ScenarioServers;
  readonly keys: KeyServices;
  readonly outsideGit: string;
}

function setStage(play: Play, kinds: FluxKinds, namespace: string, signal: AbortSignal): Promise<Stage> {
  const { clock, controllers } = play.request;
  return openStage({ ...play, controllers, kinds: kinds.stored, clock, signal, patience: PATIENCE }, namespace);
}

/** Two steps where an older revision runs now, none otherwise. CRDs are read anew after the upgrade. */
async function upgradeSteps(play: Play): Promise<readonly StepResult[]> {
  const { request, cluster } = play;
  const { upgrade } = request.controllers;
  if (upgrade === undefined) return [];
  const namespace = 'oakum-upgrade';
  let before: BeforeUpgrade | undefined;
  const first = await judge(BEFORE_UPGRADE, request, async (signal) => {
    before = await prepareUpgrade(await setStage(play, await readKinds(cluster), namespace, signal));
    return `${before.identities.size} objects`;
  });
  const second = await judge(UPGRADE, request, async (signal) => {
    await upgrade(); // in any case: the other steps are for this revision
    if (before === undefined) throw new StepFailure('the objects were not ready before');
    return judgeUpgrade(await setStage(play, await readKinds(cluster), namespace, signal), before);
  });
  return [first, second];
}

async function allSteps(play: Play): Promise<readonly StepResult[]> {
  const kinds = await readKinds(play.cluster);
  const { signed } = play.request;
  const steps = signed?.kind === 'signed' ? [...STEPS, verification(signed)] : STEPS;
  const played = await Promise.all(
    steps.map((step) =>
      judge(step.name, play.request, async (signal) => step.play(await setStage(play, kinds, step.namespace, signal))),
    ),
  );
  if (signed?.kind === 'signed') return played;
  return [...played, skip(VERIFICATION, signed?.reason ?? 'no artifact was given')];
}

async function migrationStep(play: Play): Promise<StepResult> {
  const { request, cluster } = play;
  const { migrate } = request;
  if (migrate === undefined) return skip(MIGRATION, 'nothing to migrate with was given');
  return judge(MIGRATION, request, async (signal) => {
    const kinds = await readKinds(cluster);
    return playMigration(await setStage(play, kinds, 'oakum-migration', signal), kinds.definitions, migrate);
  });
}

async function restartStep(play: Play): Promise<StepResult> {
  const { request, cluster } = play;
  return judge(RESTARTS, request, async (signal) =>
    playRestarts(await setStage(play, await readKinds(cluster), 'oakum-restarts', signal), request),
  );
}
