// SPDX-License-Identifier: Apache-2.0
import {
  type Cluster,
  describeRef,
  isKubernetesError,
  type KubernetesObject,
  type ObjectRef,
  type ServerVersion,
} from '#kubernetes';
import type { Catalog, KnownImage } from './catalog.ts';
import type { ControllerReading, KubernetesSupport, Problem } from './check-report.ts';
import type { Installation } from './installation.ts';
import type { PinnedImage } from './manifest-set.ts';

/** What one controller is judged by. */
export interface Judged {
  readonly image: PinnedImage | undefined;
  readonly known: KnownImage | undefined;
  readonly running: readonly string[];
  readonly catalog: Catalog;
}

/** Gives what wants attention of one controller. */
export function problemsOf(reading: ControllerReading, judged: Judged): readonly Problem[] {
  const subject = describeRef(reading.ref);
  const facts = [...imageFacts(reading, judged), ...podFacts(judged), ...vulnerabilityFacts(reading)];
  const available: Fact = {
    code: 'NOT_AVAILABLE',
    severity: 'critical',
    message: 'it is not available',
    hint: 'See `kubectl describe` of it.',
  };
  return [...(reading.available ? [] : [available]), ...facts].map((fact) => ({ ...fact, subject }));
}

type Fact = Omit<Problem, 'subject'>;

function imageFacts({ revision, newer }: ControllerReading, { image, known, catalog }: Judged): readonly Fact[] {
  const shown = image?.image ?? '-';
  const facts: Fact[] = [];
  if (image?.digest === undefined) {
    const message = `its image is not pinned by digest: ${shown}`;
    facts.push({ code: 'IMAGE_UNPINNED', severity: 'warning', message, hint: 'Install with `oakum upgrade`.' });
  }
  if (known === undefined && catalog.revisions.length > 0) {
    const message = `its image is in no release document: ${shown}`;
    const hint = 'Give the documents of all revisions that may run (--documents), or find out who installed it.';
    facts.push({ code: 'IMAGE_UNKNOWN', severity: 'critical', message, hint });
  }
  if (newer !== undefined) {
    const message = `it runs ${revision}, and ${newer} has a newer image`;
    facts.push({ code: 'IMAGE_OUTDATED', severity: 'warning', message, hint: `oakum upgrade ${newer}` });
  }
  return facts;
}

function vulnerabilityFacts({ vulnerabilities = [], newer }: ControllerReading): readonly Fact[] {
  const over = vulnerabilities.filter(({ clock }) => clock?.state === 'breached' || clock?.state === 'missed');
  const facts: Fact[] = [];
  if (vulnerabilities.length > 0) {
    const message = `open: ${vulnerabilities.map(({ id, severity }) => `${id} (${severity})`).join(', ')}`;
    const hint =
      newer === undefined ? '`oakum findings` tells what is known.' : `oakum upgrade ${newer}, then check again`;
    facts.push({ code: 'VULNERABILITIES_OPEN', severity: 'warning', message, hint });
  }
  if (over.length > 0) {
    const message = `past the time of the SLA: ${over.map(({ id }) => id).join(', ')}`;
    facts.push({ code: 'CLOCK_OVER', severity: 'critical', message, hint: '`oakum sla` tells since when.' });
  }
  return facts;
}

/** A tag that moved, or a registry that serves something else: pods run what the Deployment does not name. */
function podFacts({ image, running, catalog }: Judged): readonly Fact[] {
  const pinned = image?.digest;
  const wanted = pinned === undefined ? undefined : catalog.find(pinned);
  if (pinned === undefined || wanted === undefined) {
    if (running.length < 2) return [];
    const message = `its pods run ${running.length} different images: ${running.join(', ')}`;
    return [{ code: 'POD_DIFFERS', severity: 'warning', message, hint: 'Pin the image by digest.' }];
  }
  const strange = running.filter((digest) => digest !== pinned && catalog.find(digest)?.digest !== wanted.digest);
  if (strange.length === 0) return [];
  const message = `a pod runs ${strange.join(', ')} instead of ${pinned}`;
  return [
    {
      code: 'POD_DIFFERS',
      severity: 'critical',
      message,
      hint: 'A rollout may be under way; else see who changed it.',
    },
  ];
}

