// SPDX-License-Identifier: Apache-2.0
import { type Clock, messageOf, OakumError, type Report } from '#core';
import {
  at,
  type Cluster,
  conditionOf,
  describeRef,
  isKubernetesError,
  type KubernetesObject,
  type ObjectRef,
  orderForApply,
  refOf,
} from '#kubernetes';
import { ConsumerError } from './error.ts';
import { FIELD_MANAGER, type Installation, isDefinition, isOurs, toRecord, unionOf } from './installation.ts';
import { migrate } from './migration.ts';
import type { Plan } from './plan.ts';
import { mayGo } from './strays.ts';

/** How a plan is carried out. */
export interface CarryOutOptions {
  readonly clock: Clock;
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
  readonly force?: boolean;
  /** How long to wait for the controllers to be available; undefined: do not wait. */
  readonly waitMilliseconds?: number | undefined;
}

/** One thing to do, in words and deeds. */
export interface Step {
  readonly what: string;
  readonly run: () => Promise<void>;
}

/** What was done. */
export interface Outcome {
  readonly done: readonly string[];
}

const ROUND_MILLISECONDS = 10_000;
const ESTABLISH_ROUNDS = 12;
const NUDGE = 'oakum/nudge';

/**
 * Carries out a plan that nothing blocks; throws `PLAN_BLOCKED` otherwise. Each step may be done again, so after an interruption the
 * same command goes on; what is done and what is left is told by `CLUSTER_HALF_CHANGED`.
 */
export async function carryOut(plan: Plan, cluster: Cluster, options: CarryOutOptions): Promise<Outcome> {
  refuseBlocked(plan);
  return runSteps(stepsOf(plan, cluster, options), options);
}

/** Throws `PLAN_BLOCKED` with every reason, where there is one. */
export function refuseBlocked({
  verb,
  blockers,
  cluster,
}: Pick<Plan, 'blockers'> & { readonly verb: string; readonly cluster: Pick<Cluster, 'context'> }): void {
  if (blockers.length === 0) return;
  const reasons = blockers.map(({ message, hint }) => `  ${message}\n    ${hint.replaceAll('\n', '\n    ').trimEnd()}`);
  throw new ConsumerError('PLAN_BLOCKED', `${verb} was refused, and nothing was changed:\n${reasons.join('\n')}`, {
    where: `context ${cluster.context}`,
  });
}

/** Runs steps in order; an error tells which are done and which are left. */
export async function runSteps(
  steps: readonly Step[],
  { report, signal }: Pick<CarryOutOptions, 'report' | 'signal'>,
): Promise<Outcome> {
  const done: string[] = [];
  for (const [index, { what, run }] of steps.entries()) {
    const start = performance.now();
    report({ kind: 'step-started', subject: 'cluster', step: what });
    try {
      signal?.throwIfAborted();
      await run();
    } catch (error) {
      report({ kind: 'step-failed', subject: 'cluster', step: what, message: messageOf(error) });
      throw halfChanged(
        error,
        done,
        steps.slice(index).map((step) => step.what),
      );
    }
    done.push(what);
    report({
      kind: 'step-finished',
      subject: 'cluster',
      step: what,
      cached: false,
      milliseconds: performance.now() - start,
    });
  }
  return { done };
}

function halfChanged(error: unknown, done: readonly string[], left: readonly string[]): unknown {
  if (!(error instanceof OakumError)) return error;
  if (done.length === 0) return error;
  const list = (names: readonly string[]) => names.map((name) => `\n    ${name}`).join('');
  const message = `${error.message}\n  done (${done.length}):${list(done)}\n  left to do (${left.length}):${list(left)}`;
  return new ConsumerError('CLUSTER_HALF_CHANGED', message, {
    ...(error.where === undefined ? {} : { where: error.where }),
    cause: error,
    hint: `Run the same command again: what is done is not done twice. ${error.hint ?? ''}`.trim(),
  });
}

function stepsOf(plan: Plan, cluster: Cluster, options: CarryOutOptions): readonly Step[] {
  const { changes, migrations, to } = plan;
  const apply = (object: KubernetesObject) => () => applyOne(cluster, object, options.force ?? false);
  const applied = changes.filter(({ action }) => action === 'create' || action === 'change');
  const stages = orderForApply(applied.flatMap(({ object }) => object ?? []));
  const toApplySteps = (objects: readonly KubernetesObject[]) =>
    objects.map((object) => ({ what: `apply ${describeRef(refOf(object))}`, run: apply(object) }));
  const namespaces = stages.definitions.filter((object) => !isDefinition(object));
  const definitions = stages.definitions.filter(isDefinition);
  const removals = changes.filter(({ action }) => action === 'remove');
  const isDone = applied.length + removals.length + migrations.length === 0 && plan.from?.state === 'complete';
  const record = (state: Installation['state']) => async () => {
    await cluster.apply(toRecord(recordOf(plan, state)), { manager: FIELD_MANAGER, force: true });
  };
  return [
    ...migrations.map((migration) => ({
      what: `migrate ${migration.definition} from ${migration.storedBefore.join(', ')} to ${migration.to} (${migration.objects} objects)`,
      run: () => migrate(migration, { cluster, clock: options.clock, signal: options.signal }),
    })),
    ...toApplySteps(namespaces),
    ...(isDone ? [] : [{ what: 'note that a change began', run: record('changing') }]),
    ...toApplySteps(definitions),
    ...(definitions.length === 0
      ? []
      : [{ what: 'wait until the definitions are established', run: () => establish(cluster, definitions) }]),
    ...toApplySteps(stages.rest),
    ...removals.map((change) => ({
      what: `delete ${describeRef(change.ref)}`,
      run: () => removeIf(cluster, change.ref, (live) => mayGo(live, to.namespace, options.force ?? false)),
    })),
    ...waitSteps(plan, cluster, options),
    ...(isDone ? [] : [{ what: `note that ${to.revision ?? to.release} is installed`, run: record('complete') }]),
  ];
}

