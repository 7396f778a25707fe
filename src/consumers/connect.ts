// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { type Cluster, type ConnectionOptions, openCluster } from '#kubernetes';

/** Which cluster, as flags and the environment name it. */
export interface ClusterChoice {
  /** `--kubeconfig`. */
  readonly kubeconfig?: string | undefined;
  /** `--context`. */
  readonly context?: string | undefined;
  /** For KUBECONFIG and HOME. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Opens the chosen cluster: --kubeconfig, else KUBECONFIG (several files, as kubectl merges them), else ~/.kube/config. */
export function connect({ kubeconfig, context, env }: ClusterChoice, options: ConnectionOptions): Promise<Cluster> {
  const named = kubeconfig ?? env['KUBECONFIG'];
  const separator = ':';
  const files =
    kubeconfig === undefined && named
      ? named.split(separator).filter((file) => file !== '')
      : [kubeconfig ?? join(env['HOME'] ?? '/', '.kube', 'config')];
  return openCluster({ files, context }, options);
}
