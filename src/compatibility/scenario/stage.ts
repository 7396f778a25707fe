// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { type Clock, createHttp, digestOf, type Http, readBody } from '#core';
import { at, type Cluster, describeRef, type KubernetesObject, type ObjectRef, refOf } from '#kubernetes';
import { type Files, unpackArchive } from './content/archive.ts';
import { StepFailure } from './failure.ts';
import { isReady, isStalled, tellOf, textAt } from './reading.ts';
import type { KeyServices } from './keys/key-services.ts';
import type { ScenarioServers } from './servers/servers.ts';
import type { ScenarioControllers } from './types.ts';

/** What all steps share. */
export interface Scenery {
  readonly cluster: Cluster;
  readonly servers: ScenarioServers;
  readonly keys: KeyServices;
  /** The host under which kustomize-controller reaches the repositories as those of another, by git alone. */
  readonly outsideGit: string;
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
/** Conditions come before the rest of a status, which may hold what is waited for. */
const SETTLED = 1000;
const MAX_ARTIFACT = 16 << 20;
const NATIVE: ReadonlyMap<string, string> = new Map([
  ['ConfigMap', 'v1'],
  ['Secret', 'v1'],
  ['Service', 'v1'],
  ['Deployment', 'apps/v1'],
]);

/** Makes the namespace of a step, and gives its stage. */
export async function openStage(scenery: Scenery, namespace: string): Promise<Stage> {
  const { cluster } = scenery;
  const http = createHttp({ clock: scenery.clock });
  const ref = (kind: string, name: string): ObjectRef => ({
    apiVersion: versionOf(kind, scenery),
    kind,
    namespace,
    name,
  });
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { manager: MANAGER });
  return {
    ...scenery,
    ...waiting(scenery, ref),
    namespace,
    http,
    ref,
    async apply(...drafts) {
      for (const { kind, name, ...fields } of drafts) {
        const object = { apiVersion: versionOf(kind, scenery), kind, metadata: { name, namespace }, ...fields };
        await cluster.apply(object, { manager: MANAGER, force: true });
      }
    },
    async artifact(source) {
      const url = textAt(source, 'status', 'artifact', 'url');
      if (url === '') throw new StepFailure(`${describeRef(refOf(source))} is ready without an artifact`);
      const bytes = await readBody(await http({ url, signal: scenery.signal }), MAX_ARTIFACT);
      const [digest, wanted] = [digestOf(bytes), textAt(source, 'status', 'artifact', 'digest')];
      if (digest !== wanted) throw new StepFailure(`${url} holds ${digest}, its source says ${wanted}`);
      return unpackArchive(bytes, url);
    },
  };
}

function versionOf(kind: string, { kinds }: Scenery): string {
  const version = NATIVE.get(kind) ?? kinds.get(kind);
  if (version === undefined) throw new StepFailure(`the cluster has no kind ${kind}: its CRD is missing`);
  return version;
}

/** What waits: it asks again and again, and when time runs out it tells of the object that it waited for. */
function waiting(
  { cluster, clock, signal, patience }: Scenery,
  refTo: Stage['ref'],
): Pick<Stage, 'until' | 'ready' | 'reconcile' | 'wait'> {
  const seconds = Math.round(patience / 1000);

  async function poll<T>(ask: () => Promise<T | undefined>, late: () => Promise<string>): Promise<T> {
    const end = clock.now().getTime() + patience;
    for (;;) {
      const found = await ask();
      if (found !== undefined) return found;
      if (clock.now().getTime() >= end) throw new StepFailure(await late());
      await clock.sleep(TICK, signal);
    }
  }

  async function look(ref: ObjectRef, test: (object: KubernetesObject) => boolean) {
    const found = await cluster.get(ref);
    if (found === undefined || test(found)) return found;
    if (!isStalled(found)) return undefined;
    await clock.sleep(SETTLED, signal);
    const settled = await cluster.get(ref);
    if (settled !== undefined && test(settled)) return settled;
    throw new StepFailure(await tellOf(cluster, ref, 'is stalled'));
  }

  const until: Stage['until'] = (ref, what, test) =>
    poll(
      () => look(ref, test),
      () => tellOf(cluster, ref, `is not ${what} after ${seconds} s`),
    );
  return {
    until,
    ready: (kind, name) => until(refTo(kind, name), 'ready', isReady),
    async reconcile(kind, name) {
      const token = randomUUID();
      await cluster.patch(refTo(kind, name), {
        type: 'merge',
        body: { metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': token } } },
        manager: MANAGER,
      });
      const isHandled = (object: KubernetesObject) => at(object, 'status', 'lastHandledReconcileAt') === token;
      return until(refTo(kind, name), 'reconciled on request', isHandled);
    },
    async wait(what, about, test) {
      await poll(
        async () => ((await test()) ? true : undefined),
        async () => `${what}: not so after ${seconds} s\n  ${await tellOf(cluster, about, 'is to do it')}`,
      );
    },
  };
}
