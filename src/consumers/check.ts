// SPDX-License-Identifier: Apache-2.0
import {
  at,
  type Cluster,
  conditionOf,
  describeRef,
  isKubernetesError,
  type KubernetesObject,
  type ObjectRef,
  refOf,
  type ServerVersion,
} from '#kubernetes';
import { lineOf, type ReleaseDocument } from '#release';
import { type Catalog, type KnownImage, openCatalog } from './catalog.ts';
import { findInstallation, type Installation } from './installation.ts';
import { imagesOf, isController, type PinnedImage, splitImage } from './manifest-set.ts';

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

/** Compares what runs in a cluster with the catalog. Changes nothing; needs rights to list Deployments and Pods. */
export async function checkCluster(cluster: Cluster, request: CheckRequest): Promise<CheckReport> {
  const version = await cluster.version();
  const catalog = openCatalog(request.documents);
  const deployments = await findControllers(cluster, request.namespace);
  const namespaces = [...new Set(deployments.map(({ metadata }) => metadata.namespace ?? ''))];
  if (namespaces.length === 0 && request.namespace !== undefined) namespaces.push(request.namespace);
  const installations = (await Promise.all(namespaces.map((name) => findInstallation(cluster, name)))).filter(
    (found) => found !== undefined,
  );
  const read = await Promise.all(
    deployments.map((deployment) => readController(cluster, deployment, { catalog, request })),
  );
  const controllers = read.map(({ reading }) => reading);
  const kubernetes = readKubernetes(
    `${version.major}.${version.minor}`,
    read.flatMap(({ known }) => known ?? []),
    request,
  );
  return {
    cluster: { context: cluster.context, server: cluster.server, version },
    installations,
    controllers,
    kubernetes,
    problems: [
      ...nothingInstalled(controllers),
      ...kubernetesProblems(kubernetes, version, controllers),
      ...read.flatMap(({ problems }) => problems),
      ...mixed(controllers),
      ...(await Promise.all(installations.map((installation) => installationProblems(cluster, installation)))).flat(),
    ],
  };
}

async function findControllers(cluster: Cluster, namespace: string | undefined): Promise<readonly KubernetesObject[]> {
  const selection = { namespace, labelSelector: 'app.kubernetes.io/part-of=flux' };
  const found = await cluster.list({ apiVersion: 'apps/v1', kind: 'Deployment' }, selection);
  // The Flux Operator bears the label too, but no component of Flux.
  return found.filter((object) => isController(object) && object.metadata.name !== 'flux-operator');
}

interface Read {
  readonly reading: ControllerReading;
  readonly known: KnownImage | undefined;
  readonly problems: readonly Problem[];
}

interface ReadContext {
  readonly catalog: Catalog;
  readonly request: CheckRequest;
}

async function readController(
  cluster: Cluster,
  deployment: KubernetesObject,
  { catalog, request }: ReadContext,
): Promise<Read> {
  const ref = refOf(deployment);
  const [image] = imagesOf(deployment);
  const running = await runningDigests(cluster, deployment);
  const digest = image?.digest ?? running[0];
  const known = digest === undefined ? undefined : catalog.find(digest);
  const newest = known === undefined ? undefined : catalog.newest(known);
  const newer = newest === undefined || newest.digest === known?.digest ? undefined : newest.revision;
  const available = conditionOf(deployment, 'Available')?.status === 'True';
  const vulnerabilities = known === undefined ? undefined : (request.vulnerabilities ?? openInDocument)(known);
  const reading = {
    ref,
    component: image?.component ?? deployment.metadata.name,
    image: image?.image ?? '',
    revision: known?.revision,
    channel: known?.channel,
    newer,
    available,
    vulnerabilities,
  };
  return { reading, known, problems: problemsOf(reading, { image, known, running, catalog }) };
}

/** The digests that the runtimes report for a Deployment's pods, each once. */
async function runningDigests(cluster: Cluster, deployment: KubernetesObject): Promise<readonly string[]> {
  const labels = at(deployment, 'spec', 'selector', 'matchLabels');
  if (typeof labels !== 'object' || labels === null) return [];
  const labelSelector = Object.entries(labels)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(',');
  try {
    const pods = await cluster.list(
      { apiVersion: 'v1', kind: 'Pod' },
      { namespace: deployment.metadata.namespace, labelSelector },
    );
    const ids = pods.flatMap((pod) => {
      const statuses = at(pod, 'status', 'containerStatuses');
      return Array.isArray(statuses)
        ? statuses.map((status) => splitImage(String(at(status, 'imageID') ?? '')).digest)
        : [];
    });
    return [...new Set(ids.filter((id) => id !== undefined))];
  } catch (error) {
    if (isKubernetesError(error, 'CLUSTER_FORBIDDEN')) return []; // the Deployment's own pin has to do
    throw error;
  }
}

