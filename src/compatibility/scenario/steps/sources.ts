// SPDX-License-Identifier: Apache-2.0
import type { KubernetesObject } from '#kubernetes';
import { type Files, packArchive } from '../content/archive.ts';
import { packChart } from '../content/chart.ts';
import { StepFailure } from '../failure.ts';
import {
  ACCESS,
  configMapYaml,
  gitRepository,
  helmRepository as plainRepository,
  INTERVAL,
  loginSecrets,
  SECRETS,
  secret,
} from '../objects.ts';
import { publishCharts } from '../publish.ts';
import { textAt } from '../reading.ts';
import { BUCKET_OBJECTS } from '../servers/servers.ts';
import type { Stage } from '../stage.ts';
import type { Step } from './step.ts';

const MANIFEST = { 'deploy/settings.yaml': configMapYaml('settings', { hello: 'world' }) };

/** A repository fetched over HTTPS, with a user and a CA that is in no trust store. */
export const gitOverHttps: Step = {
  name: 'GitRepository over HTTPS is fetched',
  namespace: 'oakum-git-https',
  async play(stage) {
    await stage.servers.repositories.create('https', MANIFEST);
    await stage.apply(...loginSecrets(stage.servers), gitRepository('https', stage.servers));
    return holds(stage, await stage.ready('GitRepository', 'https'), MANIFEST);
  },
};

/** A repository fetched over SSH, with a key and a known host. */
export const gitOverSsh: Step = {
  name: 'GitRepository over SSH is fetched',
  namespace: 'oakum-git-ssh',
  async play(stage) {
    const { gitSsh, repositories } = stage.servers;
    await repositories.create('ssh', MANIFEST);
    await stage.apply(secret('ssh', { identity: gitSsh.identity, known_hosts: gitSsh.knownHosts }), {
      kind: 'GitRepository',
      name: 'ssh',
      spec: {
        interval: INTERVAL,
        url: `ssh://${gitSsh.username}@${gitSsh.host}/ssh.git`,
        ref: { branch: 'main' },
        secretRef: { name: 'ssh' },
      },
    });
    return holds(stage, await stage.ready('GitRepository', 'ssh'), MANIFEST);
  },
};

const FLUX_CONFIG = 'application/vnd.cncf.flux.config.v1+json';
const FLUX_CONTENT = 'application/vnd.cncf.flux.content.v1.tar+gzip';

/** An artifact of Flux's own media types, pulled from a registry. */
export const ociRepository: Step = {
  name: 'OCIRepository is pulled',
  namespace: 'oakum-oci',
  async play(stage) {
    const { registry } = stage.servers;
    registry.put('manifests/app', 'v1', {
      config: { mediaType: FLUX_CONFIG, bytes: Buffer.from('{}') },
      layers: [{ mediaType: FLUX_CONTENT, bytes: packArchive(MANIFEST) }],
    });
    await stage.apply(...loginSecrets(stage.servers), {
      kind: 'OCIRepository',
      name: 'app',
      spec: {
        interval: INTERVAL,
        url: `oci://${registry.host}/manifests/app`,
        ref: { tag: 'v1' },
        ...ACCESS.registry,
      },
    });
    return holds(stage, await stage.ready('OCIRepository', 'app'), MANIFEST);
  },
};

/** A chart out of a Helm repository that is a web server. */
export const helmRepository: Step = {
  name: 'HelmRepository over HTTPS gives its chart',
  namespace: 'oakum-helm-https',
  async play(stage) {
    publishCharts(stage, 'plain', [packChart({ name: 'https', version: '1.0.0' })]);
    await stage.apply(...loginSecrets(stage.servers), plainRepository('plain', stage.servers));
    await stage.ready('HelmRepository', 'charts');
    return pullChart(stage, 'https');
  },
};

const HELM_CONFIG = 'application/vnd.cncf.helm.config.v1+json';
const HELM_CONTENT = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';

/** A chart out of a registry, by a HelmRepository of type `oci`. */
export const helmRegistry: Step = {
  name: 'HelmRepository in a registry gives its chart',
  namespace: 'oakum-helm-oci',
  async play(stage) {
    const { registry } = stage.servers;
    const { name, version, archive } = packChart({ name: 'oci', version: '1.0.0' });
    registry.put(`charts/${name}`, version, {
      config: { mediaType: HELM_CONFIG, bytes: Buffer.from(JSON.stringify({ apiVersion: 'v2', name, version })) },
      layers: [{ mediaType: HELM_CONTENT, bytes: archive }],
    });
    await stage.apply(...loginSecrets(stage.servers), {
      kind: 'HelmRepository',
      name: 'charts',
      spec: {
        type: 'oci',
        interval: INTERVAL,
        url: `oci://${registry.host}/charts`,
        ...ACCESS.registry,
      },
    });
    return pullChart(stage, name);
  },
};

/** A bucket of the S3 protocol, all requests signed. */
export const bucket: Step = {
  name: 'Bucket is fetched',
  namespace: 'oakum-bucket',
  async play(stage) {
    const { bucket: server } = stage.servers;
    const { accessKey, secretKey } = server.credential;
    await stage.apply(...loginSecrets(stage.servers), secret('keys', { accesskey: accessKey, secretkey: secretKey }), {
      kind: 'Bucket',
      name: 'bucket',
      spec: {
        interval: INTERVAL,
        provider: 'generic',
        bucketName: server.bucket,
        endpoint: server.host,
        secretRef: { name: 'keys' },
        certSecretRef: { name: SECRETS.authority },
      },
    });
    return holds(stage, await stage.ready('Bucket', 'bucket'), BUCKET_OBJECTS);
  },
};

async function pullChart(stage: Stage, name: string): Promise<string> {
  await stage.apply({
    kind: 'HelmChart',
    name,
    spec: {
      interval: INTERVAL,
      chart: name,
      version: '1.x',
      sourceRef: { kind: 'HelmRepository', name: 'charts' },
    },
  });
  const chart = await stage.ready('HelmChart', name);
  return holds(stage, chart, { [`${name}/values.yaml`]: 'greeting: hello\n' });
}

/** Says what a source's artifact is; throws where it lacks a file or has another. */
async function holds(stage: Stage, source: KubernetesObject, wanted: Files): Promise<string> {
  const files = await stage.artifact(source);
  for (const [path, text] of Object.entries(wanted)) {
    if (files[path] === text) continue;
    throw new StepFailure(`the artifact has not the right ${path}: it holds ${Object.keys(files).sort().join(', ')}`);
  }
  return textAt(source, 'status', 'artifact', 'revision');
}
