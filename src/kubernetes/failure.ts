// SPDX-License-Identifier: Apache-2.0
import { HttpError, messageOf } from '#core';
import { KubernetesError } from './error.ts';
import type { ClusterTarget } from './kubeconfig.ts';

/** Takes why no answer came, and what was being done ("get Deployment a/b"); gives it as an error. */
export function toFailure(
  error: unknown,
  timedOut: boolean,
  { doing }: { readonly doing: string },
  target: ClusterTarget,
): KubernetesError {
  const where = `${target.server} (context ${target.context})`;
  if (timedOut) {
    return new KubernetesError('CLUSTER_TIMED_OUT', `could not ${doing}: the API server did not answer in time`, {
      where,
      cause: error,
      hint: 'See whether the cluster is well (`kubectl get --raw /readyz?verbose`), then run again.',
    });
  }
  if (isUntrusted(error)) {
    return new KubernetesError(
      'CLUSTER_UNTRUSTED',
      `could not ${doing}: the API server's certificate is not trusted (${reasonOf(error)})`,
      {
        where,
        cause: error,
        hint: 'Is this the right cluster? The kubeconfig names whom to trust: certificate-authority-data, tls-server-name.',
      },
    );
  }
  return new KubernetesError(
    'CLUSTER_UNREACHABLE',
    `could not ${doing}: the API server can't be reached (${reasonOf(error)})`,
    {
      where,
      cause: error,
      hint: 'Is it running, is the address right, does a VPN or proxy lie between? Choose another with --context.',
    },
  );
}

function causeOf(error: unknown): unknown {
  const cause = error instanceof HttpError ? error.cause : error;
  return cause instanceof AggregateError ? (cause.errors[0] ?? cause) : cause;
}

/** Node's advice on its own flags helps nobody who runs Oakum. */
function reasonOf(error: unknown): string {
  return messageOf(causeOf(error)).replace(/; if the root CA is installed locally.*$/, '');
}

/** Gives the code of the system or of TLS below an error: `ECONNREFUSED`. */
export function errnoOf(error: unknown): string | undefined {
  const { code } = (causeOf(error) ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** Says whether it was the certificate that was not taken. */
export function isUntrusted(error: unknown): boolean {
  return /CERT|UNABLE_TO_|SELF_SIGNED|ERR_TLS|ERR_SSL/.test(errnoOf(error) ?? '');
}
