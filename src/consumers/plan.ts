// SPDX-License-Identifier: Apache-2.0
import pLimit from 'p-limit';
import {
  type Cluster,
  conditionOf,
  describeRef,
  type FieldCause,
  identityOf,
  type KubernetesObject,
  type ObjectRef,
  orderForApply,
  refOf,
  type ServerVersion,
} from '#kubernetes';
import type { Difference } from './difference.ts';
import { findInstallation, type Installation, isDefinition, isOurs, RECORD_NAME } from './installation.ts';
import { readLines } from './line-policy.ts';
import type { LeftFields } from './left-fields.ts';
import type { ManifestSet } from './manifest-set.ts';
import { type Migration, planMigration } from './migration.ts';
import { type Blocker, findOwners } from './ownership.ts';
import { rightsToApplyAll, rightsToCarryOut, rightsToLook } from './needs.ts';
import { distinctRights, missingRights, type Right, rightBlockers } from './rights.ts';
import { findStrays } from './strays.ts';
import { type Tried, tryObject } from './try-object.ts';

/** What happens to one object. */
export interface Change {
  readonly ref: ObjectRef;
  readonly action: 'create' | 'change' | 'keep' | 'remove';
  /** What is applied; undefined for what is removed. */
  readonly object: KubernetesObject | undefined;
  readonly differences: readonly Difference[];
  /** Fields that another manager owns, and that are taken from it with `force`. */
  readonly conflicts: readonly FieldCause[];
  /** Fields that others set and these manifests do not: they stay. */
  readonly stays: readonly LeftFields[];
  /** Whether the API server tried it. What lies in a namespace, or is of a kind, that is only to be made can't be tried. */
  readonly tried: boolean;
}

/** All that an installation or upgrade would do to a cluster, and what stands against it. Making one changes nothing. */
export interface Plan {
  readonly verb: 'install' | 'upgrade';
  readonly cluster: { readonly context: string; readonly server: string; readonly version: ServerVersion };
  readonly from: Installation | undefined;
  readonly to: ManifestSet;
  readonly migrations: readonly Migration[];
  /** In the order in which they are made: namespaces and definitions, the rest, then what is removed. */
  readonly changes: readonly Change[];
  readonly blockers: readonly Blocker[];
  readonly missingRights: readonly Right[];
  readonly warnings: readonly string[];
}

/** How a plan is made. */
export interface PlanOptions {
  readonly verb: 'install' | 'upgrade';
  /** Take fields that other managers own. */
  readonly force?: boolean;
}

const AT_ONCE = 8;

/** Looks at a cluster and at what is to be installed; gives what would happen, tried by the API server itself (dry run). */
export async function planChange(cluster: Cluster, set: ManifestSet, options: PlanOptions): Promise<Plan> {
  const version = await cluster.version();
  const { context, server } = cluster;
  const frame = { verb: options.verb, cluster: { context, server, version }, to: set };
  const unseen = await missingRights(cluster, await rightsToLook(cluster, set));
  if (unseen.length > 0) {
    const missing = await missingRights(cluster, [...unseen, ...(await rightsToApplyAll(cluster, set))]);
    return {
      ...frame,
      from: undefined,
      migrations: [],
      changes: [],
      missingRights: missing,
      warnings: [],
      blockers: rightBlockers(missing),
    };
  }
  const from = await findInstallation(cluster, set.namespace);
  const tried = await tryAll(cluster, set);
  const removals = await findRemovals(cluster, from, set);
  const strays = await findStrays(cluster, { from, set, force: options.force ?? false });
  const changes = [...tried.map(({ change }) => change), ...removals.changes, ...strays.changes];
  const migrations = await planMigrations(cluster, tried);
  const needed = await rightsToCarryOut(cluster, { changes, migrations: migrations.found, namespace: set.namespace });
  const missing = distinctRights([
    ...(await missingRights(cluster, needed)),
    ...tried.flatMap((one) => one.missing ?? []),
  ]);
  return {
    ...frame,
    from,
    migrations: migrations.found,
    changes,
    missingRights: missing,
    warnings: [...removals.warnings, ...strays.warnings],
    blockers: [
      ...(await findOwners(cluster, set.namespace)),
      ...stateBlockers(options.verb, from, set),
      ...(await terminating(cluster, set.namespace)),
      ...migrations.blockers,
      ...conflictBlockers(changes, options.force ?? false),
      // Without the right to change, each object is refused as well: the right is told, once.
      ...(missing.length > 0 ? rightBlockers(missing) : tried.flatMap(({ refusal }) => refusal ?? [])),
    ],
  };
}

async function tryAll(cluster: Cluster, { objects }: ManifestSet): Promise<readonly Tried[]> {
  const { definitions, rest } = orderForApply(objects);
  const limit = pLimit(AT_ONCE);
  const context = { cluster, spaces: await missingNamespaces(cluster, objects) };
  return Promise.all([...definitions, ...rest].map((object) => limit(() => tryObject(object, context))));
}

