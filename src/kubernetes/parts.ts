// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import type { Connection, ConnectionOptions } from './connection.ts';
import { KubernetesError } from './error.ts';
import type { KubernetesObject, ObjectRef } from './object.ts';
import { notKubernetes, parseJson, type Resource, type Resources } from './resources.ts';

/** What reading and changing a cluster share. */
export interface Parts {
  readonly connection: Connection;
  readonly resources: Resources;
  readonly options: ConnectionOptions;
  readonly defaultNamespace: string;
}

/** The resource of an object's kind; undefined where the server knows no such kind. */
export async function findOrNothing(resources: Resources, ref: ObjectRef): Promise<Resource | undefined> {
  try {
    return await resources.find(ref);
  } catch (error) {
    if (error instanceof KubernetesError && error.code === 'KIND_UNKNOWN') return undefined;
    throw error;
  }
}

/** An object without namespace lives in that of the context, if its kind lives in any. */
export function inNamespace<T extends { readonly namespace?: string | undefined }>(
  { defaultNamespace }: Parts,
  ref: T,
) {
  return { ...ref, namespace: ref.namespace ?? defaultNamespace };
}

/** The least an object must have to be one. */
export const objectSchema = z.looseObject({ metadata: z.looseObject({ name: z.string() }) });

/** Takes an answer; gives the object in it. Throws where it is none. */
export function objectIn(answer: { readonly text: string; readonly url: string }): KubernetesObject {
  const value = parseJson(answer.text);
  if (!objectSchema.safeParse(value).success) throw notKubernetes(answer.url);
  return value as KubernetesObject;
}
