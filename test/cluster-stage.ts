// SPDX-License-Identifier: Apache-2.0
// A real API server for tests of the cluster commands, and install manifests from real definitions of kustomize-controller.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ApiServer, startApiServer } from '#compatibility';
import { type Digest, digestOf, runProcess, systemClock } from '#core';
import { lockApiServer, openApiServer } from '#factory';
import { type Cluster, type ConnectionOptions, openCluster } from '#kubernetes';
import { formatReleaseDocument, RELEASE_DOCUMENT_TYPE } from '#release';
import { loadDefinition, openShop } from '../src/cli/shop.ts';
import { openWorld } from '../src/cli/world.ts';
import { type CliResult, runCli } from './outside.ts';

const MINOR = '1.36';

/** A real cluster, as far as an API server is one, and a door before it that tests can shut. */
export interface ClusterStage {
  readonly folder: string;
  readonly server: ApiServer;
  /** The kubeconfig of cluster-admin, through the door. */
  readonly kubeconfig: string;
  readonly door: Door;
  cluster(options?: Partial<ConnectionOptions>): Promise<Cluster>;
  /** Writes a kubeconfig with a token, through the door. */
  kubeconfigFor(token: string): Promise<string>;
  /** Runs `oakum` with the kubeconfig of cluster-admin; `onOutput` sees stderr as it comes. */
  oakum(args: readonly string[], options?: OakumOptions): Promise<CliResult>;
  write(name: string, text: string): Promise<string>;
  stop(): Promise<void>;
}

