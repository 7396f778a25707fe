// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { valueIn } from './answer.ts';
import { changing } from './changing.ts';
import { type ConnectionOptions, openConnection } from './connection.ts';
import { KubernetesError } from './error.ts';
import { type KubeconfigChoice, readKubeconfig } from './kubeconfig.ts';
import { describeRef, type KindRef, type KubernetesObject, type ObjectRef } from './object.ts';
import { findOrNothing, inNamespace, objectIn, objectSchema, type Parts } from './parts.ts';
import { openResources, pathOf, type Resource } from './resources.ts';
import { type WatchEvent, watchObjects } from './watch.ts';

/** The version of an API server; `minor` is of Kubernetes 1. */
export interface ServerVersion {
  readonly gitVersion: string;
  readonly major: number;
  readonly minor: number;
  readonly platform: string;
}

/** Which objects of a kind. */
export interface Selection {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

/** How an object is applied. `manager` is who then owns the fields; `force` takes them from others. */
export interface ApplyOptions {
  readonly manager: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

/** A change to one object: RFC 7396 as `merge`, RFC 6902 as `json`. */
export interface Patch {
  readonly type: 'merge' | 'json';
  readonly body: unknown;
  readonly subresource?: string;
  readonly manager?: string;
  readonly dryRun?: boolean;
}

/** How an object is deleted. With `uid`, only if it is still that very one. */
export interface RemoveOptions {
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
  readonly dryRun?: boolean;
  readonly uid?: string | undefined;
}

/** An action on a resource (plural, group) in a namespace, or in all where none is named. */
export interface AccessQuestion {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/** What to wait for, in words, and how long. */
export interface WaitOptions {
  readonly what: string;
  readonly timeoutMilliseconds: number;
}

/** One cluster, as the identity of one context of a kubeconfig. All methods wait out a server that restarts, and throw KubernetesError. */
export interface Cluster {
  readonly context: string;
  readonly server: string;
  /** The namespace of the context. */
  readonly namespace: string;
  version(): Promise<ServerVersion>;
  /** Whether the server says that it is ready; false also where it can't be reached. */
  ready(): Promise<boolean>;
  /** The kinds of an API version; undefined where it is not served. */
  resources(apiVersion: string): Promise<readonly Resource[] | undefined>;
  resourceOf(kind: KindRef): Promise<Resource>;
  /** Undefined where there is no such object or no such kind. */
  get(ref: ObjectRef): Promise<KubernetesObject | undefined>;
  list(kind: KindRef, selection?: Selection): Promise<readonly KubernetesObject[]>;
  watch(kind: KindRef, selection: Selection, signal: AbortSignal): AsyncGenerator<WatchEvent, void, undefined>;
  /** Server-side apply. */
  apply(object: KubernetesObject, options: ApplyOptions): Promise<KubernetesObject>;
  create(
    object: KubernetesObject,
    options?: { readonly manager?: string; readonly dryRun?: boolean },
  ): Promise<KubernetesObject>;
  patch(ref: ObjectRef, patch: Patch): Promise<KubernetesObject>;
  remove(ref: ObjectRef, options?: RemoveOptions): Promise<'removed' | 'absent'>;
  can(question: AccessQuestion): Promise<boolean>;
  /** Asks for an object until `test` holds for it (undefined: it is not there); throws `WAIT_TIMED_OUT`. */
  waitFor(
    ref: ObjectRef,
    test: (object: KubernetesObject | undefined) => boolean,
    options: WaitOptions,
  ): Promise<KubernetesObject | undefined>;
}

/**
 * Reads the kubeconfig and gives the cluster; nothing is sent yet. A server that refuses the first connection is an error at once; one
 * that has answered before is waited for.
 */
export async function openCluster(choice: KubeconfigChoice, options: ConnectionOptions): Promise<Cluster> {
  const target = await readKubeconfig(choice);
  const connection = openConnection(target, options);
  const resources = openResources(connection);
  const parts: Parts = { connection, resources, options, defaultNamespace: target.namespace };
  return {
    context: target.context,
    server: target.server,
    namespace: target.namespace,
    ...reading(parts),
    ...changing(parts),
  };
}

type Reading = Pick<
  Cluster,
  'version' | 'ready' | 'resources' | 'resourceOf' | 'get' | 'list' | 'watch' | 'can' | 'waitFor'
>;

const versionSchema = z.looseObject({
  gitVersion: z.string(),
  major: z.string(),
  minor: z.string(),
  platform: z.string(),
});

function reading(parts: Parts): Reading {
  const { connection, resources, options } = parts;
  const get = (ref: ObjectRef) => getObject(parts, ref);
  return {
    version: async () => {
      const answer = await connection.send({ doing: 'ask for the version', path: '/version' });
      const { gitVersion, major, minor, platform } = valueIn(answer, versionSchema);
      return { gitVersion, major: Number.parseInt(major, 10), minor: Number.parseInt(minor, 10), platform }; // some clouds say `33+`
    },
    ready: async () => {
      try {
        return (
          (await connection.send({ doing: 'ask whether it is ready', path: '/readyz', accept: [500, 503, 401, 403] }))
            .status === 200
        );
      } catch (error) {
        if (error instanceof KubernetesError) return false;
        throw error;
      }
    },
    resources: (apiVersion) => resources.of(apiVersion),
    resourceOf: (kind) => resources.find(kind),
    get,
    list: async (kind, selection = {}) => (await listAll(parts, kind, selection)).objects,
    watch: (kind, selection, signal) => watchKind(parts, kind, selection, signal),
    can: (question) => askAccess(parts, question),
    waitFor: async (ref, test, { what, timeoutMilliseconds }) => {
      const end = options.clock.now().getTime() + timeoutMilliseconds;
      for (let pause = 100; ; pause = Math.min(pause * 1.5, 2000)) {
        const object = await get(ref);
        if (test(object)) return object;
        if (options.clock.now().getTime() >= end) throw waitedTooLong(ref, what, timeoutMilliseconds);
        await options.clock.sleep(pause, options.signal);
      }
    },
  };
}

function waitedTooLong(ref: ObjectRef, what: string, milliseconds: number): KubernetesError {
  const seconds = Math.round(milliseconds / 1000);
  return new KubernetesError('WAIT_TIMED_OUT', `${describeRef(ref)} is not ${what} after ${seconds} s`, {
    hint: `See \`kubectl describe ${ref.kind.toLowerCase()} ${ref.name}${ref.namespace === undefined ? '' : ` -n ${ref.namespace}`}\`.`,
  });
}

async function getObject(parts: Parts, ref: ObjectRef): Promise<KubernetesObject | undefined> {
  const resource = await findOrNothing(parts.resources, ref);
  if (resource === undefined) return undefined;
  const path = pathOf(resource, inNamespace(parts, ref));
  const answer = await parts.connection.send({ doing: `get ${describeRef(ref)}`, path, accept: [404] });
  return answer.status === 404 ? undefined : objectIn(answer);
}

const listSchema = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string().default(''), continue: z.string().optional() }),
  items: z.array(objectSchema).nullable(),
});