/** Says that nothing runs, where nothing does. */
export function nothingInstalled(controllers: readonly ControllerReading[]): readonly Problem[] {
  if (controllers.length > 0) return [];
  return [
    {
      code: 'NOTHING_INSTALLED',
      severity: 'critical',
      subject: 'cluster',
      message: 'no controller of Flux runs here',
      hint: 'Choose another cluster with --context, or `oakum install`.',
    },
  ];
}

/** Gives what wants attention of the version of Kubernetes. */
export function kubernetesProblems(
  { state, words }: KubernetesSupport,
  { gitVersion }: ServerVersion,
  controllers: readonly ControllerReading[],
): readonly Problem[] {
  if (state === 'supported' || controllers.length === 0) return [];
  const facts = {
    ending: {
      code: 'KUBERNETES_ENDING',
      severity: 'warning',
      hint: 'Plan the upgrade of the cluster; `oakum compat` tells the days.',
    },
    unsupported: {
      code: 'KUBERNETES_UNSUPPORTED',
      severity: 'critical',
      hint: 'Upgrade the cluster, or move to a line for it: `oakum compat`.',
    },
    unknown: { code: 'KUBERNETES_UNKNOWN', severity: 'warning', hint: '`oakum compat` tells which lines fit.' },
  } as const;
  return [{ ...facts[state], subject: `Kubernetes ${gitVersion}`, message: words }];
}

/** Finds channels and revisions that are mixed in a namespace. */
export function mixed(controllers: readonly ControllerReading[]): readonly Problem[] {
  return [...Map.groupBy(controllers, ({ ref }) => ref.namespace ?? '')].flatMap(([namespace, together]) => {
    const channels = distinct(together.map(({ channel }) => channel));
    const revisions = distinct(together.map(({ revision }) => revision));
    const subject = `namespace ${namespace}`;
    const hint = 'Install one revision of one channel with `oakum upgrade`.';
    return [
      ...(channels.length > 1
        ? [
            {
              code: 'CHANNELS_MIXED',
              severity: 'warning',
              subject,
              message: `channels are mixed: ${channels.join(', ')}`,
              hint,
            } as const,
          ]
        : []),
      ...(revisions.length > 1
        ? [
            {
              code: 'REVISIONS_MIXED',
              severity: 'warning',
              subject,
              message: `revisions are mixed: ${revisions.join(', ')}`,
              hint,
            } as const,
          ]
        : []),
    ];
  });
}

function distinct(values: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(values.filter((value) => value !== undefined))].sort();
}

/** Finds a change that did not end, and objects of the record that are gone. */
export async function installationProblems(
  cluster: Cluster,
  { namespace, state, release, revision, objects }: Installation,
): Promise<readonly Problem[]> {
  const subject = `namespace ${namespace}`;
  const live = await Promise.all(objects.map(async (ref) => ({ ref, object: await getIfAllowed(cluster, ref) })));
  const gone = live.filter(({ object }) => object === undefined).map(({ ref }) => describeRef(ref));
  return [
    ...(state === 'complete'
      ? []
      : [
          {
            code: 'CHANGE_UNFINISHED',
            severity: 'critical',
            subject,
            message: `a change to ${revision ?? release} began and did not end`,
            hint: 'Run that `oakum install` or `oakum upgrade` again.',
          } as const,
        ]),
    ...(gone.length === 0
      ? []
      : [
          {
            code: 'OBJECT_MISSING',
            severity: 'critical',
            subject,
            message: `${gone.length} objects of it are gone: ${gone.slice(0, 10).join(', ')}`,
            hint: 'Run the `oakum install` of this revision again: it makes what is missing.',
          } as const,
        ]),
  ];
}

/** What we may not see is taken to be there. */
async function getIfAllowed(cluster: Cluster, ref: ObjectRef): Promise<KubernetesObject | 'unseen' | undefined> {
  try {
    return await cluster.get(ref);
  } catch (error) {
    if (isKubernetesError(error, 'CLUSTER_FORBIDDEN')) return 'unseen';
    throw error;
  }
}
