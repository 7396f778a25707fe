// SPDX-License-Identifier: Apache-2.0
import { messageOf, OakumError } from '#core';
import { type Cluster, openCluster } from '#kubernetes';
import { StepFailure } from './failure.ts';
import { type ScenarioServers, startServers } from './servers/servers.ts';
import { openStage, type Scenery } from './stage.ts';
import { artifactGenerator } from './steps/artifact-generator.ts';
import { readKinds } from './steps/definitions.ts';
import { helmRelease } from './steps/helm-release.ts';
import { images } from './steps/images.ts';
import { kustomization } from './steps/kustomization.ts';
import { alert, receiver } from './steps/notifications.ts';
import { bucket, gitOverHttps, gitOverSsh, helmRegistry, helmRepository, ociRepository } from './steps/sources.ts';
import type { Step } from './steps/step.ts';
import type { ScenarioRequest, StepResult } from './types.ts';

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
];

/** How long one thing is waited for, in milliseconds: seconds are usual, but a machine may have other work too. */
const PATIENCE = 90_000;
/** How long a step may take in all. */
const STEP_WITHIN = 200_000;
const DEFINITIONS = 'CustomResourceDefinitions are established';

/**
 * Plays the scenario on a cluster with the controllers of a revision: servers of its own on loopback, one namespace for each step, all
 * steps at once. What does not work is a verdict with its reason. Throws the signal's reason where aborted, and what keeps the servers
 * from starting (no git).
 */
export async function runScenario(request: ScenarioRequest): Promise<readonly StepResult[]> {
  const { clock, run, signal } = request;
  const cluster = await openCluster({ files: [request.cluster.kubeconfig] }, { clock, run, signal });
  const servers = await startServers(request.folder, request);
  try {
    return await play(request, cluster, servers);
  } finally {
    await servers.stop();
  }
}

async function play(
  request: ScenarioRequest,
  cluster: Cluster,
  servers: ScenarioServers,
): Promise<readonly StepResult[]> {
  const { clock, controllers, signal } = request;
  let kinds: Scenery['kinds'] | undefined;
  const first = await judge(DEFINITIONS, request, async () => {
    kinds = (await readKinds(cluster)).stored;
    return `${[...kinds.keys()].sort().join(', ')}`;
  });
  if (kinds === undefined) return [first, ...STEPS.map((step) => skip(step.name, 'there are no CRDs to use'))];
  const scenery: Scenery = { cluster, servers, controllers, kinds, clock, signal, patience: PATIENCE };
  const rest = await Promise.all(
    STEPS.map(({ name, namespace, play: playStep }) =>
      judge(name, request, async (stepSignal) =>
        playStep(await openStage({ ...scenery, signal: stepSignal }, namespace)),
      ),
    ),
  );
  return [first, ...rest];
}

function skip(name: string, detail: string): StepResult {
  return { name, verdict: 'skipped', milliseconds: 0, detail };
}

/** Runs a step to its verdict, in the time that a step has. Throws only the signal's reason. */
async function judge(
  name: string,
  { report, clock, signal }: ScenarioRequest,
  playStep: (stepSignal: AbortSignal) => Promise<string>,
): Promise<StepResult> {
  const start = performance.now();
  const names = { subject: 'scenario', step: name };
  report({ kind: 'step-started', ...names });
  const done = new AbortController();
  const stepSignal = AbortSignal.any([signal, done.signal]);
  const late = clock.sleep(STEP_WITHIN, stepSignal).then(() => {
    throw new StepFailure(`not done after ${STEP_WITHIN / 1000} s`);
  });
  late.catch(() => {}); // the step was first
  try {
    const detail = await Promise.race([playStep(stepSignal), late]);
    const milliseconds = Math.round(performance.now() - start);
    report({ kind: 'step-finished', ...names, cached: false, milliseconds });
    return { name, verdict: 'passed', milliseconds, detail };
  } catch (error) {
    signal.throwIfAborted();
    const detail = reasonOf(error);
    report({ kind: 'step-failed', ...names, message: detail });
    return { name, verdict: 'failed', milliseconds: Math.round(performance.now() - start), detail };
  } finally {
    done.abort();
  }
}

/** A failure of the step tells all; another error tells what, where and what to do. */
function reasonOf(error: unknown): string {
  if (error instanceof StepFailure) return error.message;
  if (!(error instanceof OakumError)) return messageOf(error);
  return [error.message, error.where, error.hint].filter((part) => part !== undefined).join('\n  ');
}