interface Listed {
  readonly objects: readonly KubernetesObject[];
  readonly resourceVersion: string;
}

/** Lists in pages; where the server has forgotten the list before its end (410), from its start. */
async function listAll(parts: Parts, ref: KindRef, selection: Selection): Promise<Listed> {
  const kind = { apiVersion: ref.apiVersion, kind: ref.kind }; // a whole reference is a kind too, but its name is not meant
  const resource = await parts.resources.find(kind);
  for (let round = 0; ; round += 1) {
    const objects: KubernetesObject[] = [];
    let next: string | undefined;
    for (;;) {
      const query = { ...queryOf(selection), limit: '500', continue: next };
      const answer = await parts.connection.send({
        doing: `list ${resource.name}`,
        path: pathOf(resource, { ...kind, namespace: selection.namespace }),
        query,
        accept: next === undefined || round > 2 ? [] : [410],
      });
      if (answer.status === 410) break;
      const { items, metadata } = valueIn(answer, listSchema);
      // Items of lists do not say what they are.
      objects.push(...(items ?? []).map((item) => ({ ...item, ...kind })));
      next = metadata.continue || undefined;
      if (next === undefined) return { objects, resourceVersion: metadata.resourceVersion };
    }
  }
}

function queryOf({ labelSelector, fieldSelector }: Selection) {
  return { labelSelector, fieldSelector };
}

async function* watchKind(
  parts: Parts,
  { apiVersion, kind: name }: KindRef,
  selection: Selection,
  signal: AbortSignal,
) {
  const kind = { apiVersion, kind: name };
  const resource = await parts.resources.find(kind);
  yield* watchObjects({
    connection: parts.connection,
    clock: parts.options.clock,
    list: () => listAll(parts, kind, selection),
    request: {
      doing: `watch ${resource.name}`,
      path: pathOf(resource, { ...kind, namespace: selection.namespace }),
      query: queryOf(selection),
    },
    signal,
  });
}

const reviewSchema = z.looseObject({ status: z.looseObject({ allowed: z.boolean() }) });

async function askAccess({ connection }: Parts, question: AccessQuestion): Promise<boolean> {
  const answer = await connection.send({
    doing: `ask whether we may ${question.verb} ${question.resource}`,
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    method: 'POST',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: question },
    },
  });
  return valueIn(answer, reviewSchema).status.allowed;
}
