// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '#core';
import {
  type Cluster,
  describeRef,
  isKubernetesError,
  type KubernetesObject,
  type ObjectRef,
  refOf,
  versionOf,
} from '#kubernetes';
import { type Definition, fieldsDropped, kindOf, readDefinition } from './definition.ts';
import { FIELD_MANAGER } from './installation.ts';
import type { Blocker } from './ownership.ts';

/** What must be rewritten before a definition loses versions. */
export interface Migration {
  /** The definition: `gitrepositories.source.toolkit.fluxcd.io`. */
  readonly definition: string;
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  /** The versions that go. */
  readonly dropped: readonly string[];
  readonly storedBefore: readonly string[];
  /** The version that all objects are rewritten in. */
  readonly to: string;
  /** Whether the definition in the cluster must first be made to write that version. */
  readonly switchStorage: boolean;
  readonly objects: number;
  /** Of these, how many hold fields managed in a version that goes. */
  readonly managed: number;
}

/** What an upgrade of one definition needs first, and why it may not be. */
export interface MigrationReading {
  readonly migration: Migration | undefined;
  readonly blockers: readonly Blocker[];
}

const SHOWN = 5;

/**
 * Compares a definition in the cluster with the one that is to take its place, and looks at every object of it. A version that goes needs
 * a migration where objects may be stored in it or have fields managed in it. A loss of data blocks: versions that have no successor in
 * common, and fields that the new schema would drop.
 */
export async function planMigration(
  cluster: Cluster,
  live: KubernetesObject,
  next: KubernetesObject,
): Promise<MigrationReading> {
  const [old, young] = [readDefinition(live), readDefinition(next)];
  if (old === undefined || young === undefined) return { migration: undefined, blockers: [] };
  const names = new Set(young.versions.map(({ name }) => name));
  const gone = [...new Set([...old.versions.map(({ name }) => name), ...old.stored])].filter(
    (name) => !names.has(name),
  );
  const to = successorOf(old, young);
  if (to === undefined) return { migration: undefined, blockers: [noSuccessor(old, young)] };
  const objects = await cluster.list(kindOf(old, to));
  const blockers = lossesOf(young, to, objects);
  const managed = objects.filter((object) => staleManagers(object, names).length > 0).length;
  const mustRewrite = old.stored.some((version) => !names.has(version)) || !names.has(old.storage) || managed > 0;
  if (!mustRewrite) return { migration: undefined, blockers };
  return {
    blockers,
    migration: {
      definition: old.name,
      group: old.group,
      kind: old.kind,
      plural: old.plural,
      dropped: gone,
      storedBefore: old.stored,
      to,
      switchStorage: old.storage !== to,
      objects: objects.length,
      managed,
    },
  };
}

/** A version both know: what is stored now if it stays, else what will be, else any. */
function successorOf(old: Definition, young: Definition): string | undefined {
  const names = new Set(young.versions.map(({ name }) => name));
  const shared = old.versions.filter(({ name, served }) => served && names.has(name)).map(({ name }) => name);
  return [old.storage, young.storage].find((name) => shared.includes(name)) ?? shared[0];
}

function noSuccessor(old: Definition, young: Definition): Blocker {
  const [has, knows] = [old, young].map(({ versions }) => versions.map(({ name }) => name).join(', '));
  return {
    code: 'STORED_VERSION_UNKNOWN',
    message: `${old.name}: the cluster has ${has}, the new definition knows ${knows} alone, so its objects could not be read any more`,
    hint: 'Upgrade to a line in between first, whose definition knows a version of both.',
  };
}

function lossesOf(young: Definition, to: string, objects: readonly KubernetesObject[]): readonly Blocker[] {
  const schema = young.versions.find(({ name }) => name === to)?.schema;
  const losers = objects
    .map((object) => ({ object, fields: fieldsDropped(schema, object) }))
    .filter(({ fields }) => fields.length > 0);
  if (losers.length === 0) return [];
  const told = losers
    .slice(0, SHOWN)
    .map(({ object, fields }) => `${describeRef(refOf(object))}: ${fields.slice(0, SHOWN).join(', ')}`);
  const more = losers.length > SHOWN ? [`and ${losers.length - SHOWN} more`] : [];
  return [
    {
      code: 'DATA_WOULD_BE_LOST',
      message: `${young.name}: the new definition does not know fields that are in use:\n    ${[...told, ...more].join('\n    ')}`,
      hint: 'Take these fields out of the objects where they are kept (Git), or move to what the release notes name instead.',
    },
  ];
}

