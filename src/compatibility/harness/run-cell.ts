// SPDX-License-Identifier: Apache-2.0
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Report, RunProcess } from '#core';
import { openCluster } from '#kubernetes';
import { CompatibilityError } from '../error.ts';
import { startOutside } from '../outside.ts';
import type { RunScenario, ScenarioControllers, StepResult } from '../scenario/types.ts';
import { chooseAddresses } from './addresses.ts';
import { type ApiServer, startApiServer } from './api-server.ts';
import { hasProgram } from './contain.ts';
import {
  type ControllersRequest,
  LOOKS_OUTSIDE,
  type RunnableRevision,
  type RunningControllers,
  startControllers,
} from './controllers.ts';

/** What is tested, and on what. */
export interface CellRequest {
  /** kube-apiserver, an executable. */
  readonly program: string;
  readonly revision: RunnableRevision;
  /** An older revision, which runs first and is upgraded from. */
  readonly previous?: RunnableRevision;
  readonly scenario: RunScenario;
  /** An empty folder that every user may enter; all that runs writes there, the logs to `logs` in it. */
  readonly folder: string;
  readonly searchPath: string;
  /** Whether this process is root's, so that controllers can run under their images' own user. */
  readonly privileged: boolean;
  readonly run: RunProcess;
  readonly clock: Clock;
  readonly report: Report;
  /** Its abort ends all that runs. */
  readonly signal: AbortSignal;
}

/** How one test went. */
export interface CellRun {
  /** What the API server and etcd say they are: `1.36.3`, `3.4.23`. */
  readonly kubernetes: string;
  readonly etcd: string;
  readonly began: Date;
  readonly ended: Date;
  readonly steps: readonly StepResult[];
  /** Files that the programs have printed to, by name. */
  readonly logs: Readonly<Record<string, string>>;
}

const READY = 'install manifests apply, and all controllers become ready';
const ALIVE = 'no controller has ended by itself';
/** What says that the revision does not run here; any other error says that the test can't be made. */
const VERDICTS: readonly string[] = ['MANIFESTS_REFUSED', 'PROGRAM_FAILED'] satisfies CompatibilityError['code'][];

/**
 * Makes one test: a fresh API server, the controllers of a revision on it, the scenario. Everything has ended when this is over,
 * however it ends. That the revision does not install or start is a failed step; throws where the test itself can't be made:
 * `ETCD_MISSING`, an API server that does not start, images that can't be run, and the signal's reason.
 */
export async function runCell(request: CellRequest): Promise<CellRun> {
  const { clock, folder, run, signal } = request;
  const began = clock.now();
  const logFolder = join(folder, 'logs');
  await mkdir(logFolder, { mode: 0o755 });
  const apiServer = await startApiServer({ ...request, folder: join(folder, 'cluster'), logFolder });
  const outside = await startOutside(clock);
  try {
    const cluster = await openCluster({ files: [apiServer.kubeconfig] }, { clock, run, signal });
    const addresses = await chooseAddresses(componentsOf(request));
    const parts = { apiServer, cluster, addresses, outside, logFolder, tools: { run, clock, signal } };
    const steps = await playOn(apiServer, parts, request);
    const names = await readdir(logFolder);
    return {
      kubernetes: apiServer.version,
      etcd: apiServer.etcdVersion,
      began,
      ended: clock.now(),
      steps,
      logs: Object.fromEntries(names.sort().map((name) => [name, join(logFolder, name)])),
    };
  } finally {
    await Promise.all([apiServer.stop(), outside.stop()]);
  }
}

type Parts = Omit<ControllersRequest, 'folder' | 'searchPath' | 'privileged'>;

async function playOn(apiServer: ApiServer, parts: Parts, request: CellRequest): Promise<readonly StepResult[]> {
  const { folder, previous, revision, scenario } = request;
  const runner = openRunner(parts, request);
  try {
    const ready = await judge(READY, () => runner.start(previous ?? revision));
    if (ready.verdict === 'failed') return [ready];
    const work = join(folder, 'scenario');
    await mkdir(work, { mode: 0o700 });
    const controllers: ScenarioControllers = {
      namespace: runner.namespace(),
      revision: revision.revision,
      addresses: parts.addresses.shared,
      outside: parts.outside,
      programs: await programsOf(revision),
      restart: () => runner.restart(),
      ...(previous === undefined ? {} : { upgrade: () => runner.start(revision) }),
    };
    const { kubeconfig, version } = apiServer;
    const cluster = { kubeconfig, version, restart: () => apiServer.restart() };
    const played = await scenario({ ...request, cluster, controllers, folder: work });
    return [ready, ...played, await judge(ALIVE, () => runner.check())];
  } finally {
    await runner.stop();
  }
}

async function programsOf({ images }: RunnableRevision): Promise<ScenarioControllers['programs']> {
  const image = images.find(({ component }) => component === LOOKS_OUTSIDE);
  const has = async (program: string) => image !== undefined && hasProgram(image.root, image.config, program);
  return { git: await has('git'), gpg: await has('gpg') };
}

/** The revision before may run others. */
function componentsOf({ revision, previous }: CellRequest): readonly string[] {
  const images = [...revision.images, ...(previous?.images ?? [])];
  return [...new Set(images.map(({ component }) => component))];
}

/** Holds the controllers that run now; starting others stops them first. Each start has a folder of its own, as a new pod has. */
function openRunner(parts: Parts, request: CellRequest) {
  let current: RunningControllers | undefined;
  let revision = request.revision;
  let starts = 0;
  const start = async (wanted: RunnableRevision) => {
    revision = wanted;
    await current?.stop();
    starts += 1;
    const folder = join(request.folder, `controllers-${starts}`);
    await mkdir(folder, { mode: 0o755 });
    current = await startControllers(wanted, { ...parts, ...request, folder });
  };
  return {
    start,
    restart: () => start(revision),
    namespace: () => current?.namespace ?? '',
    async check() {
      const failure = current?.failure();
      if (failure !== undefined) throw failure;
    },
    async stop() {
      await current?.stop();
    },
  };
}

async function judge(name: string, play: () => Promise<void>): Promise<StepResult> {
  const start = performance.now();
  const took = () => Math.round(performance.now() - start);
  try {
    await play();
    return { name, verdict: 'passed', milliseconds: took() };
  } catch (error) {
    if (!(error instanceof CompatibilityError && VERDICTS.includes(error.code))) throw error;
    return {
      name,
      verdict: 'failed',
      milliseconds: took(),
      detail: [error.message, error.where].filter(Boolean).join('\n'),
    };
  }
}
