// SPDX-License-Identifier: Apache-2.0
import { parse } from 'yaml';

/** An object of a manifest, as far as it is looked at here. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly template?: { readonly spec?: PodSpec } };
}

/** A pod, as far as Pod Security looks at it. */
export interface PodSpec {
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly securityContext?: SecurityContext;
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Readonly<Record<string, unknown>>[];
  readonly imagePullSecrets?: readonly { readonly name: string }[];
}

/** A container of a pod. */
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly ports?: readonly { readonly hostPort?: number }[];
  readonly securityContext?: SecurityContext;
}

/** The security context of a pod or a container: the members of both. */
export interface SecurityContext {
  readonly runAsNonRoot?: boolean;
  readonly runAsUser?: number;
  readonly privileged?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
  readonly procMount?: string;
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  readonly seccompProfile?: { readonly type?: string };
  readonly appArmorProfile?: { readonly type?: string };
  readonly seLinuxOptions?: { readonly type?: string; readonly user?: string; readonly role?: string };
  readonly sysctls?: readonly { readonly name: string }[];
  readonly windowsOptions?: { readonly hostProcess?: boolean };
}

const CRD = /^kind: CustomResourceDefinition$/m;

/**
 * Takes a manifest as kustomize writes it: gives its objects but for CustomResourceDefinitions, which are most of its text and take
 * most of a second to parse. Throws what the YAML parser throws.
 */
export function readObjects(manifest: string): readonly KubernetesObject[] {
  return splitDocuments(manifest)
    .filter((text) => !CRD.test(text))
    .map((text) => parse(text) as KubernetesObject | null)
    .filter((object) => object !== null);
}

/** Gives the documents of a manifest as kustomize writes it, each without its mark. */
export function splitDocuments(manifest: string): readonly string[] {
  return manifest.split(/^---\n/m).filter((text) => text.trim() !== '');
}
