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
  return openCluster({ files: filesOf(kubeconfig, env), context }, options);
}

function filesOf(kubeconfig: string | undefined, env: ClusterChoice['env']): readonly string[] {
  if (kubeconfig !== undefined) return [kubeconfig];
  const named = env['KUBECONFIG'];
  if (named) return named.split(':').filter((file) => file !== '');
  return [join(env['HOME'] ?? '/', '.kube', 'config')];
}
