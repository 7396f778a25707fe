// SPDX-License-Identifier: Apache-2.0
import type { Cluster, RemoveOptions } from './cluster.ts';
import { describeRef, type ObjectRef, refOf } from './object.ts';
import { findOrNothing, inNamespace, objectIn, type Parts } from './parts.ts';
import { pathOf } from './resources.ts';

const dryRunOf = (dryRun: boolean | undefined) => (dryRun ? 'All' : undefined);

/** Gives the methods that change a cluster. */
export function changing(parts: Parts): Pick<Cluster, 'apply' | 'create' | 'patch' | 'remove'> {
  const { connection, resources } = parts;
  return {
    apply: async (object, { manager, force, dryRun }) => {
      const ref = refOf(object);
      const answer = await connection.send({
        doing: `apply ${describeRef(ref)}`,
        path: pathOf(await resources.find(ref), inNamespace(parts, ref)),
        method: 'PATCH',
        query: { fieldManager: manager, force: force ? 'true' : 'false', dryRun: dryRunOf(dryRun) },
        contentType: 'application/apply-patch+yaml', // JSON is YAML
        body: object,
      });
      return objectIn(answer);
    },
    create: async (object, { manager, dryRun } = {}) => {
      const ref = refOf(object);
      const { name: _name, ...kind } = inNamespace(parts, ref);
      const answer = await connection.send({
        doing: `create ${describeRef(ref)}`,
        path: pathOf(await resources.find(ref), kind),
        method: 'POST',
        query: { fieldManager: manager, dryRun: dryRunOf(dryRun) },
        body: object,
        repeatable: false,
      });
      return objectIn(answer);
    },
    patch: async (ref, { type, body, subresource, manager, dryRun }) => {
      const answer = await connection.send({
        doing: `change ${describeRef(ref)}`,
        path: pathOf(await resources.find(ref), inNamespace(parts, ref), subresource),
        method: 'PATCH',
        query: { fieldManager: manager, dryRun: dryRunOf(dryRun) },
        contentType: `application/${type}-patch+json`,
        body,
      });
      return objectIn(answer);
    },
    remove: (ref, options = {}) => removeObject(parts, ref, options),
  };
}

async function removeObject(parts: Parts, ref: ObjectRef, { propagation, dryRun, uid }: RemoveOptions) {
  const resource = await findOrNothing(parts.resources, ref);
  if (resource === undefined) return 'absent';
  const answer = await parts.connection.send({
    doing: `delete ${describeRef(ref)}`,
    path: pathOf(resource, inNamespace(parts, ref)),
    method: 'DELETE',
    body: {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: propagation ?? 'Background',
      ...(dryRun ? { dryRun: ['All'] } : {}),
      ...(uid === undefined ? {} : { preconditions: { uid } }),
    },
    accept: [404],
  });
  return answer.status === 404 ? 'absent' : 'removed';
}
