// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { type Cluster, groupOf, identityOf, type KindRef, type KubernetesObject, type ObjectRef } from '#kubernetes';
import { ConsumerError } from './error.ts';
import { listControllers } from './manifest-set.ts';

/** Who Oakum is to the API server, as the owner of fields. */
export const FIELD_MANAGER = 'oakum';

/** The ConfigMap in the controllers' namespace that holds what Oakum installed. */
export const RECORD_NAME = 'oakum-installation';

/** What is installed in a cluster. */
export interface Installation {
  /** `oakum`: by us, with a record of every object. `flux`: by something else that labels as upstream does. */
  readonly by: 'oakum' | 'flux';
  readonly namespace: string;
  readonly release: string;
  readonly revision: string | undefined;
  readonly channel: string | undefined;
  /** The digest of the manifests; undefined where they are not known. */
  readonly manifests: string | undefined;
  /** `changing`: a change began and did not end. */
  readonly state: 'complete' | 'changing';
  /** All objects of it; while it changes, the old ones and the new. */
  readonly objects: readonly ObjectRef[];
}

const refSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  namespace: z.string().optional(),
});

const recordSchema = z.looseObject({
  data: z.looseObject({
    release: z.string(),
    revision: z.string().optional(),
    channel: z.string().optional(),
    manifests: z.string().optional(),
    state: z.enum(['complete', 'changing']),
    objects: z
      .string()
      .transform((text) => JSON.parse(text) as unknown)
      .pipe(z.array(refSchema)),
  }),
});

/**
 * Finds what is installed: by our record, else by the labels that Flux's own installers set. Undefined where there is nothing.
 * Throws `INSTALLATION_UNREADABLE` where the record was edited so that it can't be read.
 */
export async function findInstallation(cluster: Cluster, namespace: string): Promise<Installation | undefined> {
  const record = await cluster.get({ apiVersion: 'v1', kind: 'ConfigMap', name: RECORD_NAME, namespace });
  if (record !== undefined) return readRecord(record, namespace);
  const controllers = await listControllers(cluster, namespace);
  const version = controllers
    .map(({ metadata }) => metadata.labels?.['app.kubernetes.io/version'])
    .find((label) => label);
  if (controllers.length === 0) return undefined;
  return {
    by: 'flux',
    namespace,
    release: version?.replace(/^v/, '') ?? 'unknown',
    revision: undefined,
    channel: undefined,
    manifests: undefined,
    state: 'complete',
    objects: [],
  };
}

function readRecord(record: KubernetesObject, namespace: string): Installation {
  const parsed = safely(() => recordSchema.safeParse(record));
  if (parsed?.success !== true) {
    throw new ConsumerError(
      'INSTALLATION_UNREADABLE',
      'the record of what Oakum installed was changed and can not be read',
      {
        where: `ConfigMap ${namespace}/${RECORD_NAME}`,
        hint: 'Restore it, or delete it and install again: installing takes over what is there, but what should go will stay.',
      },
    );
  }
  const { release, revision, channel, manifests, state, objects } = parsed.data.data;
  return { by: 'oakum', namespace, release, revision, channel, manifests, state, objects };
}

function safely<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined; // JSON.parse inside the schema
  }
}

/** Gives the record of an installation as the object to apply. */
export function toRecord(installation: Installation): KubernetesObject {
  const { namespace, release, revision, channel, manifests, state, objects } = installation;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: RECORD_NAME,
      namespace,
      labels: { 'app.kubernetes.io/managed-by': FIELD_MANAGER, 'app.kubernetes.io/part-of': 'flux' },
    },
    data: {
      release,
      ...(revision === undefined ? {} : { revision }),
      ...(channel === undefined ? {} : { channel }),
      ...(manifests === undefined ? {} : { manifests }),
      state,
      objects: JSON.stringify(
        objects.map(({ apiVersion, kind, namespace: place, name }) => ({ apiVersion, kind, namespace: place, name })),
      ),
    },
  };
}

/** Gives both lists as one, each object once. */
export function unionOf(...lists: readonly (readonly ObjectRef[])[]): readonly ObjectRef[] {
  return [...new Map(lists.flat().map((ref) => [identityOf(ref), ref])).values()];
}

/** Says whether we may delete an object: it was applied by us, whatever a record claims. */
export function isOurs({ metadata }: KubernetesObject): boolean {
  return (metadata.managedFields ?? []).some(
    ({ manager, operation }) => manager === FIELD_MANAGER && operation === 'Apply',
  );
}

/** Says whether an object is a definition of a kind of Flux. */
export function isDefinition({ apiVersion, kind }: KindRef): boolean {
  return kind === 'CustomResourceDefinition' && groupOf(apiVersion) === 'apiextensions.k8s.io';
}
