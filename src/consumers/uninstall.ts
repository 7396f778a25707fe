// SPDX-License-Identifier: Apache-2.0
import type { Report } from '#core';
import {
  type Cluster,
  describeRef,
  isKubernetesError,
  type KubernetesObject,
  type ObjectRef,
  orderForApply,
  refOf,
  type ServerVersion,
} from '#kubernetes';
import { type Outcome, refuseBlocked, removeIfOurs, runSteps, type Step } from './carry-out.ts';
import { kindOf, readDefinition } from './definition.ts';
import { ConsumerError } from './error.ts';
import {
  FIELD_MANAGER,
  findInstallation,
  type Installation,
  isDefinition,
  isOurs,
  RECORD_NAME,
} from './installation.ts';
import { type Blocker, findOwners } from './ownership.ts';
import { missingRights, rightBlockers, rightsFor } from './rights.ts';

/** The finalizer with which Flux's controllers hold their objects back until they have cleaned up. */
const FLUX_FINALIZER = 'finalizers.fluxcd.io';

/** What an uninstallation would do. Making one changes nothing. */
export interface Uninstallation {
  readonly verb: 'uninstall';
  readonly cluster: { readonly context: string; readonly server: string; readonly version: ServerVersion };
  readonly from: Installation;
  /** In the order in which they are deleted. */
  readonly removed: readonly ObjectRef[];
  /** What stays, and why. */
  readonly kept: readonly { readonly ref: ObjectRef; readonly reason: string }[];
  /** The definitions that go, with how many objects of each. */
  readonly definitions: readonly { readonly ref: ObjectRef; readonly objects: number }[];
  /** Objects whose finalizer is removed first, since the controller that would do it is gone by then. */
  readonly released: readonly ObjectRef[];
  readonly blockers: readonly Blocker[];
}

/** How an uninstallation is planned. */
export interface UninstallOptions {
  readonly namespace: string;
  /** Delete the definitions too, and with them all objects of Flux. */
  readonly definitions?: boolean;
}

/** Looks at what is installed; gives what would be deleted and what stays. Throws `NOT_INSTALLED` where no record of ours is. */
export async function planUninstall(cluster: Cluster, options: UninstallOptions): Promise<Uninstallation> {
  const version = await cluster.version();
  const from = await findInstallation(cluster, options.namespace);
  if (from?.by !== 'oakum') {
    const what =
      from === undefined ? 'there is no Flux' : `Flux ${from.release} is there, but Oakum did not install it,`;
    throw new ConsumerError('NOT_INSTALLED', `${what} in the namespace ${options.namespace}`, {
      where: `context ${cluster.context}`,
      hint: 'Choose another with --namespace or --context. What others installed, they remove: `flux uninstall`, Helm, the Flux Operator.',
    });
  }
  const live = await Promise.all(from.objects.map(async (ref) => ({ ref, object: await cluster.get(ref) })));
  const there = live.filter((one): one is { ref: ObjectRef; object: KubernetesObject } => one.object !== undefined);
  const sorted = await sort(cluster, there, options);
  const rights = (await Promise.all(sorted.removed.map((ref) => rightsFor(cluster, ref, ['get', 'delete'])))).flat();
  const missing = await missingRights(cluster, rights);
  return {
    verb: 'uninstall',
    cluster: { context: cluster.context, server: cluster.server, version },
    from,
    ...sorted,
    blockers: [...(await findOwners(cluster, options.namespace)), ...rightBlockers(missing)],
  };
}

type Sorted = Pick<Uninstallation, 'removed' | 'kept' | 'definitions' | 'released'>;