/** How `oakum` is run. */
export interface OakumOptions {
  readonly kubeconfig?: string;
  readonly onOutput?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/** A way to the API server that can be shut: new connections are refused and old ones broken. */
export interface Door {
  shut(): Promise<void>;
  open(): Promise<void>;
}

/** Starts an API server: the program OAKUM_TEST_API_SERVER names, else one built from its source as `oakum compat test` does. */
export async function startClusterStage(): Promise<ClusterStage> {
  const folder = await mkdtemp(join(tmpdir(), 'oakum-cluster-'));
  const stop = new AbortController();
  const server = await startApiServer({
    program: process.env['OAKUM_TEST_API_SERVER'] ?? (await buildProgram(stop.signal)),
    folder: join(folder, 'server'),
    searchPath: process.env['PATH'] ?? '',
    run: runProcess,
    clock: systemClock(),
    signal: stop.signal,
  });
  const { port, door, close } = await openDoor(Number(new URL(server.url).port));
  const url = `https://127.0.0.1:${port}`;
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, (await readFile(server.kubeconfig, 'utf8')).replaceAll(server.url, url));
  const write = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  return {
    folder,
    server,
    kubeconfig,
    door,
    write,
    cluster: (options = {}) =>
      openCluster({ files: [kubeconfig] }, { clock: systemClock(), run: runProcess, ...options }),
    kubeconfigFor: (token) =>
      write(
        `kubeconfig-${createHash('sha256').update(token).digest('hex').slice(0, 8)}`,
        `clusters: [{name: k, cluster: {server: "${url}", certificate-authority-data: ${Buffer.from(server.authority).toString('base64')}}}]\n` +
          `users: [{name: u, user: {token: ${token}}}]\ncontexts: [{name: limited, context: {cluster: k, user: u}}]\ncurrent-context: limited\n`,
      ),
    oakum: (args, options = {}) => oakum(args, { kubeconfig, folder, ...options }),
    stop: async () => {
      await close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function oakum(
  args: readonly string[],
  { kubeconfig, folder, onOutput }: OakumOptions & { readonly kubeconfig: string; readonly folder: string },
): Promise<CliResult> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, KUBECONFIG: kubeconfig, CI: 'true' };
  return runCli(args, {
    cwd: folder,
    env,
    onStart: (child) => {
      child.stderr?.on('data', (chunk: Buffer) => onOutput?.(chunk.toString(), (signal) => child.kill(signal)));
    },
  });
}

async function buildProgram(signal: AbortSignal): Promise<string> {
  const world = openWorld(process.env, signal);
  const loaded = await loadDefinition({}, world);
  const shop = await openShop(loaded, { flags: {}, world, report: () => {} });
  const { definition } = loaded.read;
  if (loaded.lock === undefined) throw new Error('there is no lock');
  const request = {
    definition,
    lock: loaded.lock,
    lockFile: loaded.lockFile,
    kubernetes: MINOR,
    locked: false,
    refresh: false,
  };
  const { lock } = await lockApiServer(request, shop);
  return (await openApiServer(MINOR, { definition, lock }, shop)).path;
}

async function openDoor(target: number) {
  const open = new Set<Socket>();
  const server = createServer((incoming) => {
    const outgoing = connect(target, '127.0.0.1');
    for (const [one, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  const listen = (port: number) =>
    new Promise<void>((resolve) => {
      server.listen(port, '127.0.0.1', resolve);
    });
  const shut = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of open) socket.destroy();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return { port, door: { shut, open: () => listen(port) }, close: shut };
}

const run = promisify(execFile);

/** Gives the definition of Kustomization as kustomize-controller of a version has it, from the Go module proxy. */
export async function kustomizationDefinition(version: string): Promise<string> {
  const { stdout } = await run('go', ['mod', 'download', '-json', `github.com/fluxcd/kustomize-controller@${version}`]);
  const { Dir } = JSON.parse(stdout) as { readonly Dir: string };
  return readFile(join(Dir, 'config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml'), 'utf8');
}

/** What an install manifest of these tests holds. */
export interface InstallText {
  readonly release: string;
  readonly revision: string;
  readonly definition: string;
  readonly controllers: readonly string[];
  readonly logLevel?: string;
}

/** Gives an install manifest in the shape of ours, with one real definition and Deployments that no kubelet will run. */
export function installText({ release, revision, definition, controllers, logLevel = 'info' }: InstallText): string {
  const labels = (component: string) =>
    `    app.kubernetes.io/component: ${component}\n    app.kubernetes.io/instance: flux-system\n` +
    `    app.kubernetes.io/part-of: flux\n    app.kubernetes.io/version: v${release}\n`;
  const parts = controllers.map((name) => {
    return `apiVersion: v1
kind: ServiceAccount
metadata:
  name: ${name}
  namespace: flux-system
  labels:
${labels(name)}---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  namespace: flux-system
  labels:
${labels(name)}spec:
  replicas: 1
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      serviceAccountName: ${name}
      containers:
      - name: manager
        image: registry.example.com/flux/distroless/${name}:v1.0.0@${digestOfImage(name, revision)}
        args: [--log-level=${logLevel}]
`;
  });
  return [
    `---\n# This manifest was generated by oakum. DO NOT EDIT.\n# Flux Version: v${release}\n# Components: ${controllers.join(',')}\n# Revision: ${revision}\n# Channel: distroless\n` +
      `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: flux-system\n  labels:\n${labels('namespace')}`,
    definition.replace(/^---\n/, ''),
    'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: cluster-reconciler-flux-system}\n' +
      'roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}\n' +
      'subjects: [{kind: ServiceAccount, name: kustomize-controller, namespace: flux-system}]\n',
    ...parts,
  ].join('---\n');
}

/** The digest of the image that a controller has in a revision of these tests. */
export function digestOfImage(name: string, revision: string): Digest {
  return digestOf(`${name} ${revision}`);
}

const HASH = `h1:${'A'.repeat(43)}=`;
const PROOF = { kind: 'exempted', exemption: 'a test', database: 'not-asked' } as const;

/** Gives the release document of a revision of these tests, with the images of {@link installText}, supported on the API server's minor. */
export function releaseText(revision: string, controllers: readonly string[]): string {
  const module = { path: 'example.com/m', version: 'v1.0.0', zipHash: HASH, modHash: HASH, proof: PROOF };
  const release = revision.replace(/-r\d+$/, '');
  const images = controllers.map((component) => ({
    component,
    version: 'v1.0.0',
    name: `registry.example.com/flux/distroless/${component}`,
    tags: [`v1.0.0${revision.slice(release.length)}`, 'v1.0.0'],
    digest: digestOfImage(component, revision),
    source: { ...module, commit: 'c', nested: [] },
    platforms: { 'linux/amd64': platformOf(component, revision) },
  }));
  return formatReleaseDocument({
    mediaType: RELEASE_DOCUMENT_TYPE,
    distribution: 'test',
    release,
    revision,
    flux: { ...module, version: `v${release}` },
    definition: digestOf('definition'),
    lock: digestOf('lock'),
    toolchain: { version: '1.26.0', modules: {} },
    compressor: 'test',
    exemptions: [],
    channels: { distroless: { base: { name: 'debian', packages: {}, releases: [] }, images } },
    publication: {
      created: '2026-11-24T00:00:00Z',
      ...(revision.endsWith('-r0') ? {} : { predecessor: { revision: `${release}-r0`, digest: digestOf('r0') } }),
      evidence: [],
      findings: { kind: 'not-scanned', reason: 'a test' },
      support: { supported: [MINOR] },
    },
  });
}

function platformOf(component: string, revision: string) {
  const digest = digestOf(`${component} ${revision} linux/amd64`);
  return {
    manifest: digest,
    config: digest,
    layers: [{ digest, diffId: digest, size: 1 }],
    binary: { path: 'manager', digest, size: 1 },
    modules: { count: 1, digest },
    sbom: { spdx: digest, cyclonedx: digest },
    isolation: 'none',
  };
}
