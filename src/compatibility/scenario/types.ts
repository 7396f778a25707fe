// SPDX-License-Identifier: Apache-2.0
import type { Clock, Report, RunProcess } from '#core';
import type { Cluster, KubernetesObject } from '#kubernetes';
import type { Outside } from '../outside.ts';
import type { PublishedArtifact } from './servers/registry.ts';

/** How one step of the scenario ended; `detail` says why where it did not pass. */
export interface StepResult {
  /** A short sentence, the same in each run: what the step shows. */
  readonly name: string;
  readonly verdict: 'passed' | 'failed' | 'skipped';
  readonly milliseconds: number;
  readonly detail?: string;
}

/** The cluster that the scenario runs on: a real API server with CRDs and RBAC of the revision in place, and no nodes. */
export interface ScenarioCluster {
  /** The file that makes its reader cluster-admin. */
  readonly kubeconfig: string;
  /** `1.36.3`. */
  readonly version: string;
  /** Stops the API server and starts it on the same port with the same data. */
  restart(): Promise<void>;
}

/** The seven controllers, running. Nothing resolves names of Services here: where one serves others, this is its address. */
export interface ScenarioControllers {
  /** Where they run: the namespace of the install manifests. */
  readonly namespace: string;
  /** `2.9.2-r0`. */
  readonly revision: string;
  /** Where controllers listen, as `127.0.0.1:port`. */
  readonly addresses: {
    /** source-controller's artifacts. */
    readonly storage: string;
    /** source-watcher's artifacts. */
    readonly watcherStorage: string;
    /** notification-controller's receivers: what a webhook is posted to. */
    readonly receiver: string;
    /** notification-controller's intake of events. */
    readonly events: string;
  };
  /** What kustomize-controller finds where it looks outside of the cluster. */
  readonly outside: Pick<Outside, 'authority' | 'lead'>;
  /** Which programs kustomize-controller's image has, beside its own. */
  readonly programs: { readonly git: boolean; readonly gpg: boolean };
  /** Stops all of them and starts them again. */
  restart(): Promise<void>;
  /** Where an older revision was named and runs now: replaces it, manifests and programs, by the revision under test. */
  readonly upgrade?: () => Promise<void>;
}

/** The revision's manifests as the signed artifact that it has published, or why there is none to verify. */
export type SignedArtifact =
  | {
      readonly kind: 'signed';
      readonly artifact: PublishedArtifact;
      /** What those who trust it hold, PEM. */
      readonly publicKey: string;
    }
  | { readonly kind: 'none'; readonly reason: string };

/** What the scenario works with. */
export interface ScenarioRequest {
  readonly cluster: ScenarioCluster;
  readonly controllers: ScenarioControllers;
  /** An empty folder for servers and their content. Controllers run under another user and see nothing of it. */
  readonly folder: string;
  /** Where git is looked for, as PATH has it. */
  readonly searchPath: string;
  readonly run: RunProcess;
  /**
   * Makes a cluster ready for a CRD that serves fewer versions than its own: what `oakum upgrade` does. Without it, the step that
   * needs it is skipped.
   */
  readonly migrate?: (cluster: Cluster, next: KubernetesObject) => Promise<void>;
  /** Without it, the step that verifies it is skipped. */
  readonly signed?: SignedArtifact;
  readonly report: Report;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Runs the scenario; what does not work is a verdict. Throws the signal's reason where aborted. */
export type RunScenario = (request: ScenarioRequest) => Promise<readonly StepResult[]>;
