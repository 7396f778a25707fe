// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { type Clock, createHttp, digestOf, type Http, readBody } from '#core';
import {
  at,
  type Cluster,
  type Condition,
  conditionOf,
  describeRef,
  type KubernetesObject,
  type ObjectRef,
  refOf,
} from '#kubernetes';
import { type Files, unpackArchive } from './content/archive.ts';
import { StepFailure } from './failure.ts';
import type { ScenarioServers } from './servers/servers.ts';
import type { ScenarioControllers } from './types.ts';

/** What all steps share. */
export interface Scenery {
  readonly cluster: Cluster;
  readonly servers: ScenarioServers;
  readonly controllers: ScenarioControllers;
  /** The version in which objects of a kind of Flux are stored, `source.toolkit.fluxcd.io/v1`, by kind. */
  readonly kinds: ReadonlyMap<string, string>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How long one thing is waited for, in milliseconds. */
  readonly patience: number;
}

/** Where one step plays: a namespace of its own, and what can be done there. */
export interface Stage extends Scenery {
  readonly namespace: string;
  readonly http: Http;
  /** Gives the name of an object on this stage. */
  ref(kind: string, name: string): ObjectRef;
  /** Applies objects (server-side), each of this namespace; their kinds' versions are those the cluster stores. */
  apply(...objects: readonly Draft[]): Promise<void>;
  /** Waits until an object is as wanted. Throws {@link StepFailure} with its conditions and events where time runs out. */
  until(ref: ObjectRef, what: string, test: (object: KubernetesObject) => boolean): Promise<KubernetesObject>;
  /** Waits until an object is Ready in its present generation, also where a controller says that it has given up. */
  ready(kind: string, name: string): Promise<KubernetesObject>;
  /** Asks for a reconciliation at once, and waits until it has been handled. */
  reconcile(kind: string, name: string): Promise<KubernetesObject>;
  /** Gives the files of a source's artifact, its digest checked. */
  artifact(source: KubernetesObject): Promise<Files>;
  /** Waits until a condition that is no object's holds; a failure tells of the object that is to bring it about. */
  wait(what: string, about: ObjectRef, test: () => Promise<boolean> | boolean): Promise<void>;
}

/** An object without what the stage knows. */
export interface Draft {
  readonly kind: string;
  readonly name: string;
  readonly [field: string]: unknown;
}

/** The field manager of all that the scenario writes. */
export const MANAGER = 'oakum-scenario';
const TICK = 200;
const MAX_ARTIFACT = 16 << 20;
const EVENTS_SHOWN = 5;
const NATIVE: ReadonlyMap<string, string> = new Map([
  ['ConfigMap', 'v1'],
  ['Secret', 'v1'],
  ['Service', 'v1'],
  ['Deployment', 'apps/v1'],
]);

