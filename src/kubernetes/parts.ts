// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { type Answer, valueIn } from './answer.ts';
import type { Connection, ConnectionOptions } from './connection.ts';
import { isKubernetesError } from './error.ts';
import type { KubernetesObject, ObjectRef } from './object.ts';
import type { Resource, Resources } from './resources.ts';

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
    if (isKubernetesError(error, 'KIND_UNKNOWN')) return undefined;
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

/** The same, given as it came: its fields in their order. */
const wholeObject = z.custom<KubernetesObject>((value) => objectSchema.safeParse(value).success);

/** Takes an answer; gives the object in it. Throws where it is none. */
export function objectIn(answer: Answer): KubernetesObject {
  return valueIn(answer, wholeObject);
}