async function sort(
  cluster: Cluster,
  there: readonly { readonly ref: ObjectRef; readonly object: KubernetesObject }[],
  options: UninstallOptions,
): Promise<Sorted> {
  const kept: { ref: ObjectRef; reason: string }[] = [];
  const removed: KubernetesObject[] = [];
  const definitions: { ref: ObjectRef; objects: number }[] = [];
  const released: ObjectRef[] = [];
  for (const { ref, object } of there) {
    if (!isOurs(object)) kept.push({ ref, reason: 'someone else applies it' });
    else if (ref.kind === 'Namespace') kept.push({ ref, reason: 'other things may be in it' });
    else if (!isDefinition(ref)) removed.push(object);
    else if (!options.definitions) kept.push({ ref, reason: 'with it all its objects would go (--crds)' });
    else {
      const objects = await objectsOf(cluster, object);
      definitions.push({ ref, objects: objects.length });
      released.push(...objects.filter(holdsBack).map(refOf));
    }
  }
  const { rest } = orderForApply(removed);
  return { removed: rest.map(refOf).reverse(), kept, definitions, released };
}

async function objectsOf(cluster: Cluster, object: KubernetesObject): Promise<readonly KubernetesObject[]> {
  const definition = readDefinition(object);
  return definition === undefined ? [] : cluster.list(kindOf(definition, definition.storage));
}

function holdsBack({ metadata }: KubernetesObject): boolean {
  return (metadata.finalizers ?? []).includes(FLUX_FINALIZER);
}

const GONE_MILLISECONDS = 120_000;

/**
 * Carries an uninstallation out, as `flux uninstall` orders it: controllers and their rights, then finalizers, then definitions, the record
 * last. Finalizers of others are never touched. After an interruption the same command goes on.
 */
export function uninstall(
  plan: Uninstallation,
  cluster: Cluster,
  options: { readonly report: Report; readonly signal?: AbortSignal | undefined },
): Promise<Outcome> {
  refuseBlocked(plan);
  const record = { apiVersion: 'v1', kind: 'ConfigMap', name: RECORD_NAME, namespace: plan.from.namespace };
  const steps: Step[] = [
    ...plan.removed.map((ref) => ({ what: `delete ${describeRef(ref)}`, run: () => removeIfOurs(cluster, ref) })),
    ...plan.definitions.flatMap(({ ref }) => definitionSteps(cluster, ref)),
    {
      what: 'delete the record of the installation',
      run: async () => {
        await cluster.remove(record);
      },
    },
  ];
  return runSteps(steps, options);
}

/** Objects made since the plan are released too: they are listed again. */
function definitionSteps(cluster: Cluster, ref: ObjectRef): readonly Step[] {
  return [
    { what: `release what controllers held back of ${ref.name}`, run: () => releaseAll(cluster, ref) },
    {
      what: `delete ${describeRef(ref)} and all its objects`,
      run: async () => {
        await removeIfOurs(cluster, ref);
        await releaseAll(cluster, ref);
        await cluster.waitFor(ref, (live) => live === undefined, {
          what: 'gone',
          timeoutMilliseconds: GONE_MILLISECONDS,
        });
      },
    },
  ];
}

async function releaseAll(cluster: Cluster, ref: ObjectRef): Promise<void> {
  const definition = await cluster.get(ref);
  if (definition === undefined) return;
  const objects = await objectsOf(cluster, definition).catch((error: unknown) => {
    if (isKubernetesError(error, 'KIND_UNKNOWN', 'CLUSTER_NOT_FOUND')) return [];
    throw error;
  });
  for (const object of objects.filter(holdsBack)) await release(cluster, object);
}

async function release(cluster: Cluster, object: KubernetesObject): Promise<void> {
  const finalizers = (object.metadata.finalizers ?? []).filter((name) => name !== FLUX_FINALIZER);
  const { resourceVersion } = object.metadata;
  try {
    // With its resource version: whoever adds a finalizer at this moment does not lose it.
    await cluster.patch(refOf(object), {
      type: 'merge',
      body: { metadata: { resourceVersion, finalizers } },
      manager: FIELD_MANAGER,
    });
  } catch (error) {
    if (isKubernetesError(error, 'CLUSTER_NOT_FOUND')) return;
    if (!isKubernetesError(error, 'CLUSTER_CONFLICT')) throw error;
    const again = await cluster.get(refOf(object));
    if (again !== undefined && holdsBack(again)) await release(cluster, again);
  }
}
