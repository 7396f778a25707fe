// SPDX-License-Identifier: Apache-2.0
import type { ObjectRef, ServerVersion } from '#kubernetes';
import type { ReleaseDocument } from '#release';
import type { KnownImage } from './catalog.ts';
import type { Installation } from './installation.ts';

/** A vulnerability that is open in an image, and how its clock stands where it is known. */
export interface OpenVulnerability {
  readonly id: string;
  readonly severity: string;
  readonly package: string;
  readonly fix: string | undefined;
  readonly clock?: { readonly state: string; readonly dueAt: string | undefined } | undefined;
}

/** What stands about a Kubernetes minor. */
export interface KubernetesSupport {
  readonly state: 'supported' | 'ending' | 'unsupported' | 'unknown';
  /** What that rests on, and until when. */
  readonly words: string;
}

/** What is compared with what. */
export interface CheckRequest {
  /** The release documents at hand: the catalog. */
  readonly documents: readonly ReleaseDocument[];
  /** What is open in an image now; by default what its release document says. */
  readonly vulnerabilities?: (image: KnownImage) => readonly OpenVulnerability[] | undefined;
  /** Whether a line is supported on a Kubernetes minor; by default what the release document says. */
  readonly support?: (line: string, minor: string) => KubernetesSupport | undefined;
  /** Where to look; all namespaces by default. */
  readonly namespace?: string | undefined;
}

/** Something that wants attention. `critical` is what can be used against the cluster, or is broken. */
export interface Problem {
  readonly code:
    | 'NOTHING_INSTALLED'
    | 'IMAGE_UNKNOWN'
    | 'IMAGE_UNPINNED'
    | 'IMAGE_OUTDATED'
    | 'POD_DIFFERS'
    | 'NOT_AVAILABLE'
    | 'CHANNELS_MIXED'
    | 'REVISIONS_MIXED'
    | 'VULNERABILITIES_OPEN'
    | 'CLOCK_OVER'
    | 'KUBERNETES_UNSUPPORTED'
    | 'KUBERNETES_ENDING'
    | 'KUBERNETES_UNKNOWN'
    | 'CHANGE_UNFINISHED'
    | 'OBJECT_MISSING';
  readonly severity: 'warning' | 'critical';
  readonly subject: string;
  readonly message: string;
  readonly hint: string;
}

/** One controller as it runs. */
export interface ControllerReading {
  readonly ref: ObjectRef;
  readonly component: string;
  readonly image: string;
  readonly revision: string | undefined;
  readonly channel: string | undefined;
  /** The newest revision of its line that holds another image of it; undefined where this is the newest, or nothing is known. */
  readonly newer: string | undefined;
  readonly available: boolean;
  readonly vulnerabilities: readonly OpenVulnerability[] | undefined;
}

/** How a cluster stands against the catalog. */
export interface CheckReport {
  readonly cluster: { readonly context: string; readonly server: string; readonly version: ServerVersion };
  readonly installations: readonly Installation[];
  readonly controllers: readonly ControllerReading[];
  readonly kubernetes: KubernetesSupport;
  readonly problems: readonly Problem[];
}
