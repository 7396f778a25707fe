// SPDX-License-Identifier: Apache-2.0
import {
  at,
  type Cluster,
  groupOf,
  isKubernetesError,
  type KubernetesError,
  type KubernetesObject,
  refOf,
} from '#kubernetes';
import { readDefinition } from './definition.ts';
import { type Difference, differencesOf } from './difference.ts';
import { FIELD_MANAGER, isOurs } from './installation.ts';
import { leftFields } from './left-fields.ts';
import type { Blocker } from './ownership.ts';
import type { Change } from './plan.ts';
import type { Right } from './rights.ts';

/** Where objects are tried. */
export interface TryContext {
  readonly cluster: Cluster;
  /** Namespaces that are only to be made. */
  readonly spaces: ReadonlySet<string>;
}

/** What came of trying to apply one object. */
export interface Tried {
  readonly change: Change;
  readonly live: KubernetesObject | undefined;
  /** Why the API server does not take it. */
  readonly refusal?: Blocker;
  /** A right that no question but the deed itself can ask for: to grant rights one does not have. */
  readonly missing?: Right;
}

/** Lets the API server try to apply an object, and compares what would be with what is. */
export async function tryObject(object: KubernetesObject, { cluster, spaces }: TryContext): Promise<Tried> {
  const ref = refOf(object);
  const untried: Change = { ref, action: 'create', object, differences: [], conflicts: [], stays: [], tried: false };
  if (ref.namespace !== undefined && spaces.has(ref.namespace)) return { change: untried, live: undefined };
  let live: KubernetesObject | undefined;
  try {
    live = await cluster.get(ref);
    if (live !== undefined && dropsStored(live, object))
      return { change: { ...untried, ...versionChange(live, object) }, live };
    const { result, conflicts } = await dryRun(cluster, object);
    const differences = live === undefined ? [] : differencesOf(live, result);
    const action = live === undefined ? 'create' : differences.length === 0 && isOurs(live) ? 'keep' : 'change';
    const stays = live === undefined ? [] : leftFields(result, FIELD_MANAGER);
    return { change: { ref, action, object, differences, conflicts, stays, tried: true }, live };
  } catch (error) {
    const change: Change = { ...untried, action: live === undefined ? 'create' : 'change' };
    if (isKubernetesError(error, 'KIND_UNKNOWN')) return { change, live };
    if (!isKubernetesError(error, 'CLUSTER_FORBIDDEN', 'CLUSTER_INVALID')) throw error;
    return { change, live, ...refusalOf(error, object) };
  }
}

/** The API server refuses a definition without a version in which objects may be stored, even as a trial: they are migrated first. */
function dropsStored(live: KubernetesObject, object: KubernetesObject): boolean {
  const names = readDefinition(object)?.versions.map(({ name }) => name);
  const stored = readDefinition(live)?.stored ?? [];
  return names !== undefined && stored.some((version) => !names.includes(version));
}

function versionChange(live: KubernetesObject, object: KubernetesObject): Pick<Change, 'action' | 'differences'> {
  const [before, after] = [live, object].map((one) => readDefinition(one)?.versions.map(({ name }) => name));
  const difference: Difference = { path: 'spec.versions', before, after };
  return { action: 'change', differences: [difference] };
}

/** Tries without force first, so that it is seen what would be taken from whom. */
async function dryRun(cluster: Cluster, object: KubernetesObject) {
  try {
    return { result: await cluster.apply(object, { manager: FIELD_MANAGER, dryRun: true }), conflicts: [] };
  } catch (error) {
    if (!isKubernetesError(error, 'CLUSTER_CONFLICT') || error.causes.length === 0) throw error;
    const conflicts = error.causes.filter(({ manager }) => manager !== FIELD_MANAGER);
    return { result: await cluster.apply(object, { manager: FIELD_MANAGER, dryRun: true, force: true }), conflicts };
  }
}

const RBAC = 'rbac.authorization.k8s.io';

function refusalOf(error: KubernetesError, object: KubernetesObject): Pick<Tried, 'refusal' | 'missing'> {
  const { apiVersion, kind, metadata } = object;
  if (
    error.code === 'CLUSTER_FORBIDDEN' &&
    groupOf(apiVersion) === RBAC &&
    error.message.includes('not currently held')
  ) {
    const role = kind.endsWith('Binding') ? at(object, 'roleRef', 'kind') : kind;
    const resource = role === 'Role' ? 'roles' : 'clusterroles';
    const { namespace } = metadata;
    const verb = kind.endsWith('Binding') ? 'bind' : 'escalate';
    return { missing: { verb, group: RBAC, resource, ...(namespace === undefined ? {} : { namespace }) } };
  }
  return { refusal: { code: 'OBJECT_REFUSED', message: error.message, hint: error.hint ?? '' } };
}
