// SPDX-License-Identifier: Apache-2.0
import type { ScenarioServers } from './servers/servers.ts';
import type { Draft } from './stage.ts';

/** How often a controller looks by itself: seldom, so that the scenario shows what requests, watches and webhooks do. */
export const INTERVAL = '10m';

/** Gives a Secret. */
export function secret(name: string, stringData: Readonly<Record<string, string>>): Draft {
  return { kind: 'Secret', name, stringData };
}

/** The names of the Secrets of {@link loginSecrets}. */
export const SECRETS = { login: 'login', authority: 'authority', registry: 'registry' } as const;

const authority = { certSecretRef: { name: SECRETS.authority } };
/** How a spec says who it is and whom it trusts: at a web server, and at the registry. */
export const ACCESS = {
  web: { secretRef: { name: SECRETS.login }, ...authority },
  registry: { secretRef: { name: SECRETS.registry }, ...authority },
} as const;

/** Gives the Secrets that let a controller in: user and CA together as Git wants them, the CA alone, and a registry's. */
export function loginSecrets({ identity, login, registry }: ScenarioServers): readonly Draft[] {
  const auth = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  const docker = { auths: { [registry.host]: { ...login, auth } } };
  return [
    secret(SECRETS.login, { ...login, 'ca.crt': identity.authority }),
    secret(SECRETS.authority, { 'ca.crt': identity.authority }),
    {
      ...secret(SECRETS.registry, { '.dockerconfigjson': JSON.stringify(docker) }),
      type: 'kubernetes.io/dockerconfigjson',
    },
  ];
}

/** Gives a GitRepository of a repository's `main`, over HTTPS. */
export function gitRepository(name: string, servers: ScenarioServers): Draft {
  return {
    kind: 'GitRepository',
    name,
    spec: {
      interval: INTERVAL,
      url: `https://${servers.gitHttps.host}/${name}.git`,
      ref: { branch: 'main' },
      secretRef: { name: SECRETS.login },
    },
  };
}

/** Gives a Kustomization of the folder `deploy` of the GitRepository of the same name, into one namespace; `more` adds to its spec. */
export function kustomizationOf(name: string, namespace: string, more: Readonly<Record<string, unknown>> = {}): Draft {
  return {
    kind: 'Kustomization',
    name,
    spec: {
      interval: INTERVAL,
      path: './deploy',
      prune: true,
      targetNamespace: namespace,
      sourceRef: { kind: 'GitRepository', name },
      ...more,
    },
  };
}

/** Gives a HelmRepository named `charts` of a folder of the chart server. */
export function helmRepository(folder: string, { charts }: ScenarioServers): Draft {
  return {
    kind: 'HelmRepository',
    name: 'charts',
    spec: {
      interval: INTERVAL,
      url: `https://${charts.host}/${folder}`,
      ...ACCESS.web,
    },
  };
}

/** Gives a HelmRelease of a chart of the same name in the HelmRepository `charts`; where it fails, it is rolled back. */
export function helmRelease(name: string, version: string): Draft {
  return {
    kind: 'HelmRelease',
    name,
    spec: {
      interval: INTERVAL,
      timeout: '1m',
      releaseName: name,
      chart: { spec: { chart: name, version, sourceRef: { kind: 'HelmRepository', name: 'charts' } } },
      values: { greeting: 'good day' },
      upgrade: { remediation: { retries: 0, remediateLastFailure: true, strategy: 'rollback' } },
    },
  };
}

/** Gives an ImageRepository of a repository of the scenario's registry. */
export function imageRepository(name: string, repository: string, { registry }: ScenarioServers): Draft {
  return {
    kind: 'ImageRepository',
    name,
    spec: {
      image: `${registry.host}/${repository}`,
      interval: INTERVAL,
      ...ACCESS.registry,
    },
  };
}

/** Gives the YAML of a ConfigMap. */
export function configMapYaml(name: string, data: Readonly<Record<string, string>>): string {
  return `${JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }, null, 2)}\n`;
}
