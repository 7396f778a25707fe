// SPDX-License-Identifier: Apache-2.0
// A preflight of a repository with 10,000 YAML files, as a whole process. The mix is that of home-operations repositories: HelmReleases
// and Kustomizations in today's versions and a tenth in old ones, kustomizations, Deployments, ConfigMaps with dashboards, SOPS files
// with age and OpenPGP keys, a CRD of 300 kB, a chart with templates.
//   node --conditions=oakum-source bench/preflight.ts [--files N] [--rounds N] [--bundle]
// --bundle runs ./oakum, which runs the bundled sources; else the sources run as they are.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const options = { files: { type: 'string' }, rounds: { type: 'string' }, bundle: { type: 'boolean' } } as const;
const { files = '10000', rounds = '5', bundle = false } = parseArgs({ options }).values;
const home = resolve(import.meta.dirname, '..');
const folder = await mkdtemp(join(tmpdir(), 'oakum-bench-preflight-'));

const release = (name: string, version: string) => `---
# yaml-language-server: $schema=https://schemas.example.com/helmrelease_v2.json
apiVersion: helm.toolkit.fluxcd.io/${version}
kind: HelmRelease
metadata:
  name: ${name}
spec:
  interval: 30m
  chart:
    spec:
      chart: app-template
      version: 3.7.3
      sourceRef: { kind: HelmRepository, name: bjw-s, namespace: flux-system }
  values:
    controllers:
      main:
        containers:
          main:
            image: { repository: ghcr.io/example/${name}, tag: 1.2.3 }
            env: { TZ: Europe/Vienna, PORT: &port 8080 }
            probes: { liveness: { enabled: true }, readiness: { enabled: true } }
            resources: { requests: { cpu: 10m, memory: 64Mi }, limits: { memory: 256Mi } }
    service: { app: { controller: main, ports: { http: { port: *port } } } }
`;
const flux = (name: string) => `---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: ${name}
  namespace: flux-system
spec:
  path: ./apps/${name}
  prune: true
  interval: 30m
  sourceRef: { kind: GitRepository, name: flux-system }
  decryption: { provider: sops, secretRef: { name: sops-age } }
`;
const kustomization = (extra: string) => `---
# yaml-language-server: $schema=https://json.schemastore.org/kustomization
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ./helmrelease.yaml
  - ./secret.sops.yaml
${extra}`;
const deployment = (name: string) => `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, labels: { app: ${name} } }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      containers:
        - { name: main, image: "ghcr.io/example/${name}:1.2.3", args: ["--listen=:8080"] }
`;
const dashboard = (name: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  dashboard.json: |\n${'    { "expr": "sum(rate(x{job=\\"y\\"}[5m])) by (pod) \\u003e 0" },\n'.repeat(150)}`;
const armor = (title: string, lines: number) =>
  `|\n${' '.repeat(16)}-----BEGIN ${title}-----\n${`${' '.repeat(16)}${'A'.repeat(60)}\n`.repeat(lines)}${' '.repeat(16)}-----END ${title}-----\n`;
const sops = (name: string) => `apiVersion: v1
kind: Secret
metadata:
    name: ${name}
stringData:
    password: ENC[AES256_GCM,data:3q2+7w==,iv:3q2+7w==,tag:3q2+7w==,type:str]
sops:
    age:
        - recipient: age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq
          enc: ${armor('AGE ENCRYPTED FILE', 5)}    lastmodified: "2026-01-01T00:00:00Z"
    mac: ENC[AES256_GCM,data:3q2+7w==,iv:3q2+7w==,tag:3q2+7w==,type:str]
    pgp:
        - created_at: "2026-01-01T00:00:00Z"
          enc: ${armor('PGP MESSAGE', 12)}          fp: 0123456789ABCDEF0123456789ABCDEF01234567
    encrypted_regex: ^(data|stringData)$
    version: 3.13.2
`;
const crd = `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec:\n  group: helm.toolkit.fluxcd.io\n  schema:\n${'    - description: what helm.toolkit.fluxcd.io/v2beta1 says\n'.repeat(6000)}`;

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

/** Twenty files: the kinds and their shares. */
const MIX: readonly ((name: string) => readonly [file: string, text: string])[] = [
  ...Array.from({ length: 5 }, () => (name: string) => ['helmrelease.yaml', release(name, 'v2')] as const),
  (name) => ['helmrelease.yaml', release(name, 'v2beta1')],
  ...Array.from({ length: 5 }, () => (name: string) => ['ks.yaml', flux(name)] as const),
  ...Array.from({ length: 4 }, () => () => ['kustomization.yaml', kustomization('')] as const),
  () => ['kustomization.yaml', kustomization('  - github.com/org/repo//deploy?ref=v1\n')],
  (name) => ['deployment.yaml', deployment(name)],
  (name) => ['deployment.yml', deployment(name)],
  (name) => ['dashboard.yaml', dashboard(name)],
  (name) => ['secret.sops.yaml', sops(name)],
];

for (let index = 0; index < Number(files); index += 1) {
  const [file, text] = MIX[index % MIX.length]?.(`app-${index}`) ?? ['', ''];
  await put(`apps/group-${index % 97}/app-${index}/${file}`, text);
}
await put('clusters/gotk-components.yaml', crd);
await put('charts/a/Chart.yaml', 'name: a\n');
await put('charts/a/templates/a.yaml', '{{ .Values.x }}\n');

const command = bundle
  ? [join(home, 'oakum')]
  : [process.execPath, '--conditions=oakum-source', join(home, 'src/cli/main.ts')];
const costs = Array.from({ length: Number(rounds) }, () => {
  const memory = join(tmpdir(), `oakum-bench-preflight-${process.pid}`);
  const began = performance.now();
  const args = ['-o', memory, '-f', '%M %U %S', ...command, 'preflight', folder, '--channel', 'fips', '--json'];
  const result = spawnSync('/usr/bin/time', args, { encoding: 'utf8', maxBuffer: 1 << 30 });
  if (result.status !== 1) throw new Error(`ended with ${result.status}: ${result.stderr}`);
  const { findings } = JSON.parse(result.stdout) as { findings: readonly unknown[] };
  const [kilobytes = 0, user = 0, system = 0] = (readFileSync(memory, 'utf8').trim().split('\n').at(-1) ?? '')
    .split(' ')
    .map(Number);
  return {
    seconds: (performance.now() - began) / 1000,
    cpu: user + system,
    megabytes: kilobytes / 1024,
    findings: findings.length,
  };
}).sort((a, b) => a.seconds - b.seconds);
const middle = costs[costs.length >> 1];
const most = Math.max(...costs.map(({ megabytes }) => megabytes));
console.log(
  `${files} files, ${middle?.findings} findings, load ${loadavg()[0]?.toFixed(1)}: median ${middle?.seconds.toFixed(2)} s, least ${costs[0]?.seconds.toFixed(2)} s, CPU ${Math.min(...costs.map(({ cpu }) => cpu)).toFixed(2)} s, at most ${most.toFixed(0)} MB`,
);
await rm(folder, { recursive: true });
