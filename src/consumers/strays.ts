// SPDX-License-Identifier: Apache-2.0
import pLimit from 'p-limit';
import {
  type Cluster,
  describeRef,
  identityOf,
  isKubernetesError,
  type KindRef,
  type KubernetesObject,
  type ObjectRef,
  refOf,
} from '#kubernetes';
import { type Installation, isDefinition, isOurs, RECORD_NAME } from './installation.ts';
import type { ManifestSet } from './manifest-set.ts';
import type { Change } from './plan.ts';

/** Objects that an earlier installation left: those that go with this change, and in words those that stay and why. */
export interface Strays {
  readonly changes: readonly Change[];
  readonly warnings: readonly string[];
}

/** What Flux's own installers make, whatever of it the new manifests have. */
const KINDS: readonly KindRef[] = [
  ...['ServiceAccount', 'Service', 'ResourceQuota'].map((kind) => ({ apiVersion: 'v1', kind })),
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
  ...['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'].map((kind) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind,
  })),
  { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
];
const AT_ONCE = 4;

/**
 * Finds what `flux install` or another installer of Flux left in the controllers' namespace, and outside of any for it: no record lists it,
 * but their labels do. What the new manifests lack goes where Flux is taken over from whoever applied it (`force`), or where we applied
 * it; definitions stay. What this identity may not see is said.
 */
export async function findStrays(
  cluster: Cluster,
  { from, set, force }: { readonly from: Installation | undefined; readonly set: ManifestSet; readonly force: boolean },
): Promise<Strays> {
  if (from === undefined) return { changes: [], warnings: [] };
  const known = new Set([...set.objects.map(refOf), ...from.objects].map(identityOf));
  const limit = pLimit(AT_ONCE);
  const lists = await Promise.all(KINDS.map((kind) => limit(() => listLabelled(cluster, kind, set.namespace))));
  const unseen = KINDS.filter((_, index) => lists[index] === undefined).map(({ kind }) => kind);
  const strays = lists.flatMap((list) => list ?? []).filter((live) => !known.has(identityOf(refOf(live))));
  const changes = strays.filter((live) => mayGo(live, set.namespace, force)).map((live) => toRemoval(refOf(live)));
  const kept = strays.filter((live) => !mayGo(live, set.namespace, force));
  return {
    changes: changes.reverse(),
    warnings: [
      ...kept.map(whyKept),
      ...(unseen.length === 0
        ? []
        : [`what an earlier installation left is not known for ${unseen.join(', ')}: this identity may not list them`]),
    ],
  };
}

function toRemoval(ref: ObjectRef): Change {
  return { ref, action: 'remove', object: undefined, differences: [], conflicts: [], stays: [], tried: true };
}

function whyKept(live: KubernetesObject): string {
  const name = describeRef(refOf(live));
  return isDefinition(live)
    ? `${name} is of an earlier installation of Flux and not of this revision, and is kept: with it all its objects would go`
    : `${name} is of an earlier installation of Flux and not of this revision, and someone else applied it: it is kept; --force-conflicts deletes it`;
}

/**
 * Says whether an object may be deleted when Flux in a namespace is taken over: it was applied by us, or it bears the labels of Flux's own
 * installers for that namespace, nobody owns it (as the controller of a Job owns its Pods), and `force` was given.
 */
export function mayGo(live: KubernetesObject, namespace: string, force: boolean): boolean {
  if (isDefinition(live) || live.kind === 'Namespace') return false;
  return isOurs(live) || (force && isOfFlux(live, namespace));
}

function isOfFlux({ metadata }: KubernetesObject, namespace: string): boolean {
  const { labels = {} } = metadata;
  const owners = metadata['ownerReferences'];
  return (
    labels['app.kubernetes.io/part-of'] === 'flux' &&
    labels['app.kubernetes.io/instance'] === namespace &&
    metadata.name !== RECORD_NAME &&
    !(Array.isArray(owners) && owners.length > 0)
  );
}

/** Undefined where this identity may not list them. */
async function listLabelled(
  cluster: Cluster,
  kind: KindRef,
  namespace: string,
): Promise<readonly KubernetesObject[] | undefined> {
  const labelSelector = `app.kubernetes.io/part-of=flux,app.kubernetes.io/instance=${namespace}`;
  try {
    return (await cluster.list(kind, { namespace, labelSelector })).filter((live) => isOfFlux(live, namespace));
  } catch (error) {
    if (isKubernetesError(error, 'KIND_UNKNOWN')) return [];
    if (isKubernetesError(error, 'CLUSTER_FORBIDDEN')) return undefined;
    throw error;
  }
}