/** What we changed ourselves by other means than applying (a migration) is ours to take. */
async function applyOne(cluster: Cluster, object: KubernetesObject, force: boolean): Promise<void> {
  try {
    await cluster.apply(object, { manager: FIELD_MANAGER, force });
  } catch (error) {
    const isOwn =
      isKubernetesError(error, 'CLUSTER_CONFLICT') &&
      error.causes.length > 0 &&
      error.causes.every(({ manager }) => manager === FIELD_MANAGER);
    if (!isOwn) throw error;
    await cluster.apply(object, { manager: FIELD_MANAGER, force: true });
  }
}

function recordOf({ from, to }: Plan, state: Installation['state']): Installation {
  const wanted = to.objects.map(refOf);
  const kept = (from?.objects ?? []).filter((ref) => isDefinition(ref));
  return {
    by: 'oakum',
    namespace: to.namespace,
    release: to.release,
    revision: to.revision,
    channel: to.channel,
    manifests: to.digest,
    state,
    objects: state === 'changing' ? unionOf(from?.objects ?? [], wanted) : unionOf(wanted, kept),
  };
}

async function establish(cluster: Cluster, definitions: readonly KubernetesObject[]): Promise<void> {
  await Promise.all(definitions.map((definition) => establishOne(cluster, refOf(definition))));
}

/**
 * An API server that is stopped after it accepted a definition's names and before it established it looks at it again only when it
 * changes, or after five minutes (crdHandler of apiextensions-apiserver): so it is changed, and changed back.
 */
async function establishOne(cluster: Cluster, ref: ObjectRef): Promise<void> {
  const isEstablished = (live: KubernetesObject | undefined) =>
    live !== undefined && conditionOf(live, 'Established')?.status === 'True';
  for (let left = ESTABLISH_ROUNDS; ; left -= 1) {
    try {
      await cluster.waitFor(ref, isEstablished, { what: 'established', timeoutMilliseconds: ROUND_MILLISECONDS });
      return;
    } catch (error) {
      if (left === 0 || !isKubernetesError(error, 'WAIT_TIMED_OUT')) throw error;
      for (const nudge of ['', null])
        await cluster.patch(ref, {
          type: 'merge',
          body: { metadata: { annotations: { [NUDGE]: nudge } } },
          manager: FIELD_MANAGER,
        });
    }
  }
}

/** Deletes what we applied, and nothing else. */
export function removeIfOurs(cluster: Cluster, ref: ObjectRef): Promise<void> {
  return removeIf(cluster, ref, isOurs);
}

/** Between plan and deed someone may have taken it over: looked at again. */
async function removeIf(cluster: Cluster, ref: ObjectRef, may: (live: KubernetesObject) => boolean): Promise<void> {
  const live = await cluster.get(ref);
  if (live === undefined || !may(live)) return;
  await cluster.remove(ref, { uid: live.metadata.uid });
}

function waitSteps({ to }: Plan, cluster: Cluster, { waitMilliseconds, clock }: CarryOutOptions): readonly Step[] {
  if (waitMilliseconds === undefined) return [];
  const deployments = to.objects.filter(({ kind }) => kind === 'Deployment').map(refOf);
  let end: number | undefined;
  return deployments.map((ref) => ({
    what: `wait for ${describeRef(ref)}`,
    run: async () => {
      end ??= clock.now().getTime() + waitMilliseconds;
      await waitAvailable(cluster, ref, Math.max(0, end - clock.now().getTime()));
    },
  }));
}

async function waitAvailable(cluster: Cluster, ref: ObjectRef, timeoutMilliseconds: number): Promise<void> {
  await cluster.waitFor(ref, (live) => live !== undefined && isAvailable(live), {
    what: 'available',
    timeoutMilliseconds,
  });
}

/** Available, and all of the newest template (as `kubectl rollout status`). */
function isAvailable(deployment: KubernetesObject): boolean {
  const number = (...path: readonly string[]) => Number(at(deployment, ...path) ?? 0);
  const wanted = Number(at(deployment, 'spec', 'replicas') ?? 1);
  return (
    number('status', 'observedGeneration') >= (deployment.metadata.generation ?? 0) &&
    number('status', 'updatedReplicas') >= wanted &&
    number('status', 'availableReplicas') >= wanted &&
    conditionOf(deployment, 'Available')?.status === 'True'
  );
}
