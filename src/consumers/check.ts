// SPDX-License-Identifier: Apache-2.0
import { at, type Cluster, conditionOf, isKubernetesError, type KubernetesObject, refOf } from '#kubernetes';
import { lineOf } from '#release';
import { type Catalog, type KnownImage, openCatalog } from './catalog.ts';
import { installationProblems, kubernetesProblems, mixed, nothingInstalled, problemsOf } from './check-problems.ts';
import type {
  CheckReport,
  CheckRequest,
  ControllerReading,
  KubernetesSupport,
  OpenVulnerability,
  Problem,
} from './check-report.ts';
import { findInstallation } from './installation.ts';
import { imagesOf, listControllers, splitImage } from './manifest-set.ts';

/** Compares what runs in a cluster with the catalog. Changes nothing; needs rights to list Deployments and Pods. */
export async function checkCluster(cluster: Cluster, request: CheckRequest): Promise<CheckReport> {
  const version = await cluster.version();
  const catalog = openCatalog(request.documents);
  const deployments = await findControllers(cluster, request.namespace);
  // Where a change broke off early there is a record, but no controller yet.
  const usual = request.namespace ?? 'flux-system';
  const namespaces = [...new Set([...deployments.map(({ metadata }) => metadata.namespace ?? ''), usual])];
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
  const found = await listControllers(cluster, namespace);
  // The Flux Operator bears the label too, but no component of Flux.
  return found.filter(({ metadata }) => metadata.name !== 'flux-operator');
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
  const vulnerabilities = known === undefined ? undefined : (request.vulnerabilities?.(known) ?? openInDocument(known));
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
      return Array.isArray(statuses) ? statuses.map((status) => digestIn(at(status, 'imageID'))) : [];
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

function digestIn(imageId: unknown): string | undefined {
  return typeof imageId === 'string' ? splitImage(imageId).digest : undefined;
}
