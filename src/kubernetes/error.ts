// SPDX-License-Identifier: Apache-2.0
import { type ErrorDetails, type ErrorFamily, OakumError } from '#core';

const FAMILIES = {
  KUBECONFIG_MISSING: 'usage',
  KUBECONFIG_INVALID: 'usage',
  KUBECONFIG_CONTEXT_UNKNOWN: 'usage',
  CREDENTIAL_UNUSABLE: 'usage',
  MANIFEST_INVALID: 'definition',
  CLUSTER_UNREACHABLE: 'network',
  CLUSTER_TIMED_OUT: 'network',
  CLUSTER_UNTRUSTED: 'proof',
  CLUSTER_UNAUTHENTICATED: 'cluster',
  CLUSTER_FORBIDDEN: 'cluster',
  CLUSTER_CONFLICT: 'cluster',
  CLUSTER_NOT_FOUND: 'cluster',
  CLUSTER_INVALID: 'cluster',
  CLUSTER_GONE: 'cluster',
  CLUSTER_REFUSED: 'cluster',
  KIND_UNKNOWN: 'cluster',
  WAIT_TIMED_OUT: 'cluster',
} as const satisfies Record<string, ErrorFamily>;

/** Codes of {@link KubernetesError}. */
export type KubernetesErrorCode = keyof typeof FAMILIES;

/** One field that the API server objects to, and why. For a conflict, `manager` is who owns it. */
export interface FieldCause {
  readonly field: string;
  readonly message: string;
  readonly manager?: string;
}

/** Facts of a {@link KubernetesError} beside its message. */
export interface KubernetesErrorDetails extends ErrorDetails {
  /** The HTTP status, where the API server answered. */
  readonly status?: number;
  readonly causes?: readonly FieldCause[];
}

/** A cluster that can't be found, reached or changed as asked. */
export class KubernetesError extends OakumError<KubernetesErrorCode> {
  readonly status: number | undefined;
  readonly causes: readonly FieldCause[];

  constructor(code: KubernetesErrorCode, message: string, details: KubernetesErrorDetails = {}) {
    super(FAMILIES[code], code, message, details);
    this.status = details.status;
    this.causes = details.causes ?? [];
  }
}

/** Says whether a caught thing is a {@link KubernetesError} with one of the codes. */
export function isKubernetesError(error: unknown, ...codes: readonly KubernetesErrorCode[]): error is KubernetesError {
  return error instanceof KubernetesError && codes.includes(error.code);
}