/** Fields that are managed in a version that goes can't be applied to any more. */
function staleManagers({ metadata }: KubernetesObject, known: ReadonlySet<string>): readonly unknown[] {
  return (metadata.managedFields ?? []).filter(
    ({ apiVersion }) => apiVersion !== undefined && !known.has(versionOf(apiVersion)),
  );
}

/** How a migration is carried out. */
export interface MigrationOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/** How long an API server may take to write a new version after its definition said so. */
const SETTLE_MILLISECONDS = 3000;

/**
 * Carries a migration out: makes the definition write the version that stays, writes every object once more, moves what was managed in
 * versions that go, and then says in `status.storedVersions` that no other version is stored. Doing it again does no harm.
 */
export async function migrate(migration: Migration, options: MigrationOptions): Promise<void> {
  const { cluster, clock, signal } = options;
  const crd = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: migration.definition };
  if (migration.switchStorage) {
    await switchStorage(cluster, crd, migration.to);
    await clock.sleep(SETTLE_MILLISECONDS, signal);
  }
  const kind = kindOf(migration, migration.to);
  for (const object of await cluster.list(kind)) await rewrite(cluster, refOf({ ...object, ...kind }), migration);
  await cluster.patch(crd, {
    type: 'merge',
    subresource: 'status',
    body: { status: { storedVersions: [migration.to] } },
    manager: FIELD_MANAGER,
  });
}

async function switchStorage(cluster: Cluster, crd: ObjectRef, to: string): Promise<void> {
  const live = await cluster.get(crd);
  const definition = live === undefined ? undefined : readDefinition(live);
  if (live === undefined || definition === undefined || definition.storage === to) return;
  const body = [
    { op: 'test', path: '/metadata/resourceVersion', value: live.metadata.resourceVersion },
    ...definition.versions.flatMap(({ name }, index) => [
      { op: 'replace', path: `/spec/versions/${index}/storage`, value: name === to },
    ]),
  ];
  await cluster.patch(crd, { type: 'json', body, manager: FIELD_MANAGER });
}

const ATTEMPTS = 5;

/** Writes an object as it is: the API server then stores it in the version of now. Objects that change or go meanwhile are met again. */
async function rewrite(cluster: Cluster, ref: ObjectRef, { group, to, dropped }: Migration): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const object = await cluster.get(ref);
    if (object === undefined) return;
    try {
      await cluster.patch(
        ref,
        rewritePatch(object, `${group}/${to}`, new Set(dropped.map((version) => `${group}/${version}`))),
      );
      return;
    } catch (error) {
      if (isKubernetesError(error, 'CLUSTER_NOT_FOUND')) return;
      // A failed test of a JSON patch is 422 in some versions, 409 in others.
      if (attempt >= ATTEMPTS || !isKubernetesError(error, 'CLUSTER_CONFLICT', 'CLUSTER_INVALID')) throw error;
    }
  }
}

/** Like `flux migrate`: what was managed in a version that goes is managed in the one that stays, or nothing changes but the bytes. */
function rewritePatch({ metadata }: KubernetesObject, to: string, gone: ReadonlySet<string>) {
  const fields = metadata.managedFields ?? [];
  if (!fields.some(({ apiVersion }) => gone.has(apiVersion ?? ''))) return { type: 'merge', body: {} } as const;
  const moved = fields.map((entry) => (gone.has(entry.apiVersion ?? '') ? { ...entry, apiVersion: to } : entry));
  // One manager may have had fields in both versions; entries must differ, and the later one rules.
  const keys = new Map(
    moved.map((entry) => [[entry.manager, entry.operation, entry.apiVersion, entry.subresource].join('\n'), entry]),
  );
  return {
    type: 'json',
    body: [
      { op: 'test', path: '/metadata/resourceVersion', value: metadata.resourceVersion },
      { op: 'replace', path: '/metadata/managedFields', value: [...keys.values()] },
    ],
  } as const;
}
