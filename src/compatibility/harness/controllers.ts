// SPDX-License-Identifier: Apache-2.0
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createHttp } from '#core';
import type { ImageConfig } from '#image';
import { type Cluster, parseManifests } from '#kubernetes';
import { CompatibilityError } from '../error.ts';
import type { Outside } from '../outside.ts';
import { type Addresses, localArguments } from './addresses.ts';
import { type ApiServer, isReady } from './api-server.ts';
import { containerCommand, programIn } from './contain.ts';
import { applyInstall } from './install.ts';
import { type PodSpec, readDeployment } from './pod.ts';
import { type Service, startService, type ServiceTools } from './service.ts';

/** An image unpacked for running. */
export interface UnpackedImage {
  readonly component: string;
  /** Its root, into which mount points may be made. */
  readonly root: string;
  readonly config: ImageConfig;
}

/** A revision to run: its install manifests, and the images that they name. */
export interface RunnableRevision {
  /** `2.9.2-r0`. */
  readonly revision: string;
  readonly manifests: string;
  readonly images: readonly UnpackedImage[];
}

/** Where controllers run, and with what. */
export interface ControllersRequest {
  readonly apiServer: ApiServer;
  /** The same, as its admin. */
  readonly cluster: Cluster;
  readonly addresses: Addresses;
  readonly outside: Outside;
  /** A fresh folder for what they write; every user may enter it. */
  readonly folder: string;
  /** What they print goes to `<component>.log` in it. */
  readonly logFolder: string;
  readonly searchPath: string;
  readonly privileged: boolean;
  readonly tools: ServiceTools;
}

/** Controllers that run. */
export interface RunningControllers {
  readonly namespace: string;
  /** Gives why one has ended unasked. */
  failure(): CompatibilityError | undefined;
  /** Asks all to end, and waits until they are gone. */
  stop(): Promise<void>;
}

/**
 * Applies a revision's install manifests and starts each Deployment's container as its pod would run, under its service account; gives
 * them once all say that they are ready. Throws `IMAGE_MISSING`, `PROGRAM_FAILED` and what applying throws; then none is left running.
 */
export async function startControllers(
  revision: RunnableRevision,
  request: ControllersRequest,
): Promise<RunningControllers> {
  const { cluster, addresses, tools } = request;
  const objects = parseManifests(revision.manifests, `install manifests of ${revision.revision}`);
  await applyInstall(objects, cluster);
  const pods = objects.filter(({ kind }) => kind === 'Deployment').map(readDeployment);
  const services: Service[] = [];
  const stop = async () => void (await Promise.all(services.map((service) => service.stop())));
  try {
    for (const pod of pods) services.push(await startPod(pod, imageOf(pod, revision), request));
    const http = createHttp({ clock: tools.clock });
    await Promise.all(
      services.map((service) =>
        service.untilReady(() => isReady(`http://${addresses.own.get(service.name)?.health}/readyz`, http)),
      ),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    namespace: pods[0]?.namespace ?? '',
    failure: () => services.map((service) => service.failure()).find((one) => one !== undefined),
    stop,
  };
}

function imageOf({ component }: PodSpec, { images, revision }: RunnableRevision): UnpackedImage {
  const image = images.find((one) => one.component === component);
  if (image !== undefined) return image;
  throw new CompatibilityError(
    'IMAGE_MISSING',
    `the manifests of ${revision} run ${component}, of which there is no image`,
    {
      hint: 'Test a whole release: `oakum release` without --component.',
    },
  );
}

async function startPod(pod: PodSpec, image: UnpackedImage, request: ControllersRequest): Promise<Service> {
  const { apiServer, addresses, outside, folder, logFolder, searchPath, privileged, tools } = request;
  const { component } = pod;
  const own = join(folder, component);
  const account = join(own, 'account');
  await mkdir(account, { recursive: true });
  await writeAccount(account, pod, request);
  const writable = Object.fromEntries(
    pod.writable.map((path) => [path, join(own, path.slice(1).replaceAll('/', '-'))]),
  );
  for (const path of Object.values(writable)) await mkdir(path, { mode: 0o700 });
  const { hostname, port } = new URL(apiServer.url);
  const led = component === LOOKS_OUTSIDE ? await leadOutside(outside, join(own, 'authorities')) : undefined;
  const argv = await containerCommand({
    name: component,
    root: image.root,
    config: image.config,
    args: localArguments(pod, addresses),
    env: { ...pod.env, ...led?.env, KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
    writable,
    ...(led === undefined ? {} : { readable: led.readable }),
    account,
    privileged,
  });
  const logFile = join(logFolder, `${component}.log`);
  return startService(
    { name: component, argv, env: { PATH: searchPath }, cwd: own, logFile, leader: programIn },
    tools,
  );
}

/** The one controller that asks cloud services for keys, and fetches with git; the others are told by Secrets whom to trust. */
export const LOOKS_OUTSIDE = 'kustomize-controller';
const AUTHORITIES = '/run/oakum/authorities';

/** Gives what one adds to a Deployment for a proxy and a private authority, as users do: variables, and a folder of certificates. */
async function leadOutside({ authority, proxy }: Outside, folder: string) {
  await mkdir(folder);
  await writeFile(join(folder, 'ca.crt'), authority.certificate, { mode: 0o644 });
  const env = {
    HTTPS_PROXY: proxy,
    NO_PROXY: '127.0.0.1,localhost',
    SSL_CERT_DIR: AUTHORITIES,
    GIT_SSL_CAINFO: `${AUTHORITIES}/ca.crt`,
  };
  return { env, readable: { [AUTHORITIES]: folder } };
}

/** Lays out what a pod finds of its service account: token, authority and namespace. */
async function writeAccount(folder: string, pod: PodSpec, { apiServer, cluster }: ControllersRequest): Promise<void> {
  const { namespace, serviceAccount: name } = pod;
  const account = await cluster.get({ apiVersion: 'v1', kind: 'ServiceAccount', namespace, name });
  const uid = account?.metadata.uid ?? '';
  const files = { token: apiServer.tokenFor({ namespace, name, uid }), 'ca.crt': apiServer.authority, namespace };
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text, { mode: 0o644 });
}