function stateBlockers(verb: Plan['verb'], from: Installation | undefined, set: ManifestSet): readonly Blocker[] {
  if (from === undefined) {
    const message = `there is no Flux in the namespace ${set.namespace}`;
    return verb === 'install' ? [] : [{ code: 'NOT_INSTALLED', message, hint: 'Use `oakum install`.' }];
  }
  const isSame =
    from.by === 'oakum' &&
    from.release === set.release &&
    from.revision === set.revision &&
    from.channel === set.channel;
  if (verb === 'install' && !isSame) {
    const [had, will] = [from, set].map(
      ({ revision, release, channel }) => `${revision ?? release}${channel === undefined ? '' : ` (${channel})`}`,
    );
    return [
      {
        code: 'ALREADY_INSTALLED',
        message: `${had} is there${from.by === 'flux' ? ', not installed by Oakum' : ''}, and this is ${will}`,
        hint: 'Use `oakum upgrade`: it keeps the order that loses no data.',
      },
    ];
  }
  const lines = readLines(from.release, set.release);
  return lines === undefined ? [] : [lines];
}

async function missingNamespaces(cluster: Cluster, objects: readonly KubernetesObject[]): Promise<ReadonlySet<string>> {
  const names = new Set(objects.flatMap(({ metadata }) => metadata.namespace ?? []));
  const found = await Promise.all(
    [...names].map(async (name) =>
      (await cluster.get({ apiVersion: 'v1', kind: 'Namespace', name })) === undefined ? name : undefined,
    ),
  );
  return new Set(found.filter((name) => name !== undefined));
}

async function terminating(cluster: Cluster, name: string): Promise<readonly Blocker[]> {
  const space = await cluster.get({ apiVersion: 'v1', kind: 'Namespace', name });
  if (space?.metadata.deletionTimestamp === undefined) return [];
  const why = ['NamespaceContentRemaining', 'NamespaceFinalizersRemaining']
    .map((type) => conditionOf(space, type))
    .filter((condition) => condition?.status === 'True')
    .map((condition) => condition?.message ?? '');
  return [
    {
      code: 'NAMESPACE_TERMINATING',
      message: `the namespace ${name} is being deleted${why.length === 0 ? '' : ` (${why.join('; ')})`}`,
      hint: 'Wait until it is gone; `oakum uninstall --crds` removes finalizers that hold it back.',
    },
  ];
}

function conflictBlockers(changes: readonly Change[], force: boolean): readonly Blocker[] {
  const conflicting = changes.filter(({ conflicts }) => conflicts.length > 0);
  if (force || conflicting.length === 0) return [];
  const managers = [
    ...new Set(conflicting.flatMap(({ conflicts }) => conflicts.flatMap(({ manager }) => manager ?? []))),
  ];
  return [
    {
      code: 'FIELDS_OWNED_BY_OTHERS',
      message: `${managers.join(', ')} owns fields that would change in ${conflicting.map(({ ref }) => describeRef(ref)).join(', ')}`,
      hint: 'If nothing of these manages Flux any more, take the fields over with --force-conflicts.',
    },
  ];
}

/** What the last revision had and this one has not. Definitions stay: with them all their objects would go. */
async function findRemovals(cluster: Cluster, from: Installation | undefined, set: ManifestSet) {
  const wanted = new Set(set.objects.map((object) => identityOf(refOf(object))));
  const gone = (from?.objects ?? []).filter((ref) => !wanted.has(identityOf(ref)) && ref.name !== RECORD_NAME);
  const changes: Change[] = [];
  const warnings: string[] = [];
  for (const ref of gone) {
    const live = await cluster.get(ref);
    if (live === undefined) continue;
    if (isDefinition(ref) || ref.kind === 'Namespace')
      warnings.push(`${describeRef(ref)} is in this revision no more, and is kept: with it all its objects would go`);
    else if (isOurs(live))
      changes.push({
        ref,
        action: 'remove',
        object: undefined,
        differences: [],
        conflicts: [],
        stays: [],
        tried: true,
      });
    else warnings.push(`${describeRef(ref)} is in this revision no more, but someone else applies it: it is kept`);
  }
  return { changes: changes.reverse(), warnings };
}

async function planMigrations(cluster: Cluster, tried: readonly Tried[]) {
  const found: Migration[] = [];
  const blockers: Blocker[] = [];
  for (const { change, live } of tried) {
    if (live === undefined || change?.object === undefined || change.action !== 'change' || !isDefinition(live))
      continue;
    const reading = await planMigration(cluster, live, change.object);
    if (reading.migration !== undefined) found.push(reading.migration);
    blockers.push(...reading.blockers);
  }
  return { found, blockers };
}
