// SPDX-License-Identifier: Apache-2.0
import pLimit from 'p-limit';
import { stringify } from 'yaml';
import { type AccessQuestion, type Cluster, groupOf, isKubernetesError, type ObjectRef } from '#kubernetes';
import type { Blocker } from './ownership.ts';

/** A right that a plan needs; without namespace it is needed everywhere, or is about what is in none. */
export type Right = Pick<AccessQuestion, 'verb' | 'group' | 'resource' | 'subresource' | 'namespace'>;

const AT_ONCE = 8;

/** Takes an object's name and verbs; gives the rights for them. The kinds of definitions that are only to be made get rights by their plural. */
export async function rightsFor(cluster: Cluster, ref: ObjectRef, verbs: readonly string[]): Promise<readonly Right[]> {
  try {
    const { name: resource, namespaced } = await cluster.resourceOf(ref);
    return verbs.map((verb) => ({
      verb,
      group: groupOf(ref.apiVersion),
      resource,
      ...(namespaced ? { namespace: ref.namespace ?? cluster.namespace } : {}),
    }));
  } catch (error) {
    if (isKubernetesError(error, 'KIND_UNKNOWN')) return [];
    throw error;
  }
}

/** Asks the API server for each right whether we have it; gives those that are missing, each once. */
export async function missingRights(cluster: Cluster, rights: readonly Right[]): Promise<readonly Right[]> {
  if (await cluster.can({ verb: '*', group: '*', resource: '*' })) return [];
  const distinct = distinctRights(rights);
  const limit = pLimit(AT_ONCE);
  const answers = await Promise.all(
    distinct.map((right) => limit(async () => ({ right, has: await cluster.can(right) }))),
  );
  return answers.filter(({ has }) => !has).map(({ right }) => right);
}

/** Gives each right once. */
export function distinctRights(rights: readonly Right[]): readonly Right[] {
  return [...new Map(rights.map((right) => [JSON.stringify(right), right])).values()];
}

/** Gives a right in words: `patch deployments.apps in flux-system`. */
export function describeRight({ verb, group, resource, subresource, namespace }: Right): string {
  const name = `${resource}${subresource === undefined ? '' : `/${subresource}`}${group === '' ? '' : `.${group}`}`;
  return `${verb} ${name}${namespace === undefined ? '' : ` in ${namespace}`}`;
}

/** Gives what stands against a plan that lacks rights, with roles that hold them; nothing where none is missing. */
export function rightBlockers(missing: readonly Right[]): readonly Blocker[] {
  if (missing.length === 0) return [];
  return [
    {
      code: 'RIGHTS_MISSING',
      message: `this identity lacks ${missing.length} rights:\n    ${missing.map(describeRight).join('\n    ')}`,
      hint: `Ask who runs the cluster for them, for instance with\n\n${exampleRoles(missing)}`,
    },
  ];
}

/** Gives roles that hold the rights, as YAML for whoever runs the cluster: a ClusterRole, and a Role for each namespace. */
export function exampleRoles(rights: readonly Right[]): string {
  const places = Map.groupBy(rights, ({ namespace }) => namespace);
  return [...places]
    .map(([namespace, inPlace]) =>
      stringify({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: namespace === undefined ? 'ClusterRole' : 'Role',
        metadata: { name: 'oakum-installer', ...(namespace === undefined ? {} : { namespace }) },
        rules: rulesOf(inPlace),
      }),
    )
    .join('---\n');
}

/** Resources of one group with equal verbs are one rule. */
function rulesOf(rights: readonly Right[]) {
  const nameOf = ({ resource, subresource }: Right) =>
    subresource === undefined ? resource : `${resource}/${subresource}`;
  const resources = [...Map.groupBy(rights, (right) => JSON.stringify([right.group, nameOf(right)])).values()].map(
    (alike) => ({
      group: alike[0]?.group ?? '',
      resource: alike[0] === undefined ? '' : nameOf(alike[0]),
      verbs: [...new Set(alike.map(({ verb }) => verb))].sort(),
    }),
  );
  return [...Map.groupBy(resources, ({ group, verbs }) => JSON.stringify([group, verbs])).values()].map((alike) => ({
    apiGroups: [alike[0]?.group ?? ''],
    resources: alike.map(({ resource }) => resource).sort(),
    verbs: alike[0]?.verbs ?? [],
  }));
}
