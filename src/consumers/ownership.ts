// SPDX-License-Identifier: Apache-2.0
import { at, type Cluster, isKubernetesError, type KindRef, type KubernetesObject } from '#kubernetes';
import { listControllers } from './manifest-set.ts';

/** A reason why a plan may not be carried out, and what to do instead. */
export interface Blocker {
  readonly code:
    | 'OWNED_BY_FLUX_OPERATOR'
    | 'OWNED_BY_BOOTSTRAP'
    | 'OWNED_BY_HELM'
    | 'NAMESPACE_TERMINATING'
    | 'ALREADY_INSTALLED'
    | 'NOT_INSTALLED'
    | 'RIGHTS_MISSING'
    | 'FIELDS_OWNED_BY_OTHERS'
    | 'OBJECT_REFUSED'
    | 'DOWNGRADE'
    | 'LINES_SKIPPED'
    | 'STORED_VERSION_UNKNOWN'
    | 'DATA_WOULD_BE_LOST';
  readonly message: string;
  readonly hint: string;
}

const INSTANCE = { apiVersion: 'fluxcd.controlplane.io/v1', kind: 'FluxInstance' };
const KUSTOMIZATION = { apiVersion: 'kustomize.toolkit.fluxcd.io/v1', kind: 'Kustomization' };

/** The kinds of objects that tell who installs Flux. */
export const OWNER_KINDS = [INSTANCE, KUSTOMIZATION] as const;

/** Finds who else installs Flux in this cluster: the Flux Operator, Flux itself (bootstrap), Helm. Two owners would undo each other's changes. */
export async function findOwners(cluster: Cluster, namespace: string): Promise<readonly Blocker[]> {
  const controllers = await listControllers(cluster, namespace);
  const [operator, bootstrap] = await Promise.all([
    findOperator(cluster, namespace, controllers),
    findBootstrap(cluster, namespace, controllers),
  ]);
  return [operator, bootstrap, findHelm(controllers)].filter((blocker) => blocker !== undefined);
}

async function findOperator(
  cluster: Cluster,
  namespace: string,
  controllers: readonly KubernetesObject[],
): Promise<Blocker | undefined> {
  const instances = await listIfThere(cluster, INSTANCE, namespace);
  const labelled = controllers.find(
    ({ metadata }) =>
      metadata.labels?.['app.kubernetes.io/managed-by'] === 'flux-operator' ||
      metadata.labels?.['fluxcd.controlplane.io/name'] !== undefined,
  );
  const [instance] = instances;
  if (instance === undefined && labelled === undefined) return undefined;
  const who =
    instance === undefined
      ? 'labels of its controllers'
      : `FluxInstance ${instance.metadata.namespace}/${instance.metadata.name}`;
  return {
    code: 'OWNED_BY_FLUX_OPERATOR',
    message: `the Flux Operator installs Flux here (${who}) and would undo this`,
    hint: 'Set spec.distribution (registry, version, artifact) of the FluxInstance to this distribution; docs/cluster.md shows how.',
  };
}

async function findBootstrap(
  cluster: Cluster,
  namespace: string,
  controllers: readonly KubernetesObject[],
): Promise<Blocker | undefined> {
  const kustomizations = await listIfThere(cluster, KUSTOMIZATION, namespace);
  const labelled = controllers
    .map(({ metadata }) => metadata.labels?.['kustomize.toolkit.fluxcd.io/name'])
    .find((name) => name);
  const owner =
    kustomizations.find(({ metadata }) => metadata.name === labelled) ?? kustomizations.find(ownsController);
  if (owner === undefined) return undefined;
  const path = at(owner, 'spec', 'path');
  return {
    code: 'OWNED_BY_BOOTSTRAP',
    message: `Flux installs itself here from Git (Kustomization ${namespace}/${owner.metadata.name}, path ${typeof path === 'string' ? path : './'}) and would undo this`,
    hint: 'Change the repository instead: oakum upgrade --git FOLDER, then commit and push.',
  };
}

/** An inventory's ids are `<namespace>_<name>_<group>_<kind>`. */
function ownsController(kustomization: KubernetesObject): boolean {
  const entries = at(kustomization, 'status', 'inventory', 'entries');
  if (!Array.isArray(entries)) return false;
  return entries.some((entry) => String(at(entry, 'id')).endsWith('_source-controller_apps_Deployment'));
}

function findHelm(controllers: readonly KubernetesObject[]): Blocker | undefined {
  const release = controllers
    .map(({ metadata }) => metadata.annotations?.['meta.helm.sh/release-name'])
    .find((name) => name);
  if (release === undefined) return undefined;
  return {
    code: 'OWNED_BY_HELM',
    message: `Flux was installed here by Helm (release ${release}), whose next upgrade would undo this`,
    hint: "Set the chart's image values to this distribution, or uninstall the release with its CRDs kept.",
  };
}

async function listIfThere(cluster: Cluster, kind: KindRef, namespace: string) {
  try {
    return await cluster.list(kind, { namespace });
  } catch (error) {
    if (isKubernetesError(error, 'KIND_UNKNOWN')) return [];
    throw error;
  }
}