/** What was open in an image when its revision was published. */
function openInDocument({ component, channel, document }: KnownImage): readonly OpenVulnerability[] | undefined {
  const findings = document.publication?.findings;
  if (findings?.kind !== 'scanned') return undefined;
  return findings.open
    .filter(({ images }) => images.includes(`${channel}/${component}`))
    .map(({ id, severity, package: name, fix }) => ({ id, severity, package: name, fix }));
}

interface Judged {
  readonly image: PinnedImage | undefined;
  readonly known: KnownImage | undefined;
  readonly running: readonly string[];
  readonly catalog: Catalog;
}

function problemsOf(reading: ControllerReading, judged: Judged): readonly Problem[] {
  const subject = describeRef(reading.ref);
  const { image, known, catalog } = judged;
  const problem = (code: Problem['code'], severity: Problem['severity'], message: string, hint: string): Problem => ({
    code,
    severity,
    subject,
    message,
    hint,
  });
  const clocks = (reading.vulnerabilities ?? []).filter(
    ({ clock }) => clock?.state === 'breached' || clock?.state === 'missed',
  );
  return [
    ...(reading.available
      ? []
      : [problem('NOT_AVAILABLE', 'critical', 'it is not available', 'See `kubectl describe` of it.')]),
    ...(image?.digest === undefined
      ? [
          problem(
            'IMAGE_UNPINNED',
            'warning',
            `its image is not pinned by digest: ${image?.image ?? '-'}`,
            'Install with `oakum upgrade`.',
          ),
        ]
      : []),
    ...(known === undefined && catalog.revisions.length > 0
      ? [
          problem(
            'IMAGE_UNKNOWN',
            'critical',
            `its image is in no release document: ${image?.image ?? '-'}`,
            'Give the documents of all revisions that may run (--from), or find out who installed it.',
          ),
        ]
      : []),
    ...podProblems(judged, problem),
    ...(reading.newer === undefined
      ? []
      : [
          problem(
            'IMAGE_OUTDATED',
            'warning',
            `it runs ${reading.revision}, and ${reading.newer} has a newer image`,
            `oakum upgrade ${reading.newer}`,
          ),
        ]),
    ...(reading.vulnerabilities !== undefined && reading.vulnerabilities.length > 0
      ? [
          problem(
            'VULNERABILITIES_OPEN',
            'warning',
            `open: ${reading.vulnerabilities.map(({ id, severity }) => `${id} (${severity})`).join(', ')}`,
            reading.newer === undefined
              ? '`oakum findings` tells what is known.'
              : `oakum upgrade ${reading.newer}, then check again`,
          ),
        ]
      : []),
    ...(clocks.length === 0
      ? []
      : [
          problem(
            'CLOCK_OVER',
            'critical',
            `past the time of the SLA: ${clocks.map(({ id }) => id).join(', ')}`,
            '`oakum sla` tells since when.',
          ),
        ]),
  ];
}

/** A tag that moved, or a registry that serves something else: pods run what the Deployment does not name. */
function podProblems(
  { image, running, catalog }: Judged,
  problem: (code: Problem['code'], severity: Problem['severity'], message: string, hint: string) => Problem,
): readonly Problem[] {
  const pinned = image?.digest;
  const wanted = pinned === undefined ? undefined : catalog.find(pinned);
  if (pinned === undefined || wanted === undefined) {
    return running.length > 1
      ? [
          problem(
            'POD_DIFFERS',
            'warning',
            `its pods run ${running.length} different images: ${running.join(', ')}`,
            'Pin the image by digest.',
          ),
        ]
      : [];
  }
  const strange = running.filter((digest) => digest !== pinned && catalog.find(digest)?.digest !== wanted.digest);
  if (strange.length === 0) return [];
  return [
    problem(
      'POD_DIFFERS',
      'critical',
      `a pod runs ${strange.join(', ')} instead of ${pinned}`,
      'A rollout may be under way; else see who changed it.',
    ),
  ];
}

function nothingInstalled(controllers: readonly ControllerReading[]): readonly Problem[] {
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

function readKubernetes(minor: string, known: readonly KnownImage[], { support }: CheckRequest): KubernetesSupport {
  const [image] = known;
  if (image === undefined) return { state: 'unknown', words: 'nothing that runs here is in the catalog' };
  const line = lineOf(image.document.release);
  const live = support?.(line, minor);
  if (live !== undefined) return live;
  const recorded = image.document.publication?.support;
  if (recorded === undefined)
    return { state: 'unknown', words: `the release document of ${image.revision} says nothing of Kubernetes` };
  const until = recorded.until === undefined ? '' : `, the line until ${recorded.until}`;
  const words = `${image.revision} supports ${recorded.supported.join(', ')}${until}`;
  return { state: recorded.supported.includes(minor) ? 'supported' : 'unsupported', words };
}

function kubernetesProblems(
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

function mixed(controllers: readonly ControllerReading[]): readonly Problem[] {
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

async function installationProblems(
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
