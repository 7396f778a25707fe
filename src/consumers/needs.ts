// SPDX-License-Identifier: Apache-2.0
import { type Cluster, type KindRef, type KubernetesObject, refOf } from '#kubernetes';
import { kindOf, readDefinition } from './definition.ts';
import { RECORD_NAME } from './installation.ts';
import type { Migration } from './migration.ts';
import { OWNER_KINDS } from './ownership.ts';
import type { Change } from './plan.ts';
import { type Right, rightsFor } from './rights.ts';

/** Server-side apply of what is not there needs `create` besides `patch`: RBAC checks both. */
const VERBS = {
  create: ['get', 'create', 'patch'],
  change: ['get', 'patch'],
  keep: ['get', 'patch'],
  remove: ['get', 'delete'],
} as const;

/** What is to be installed, and where. */
export interface Wanted {
  readonly objects: readonly KubernetesObject[];
  readonly namespace: string;
}

/** Gives the rights that are needed to make a plan: to see what is there, and who else installs Flux. */
export async function rightsToLook(cluster: Cluster, { objects, namespace }: Wanted): Promise<readonly Right[]> {
  const listed = [
    { apiVersion: 'apps/v1', kind: 'Deployment', namespace },
    ...OWNER_KINDS.map((kind) => ({ ...kind, namespace })),
  ];
  const definitions = objects.flatMap((object) => readDefinition(object) ?? []);
  return [
    ...(await rightsFor(cluster, recordIn(namespace), ['get'])),
    ...(await rightsFor(cluster, { apiVersion: 'v1', kind: 'Namespace', name: namespace }, ['get'])),
    ...(await Promise.all(listed.map((kind) => rightsFor(cluster, { ...kind, name: '' }, ['list'])))).flat(),
    ...(await Promise.all(objects.map((object) => rightsFor(cluster, refOf(object), ['get'])))).flat(),
    ...(await Promise.all(definitions.map(async (one) => listRights(cluster, one)))).flat(),
  ];
}

/** Objects of a definition that is there already may have to be migrated, so they are looked at. */
async function listRights(
  cluster: Cluster,
  definition: NonNullable<ReturnType<typeof readDefinition>>,
): Promise<readonly Right[]> {
  const { group, plural, versions } = definition;
  const served = await Promise.all(versions.map(({ name }) => isServed(cluster, kindOf(definition, name))));
  return served.includes(true) ? [{ verb: 'list', group, resource: plural }] : [];
}

async function isServed(cluster: Cluster, { apiVersion, kind }: KindRef): Promise<boolean> {
  return (await cluster.resources(apiVersion))?.some((resource) => resource.kind === kind) ?? false;
}

/** Gives the rights to apply everything, as if nothing were there: for an identity that can't even look. */
export async function rightsToApplyAll(cluster: Cluster, { objects, namespace }: Wanted): Promise<readonly Right[]> {
  const refs = [recordIn(namespace), ...objects.map(refOf)];
  return (await Promise.all(refs.map((ref) => rightsFor(cluster, ref, VERBS.create)))).flat();
}

/** What a plan holds. */
export interface Needs {
  readonly changes: readonly Change[];
  readonly migrations: readonly Migration[];
  readonly namespace: string;
}

/** Gives the rights to carry a plan out. */
export async function rightsToCarryOut(
  cluster: Cluster,
  { changes, migrations, namespace }: Needs,
): Promise<readonly Right[]> {
  const ofChanges = await Promise.all(changes.map(({ ref, action }) => rightsFor(cluster, ref, VERBS[action])));
  return [
    ...(await rightsFor(cluster, recordIn(namespace), VERBS.create)),
    ...ofChanges.flat(),
    ...migrationRights(migrations),
  ];
}

function migrationRights(migrations: readonly Migration[]): readonly Right[] {
  if (migrations.length === 0) return [];
  const definitions = { verb: 'patch', group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' };
  return [
    ...migrations.flatMap(({ group, plural }) =>
      ['get', 'list', 'patch'].map((verb) => ({ verb, group, resource: plural })),
    ),
    definitions,
    { ...definitions, subresource: 'status' },
  ];
}

function recordIn(namespace: string) {
  return { apiVersion: 'v1', kind: 'ConfigMap', name: RECORD_NAME, namespace };
}
