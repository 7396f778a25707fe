// SPDX-License-Identifier: Apache-2.0
import { type Cluster, conditionOf, describeRef, type KubernetesObject, orderForApply, refOf } from '#kubernetes';
import { CompatibilityError } from '../error.ts';

const MANAGER = 'oakum-compat';
const ESTABLISHED_WITHIN = 60_000;

/**
 * Applies install manifests to a bare cluster: definitions first, and the rest once all of them are served. Throws
 * `MANIFESTS_REFUSED` with the API server's words.
 */
export async function applyInstall(objects: readonly KubernetesObject[], cluster: Cluster): Promise<void> {
  const { definitions, rest } = orderForApply(objects);
  await applyAll(definitions, cluster);
  const crds = definitions.filter(({ kind }) => kind === 'CustomResourceDefinition');
  for (const crd of crds)
    await cluster.waitFor(
      refOf(crd),
      (found) => found !== undefined && conditionOf(found, 'Established')?.status === 'True',
      {
        what: 'established',
        timeoutMilliseconds: ESTABLISHED_WITHIN,
      },
    );
  await applyAll(rest, cluster);
}

async function applyAll(objects: readonly KubernetesObject[], cluster: Cluster): Promise<void> {
  for (const object of objects) {
    try {
      await cluster.apply(object, { manager: MANAGER, force: true });
    } catch (error) {
      throw new CompatibilityError('MANIFESTS_REFUSED', `the API server refuses ${describeRef(refOf(object))}`, {
        ...(error instanceof Error ? { where: error.message } : {}),
        cause: error,
      });
    }
  }
}
