// SPDX-License-Identifier: Apache-2.0
export { openCluster } from './cluster.ts';
export type {
  AccessQuestion,
  ApplyOptions,
  Cluster,
  Patch,
  RemoveOptions,
  Selection,
  ServerVersion,
  WaitOptions,
} from './cluster.ts';
export type { ConnectionOptions } from './connection.ts';
export { isKubernetesError, KubernetesError } from './error.ts';
export type { FieldCause, KubernetesErrorCode } from './error.ts';
export { readKubeconfig } from './kubeconfig.ts';
export type { ClusterTarget, KubeconfigChoice } from './kubeconfig.ts';
export { orderForApply, parseManifests } from './manifests.ts';
export type { ApplyStages } from './manifests.ts';
export { at, conditionOf, describeRef, groupOf, identityOf, refOf, versionOf } from './object.ts';
export type { Condition, KindRef, KubernetesObject, ManagedFields, ObjectMeta, ObjectRef } from './object.ts';
export type { Resource } from './resources.ts';
export type { WatchEvent } from './watch.ts';