/** Makes the namespace of a step, and gives its stage. */
export async function openStage(scenery: Scenery, namespace: string): Promise<Stage> {
  const { cluster, clock, signal, patience } = scenery;
  const http = createHttp({ clock });
  const versionOf = (kind: string): string => {
    const version = NATIVE.get(kind) ?? scenery.kinds.get(kind);
    if (version === undefined) throw new StepFailure(`the cluster has no kind ${kind}: its CRD is missing`);
    return version;
  };
  const ref = (kind: string, name: string): ObjectRef => ({ apiVersion: versionOf(kind), kind, namespace, name });

  async function poll<T>(ask: () => Promise<T | undefined>, late: () => Promise<string>): Promise<T> {
    const end = clock.now().getTime() + patience;
    for (;;) {
      const found = await ask();
      if (found !== undefined) return found;
      if (clock.now().getTime() >= end) throw new StepFailure(await late());
      await clock.sleep(TICK, signal);
    }
  }
  const seconds = Math.round(patience / 1000);
  const until: Stage['until'] = (object, what, test) =>
    poll(
      async () => {
        const found = await cluster.get(object);
        if (found === undefined || test(found)) return found;
        if (isStalled(found)) throw new StepFailure(await describe(cluster, object, 'is stalled'));
        return undefined;
      },
      () => describe(cluster, object, `is not ${what} after ${seconds} s`),
    );

  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { manager: MANAGER });
  return {
    ...scenery,
    namespace,
    http,
    ref,
    until,
    async apply(...drafts) {
      for (const { kind, name, ...fields } of drafts) {
        const object = { apiVersion: versionOf(kind), kind, metadata: { name, namespace }, ...fields };
        await cluster.apply(object, { manager: MANAGER, force: true });
      }
    },
    ready: (kind, name) => until(ref(kind, name), 'ready', isReady),
    async reconcile(kind, name) {
      const token = randomUUID();
      await cluster.patch(ref(kind, name), {
        type: 'merge',
        body: { metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': token } } },
        manager: MANAGER,
      });
      const isHandled = (object: KubernetesObject) => at(object, 'status', 'lastHandledReconcileAt') === token;
      return until(ref(kind, name), 'reconciled on request', isHandled);
    },
    async artifact(source) {
      const url = at(source, 'status', 'artifact', 'url');
      if (typeof url !== 'string') throw new StepFailure(`${describeRef(refOf(source))} is ready without an artifact`);
      const bytes = await readBody(await http({ url, signal }), MAX_ARTIFACT);
      const wanted = at(source, 'status', 'artifact', 'digest');
      if (digestOf(bytes) !== wanted)
        throw new StepFailure(`${url} holds ${digestOf(bytes)}, its source says ${wanted}`);
      return unpackArchive(bytes, url);
    },
    wait: async (what, about, test) => {
      await poll(
        async () => ((await test()) ? true : undefined),
        async () => `${what}: not so after ${seconds} s\n  ${await describe(cluster, about, 'is to do it')}`,
      );
    },
  };
}

/** The kinds whose status does not say which generation it is of. */
const WITHOUT_GENERATION = new Set(['ArtifactGenerator', 'ExternalArtifact']);

/**
 * Says whether a controller has brought an object of Flux to what its present generation wants. Controllers write conditions before the
 * rest of the status, which is whole once it names the generation too.
 */
export function isReady(object: KubernetesObject): boolean {
  const { generation } = object.metadata;
  const ready = conditionOf(object, 'Ready') as GenerationCondition | undefined;
  const isWhole = WITHOUT_GENERATION.has(object.kind) || at(object, 'status', 'observedGeneration') === generation;
  const isBusy = conditionOf(object, 'Reconciling')?.status === 'True';
  return ready?.status === 'True' && ready.observedGeneration === generation && isWhole && !isBusy;
}

interface GenerationCondition extends Condition {
  readonly observedGeneration?: number;
}

function isStalled(object: KubernetesObject): boolean {
  const stalled = conditionOf(object, 'Stalled') as GenerationCondition | undefined;
  return stalled?.status === 'True' && stalled.observedGeneration === object.metadata.generation;
}

/** Tells what a person needs to understand why an object is not as wanted: its conditions and its newest events. */
async function describe(cluster: Cluster, ref: ObjectRef, trouble: string): Promise<string> {
  const object = await cluster.get(ref);
  if (object === undefined) return `${describeRef(ref)} ${trouble}: there is no such object`;
  const conditions = (at(object, 'status', 'conditions') ?? []) as readonly Condition[];
  const lines = conditions.map(
    ({ type, status, reason, message }) => `${type}=${status} (${reason}): ${firstLine(message)}`,
  );
  const events = await eventsOf(cluster, object);
  return [`${describeRef(refOf(object))} ${trouble}`, ...lines, ...events].join('\n  ');
}

async function eventsOf(cluster: Cluster, { kind, metadata }: KubernetesObject): Promise<readonly string[]> {
  const events = await cluster.list(
    { apiVersion: 'v1', kind: 'Event' },
    {
      namespace: metadata.namespace,
      fieldSelector: `involvedObject.kind=${kind},involvedObject.name=${metadata.name}`,
    },
  );
  const timeOf = (event: KubernetesObject) => String(at(event, 'lastTimestamp') ?? event.metadata.creationTimestamp);
  return [...events]
    .sort((a, b) => timeOf(a).localeCompare(timeOf(b)))
    .slice(-EVENTS_SHOWN)
    .map((event) => `event ${String(at(event, 'reason'))}: ${firstLine(at(event, 'message'))}`);
}

/** Helm's messages carry its log; what happened is their first line. */
function firstLine(message: unknown): string {
  return String(message ?? '').split('\n', 1)[0] ?? '';
}
