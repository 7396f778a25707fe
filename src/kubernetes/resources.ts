// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { valueIn } from './answer.ts';
import type { Connection } from './connection.ts';
import { KubernetesError } from './error.ts';
import { groupOf, type KindRef, type ObjectRef, versionOf } from './object.ts';

/** A kind as the API server offers it. `name` is the plural of its path. */
export interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

const resourceList = z.looseObject({
  resources: z.array(
    z.looseObject({
      name: z.string(),
      kind: z.string(),
      namespaced: z.boolean(),
      verbs: z.array(z.string()).default([]),
    }),
  ),
});

/** What the API server offers, asked for once and again where something is missing. */
export interface Resources {
  /** The kinds of one version of an API, subresources left out; undefined where the server does not serve it. */
  of(apiVersion: string): Promise<readonly Resource[] | undefined>;
  /** The resource of a kind; throws `KIND_UNKNOWN`. */
  find(kind: KindRef): Promise<Resource>;
}

/** Gives what the API server offers. */
export function openResources(connection: Connection): Resources {
  const known = new Map<string, Promise<readonly Resource[] | undefined>>();
  const ask = (apiVersion: string) => {
    const asked = askFor(connection, apiVersion);
    known.set(apiVersion, asked);
    asked.catch(() => known.delete(apiVersion));
    return asked;
  };
  const of = (apiVersion: string) => known.get(apiVersion) ?? ask(apiVersion);
  return {
    of,
    find: async (ref) => {
      const pick = (all: readonly Resource[] | undefined) => all?.find(({ kind }) => kind === ref.kind);
      const found = pick(await of(ref.apiVersion)) ?? pick(await ask(ref.apiVersion));
      if (found !== undefined) return found;
      throw new KubernetesError('KIND_UNKNOWN', `the cluster knows no ${ref.kind} of ${ref.apiVersion}`, {
        hint: 'Its CustomResourceDefinition is missing, or this version of Kubernetes or of the definition has it no more.',
      });
    },
  };
}

async function askFor(connection: Connection, apiVersion: string): Promise<readonly Resource[] | undefined> {
  const answer = await connection.send({
    doing: `ask what ${apiVersion} holds`,
    path: basePath(apiVersion),
    accept: [404],
  });
  if (answer.status === 404) return undefined;
  return valueIn(answer, resourceList)
    .resources.filter(({ name }) => !name.includes('/'))
    .map(({ name, kind, namespaced, verbs }) => ({ name, kind, namespaced, verbs }));
}

function basePath(apiVersion: string): string {
  const group = groupOf(apiVersion);
  return group === '' ? `/api/${apiVersion}` : `/apis/${group}/${versionOf(apiVersion)}`;
}

/** Gives the path of a kind, or of one object, in a namespace or in all. */
export function pathOf(resource: Resource, ref: KindRef & Partial<ObjectRef>, subresource?: string): string {
  const namespace = resource.namespaced && ref.namespace !== undefined ? ['namespaces', ref.namespace] : [];
  const name = ref.name === undefined ? [] : [ref.name, ...(subresource === undefined ? [] : [subresource])];
  return [basePath(ref.apiVersion), ...[...namespace, resource.name, ...name].map(encodeURIComponent)].join('/');
}
