// SPDX-License-Identifier: Apache-2.0
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { carryOut, planChange, readManifestSet } from '#consumers';
import { systemClock } from '#core';
import { at, type Cluster, type KubernetesObject, type ObjectRef, parseManifests } from '#kubernetes';
import {
  type ClusterStage,
  digestOfImage,
  installText,
  kustomizationDefinition,
  releaseText,
  startClusterStage,
} from '../cluster-stage.ts';

const CONTROLLERS = ['source-controller', 'kustomize-controller'];
const CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  name: 'kustomizations.kustomize.toolkit.fluxcd.io',
};
const SPACE = { apiVersion: 'v1', kind: 'Namespace', name: 'flux-system' };
const RECORD = { apiVersion: 'v1', kind: 'ConfigMap', name: 'oakum-installation', namespace: 'flux-system' };
const deployment = (name: string) => ({ apiVersion: 'apps/v1', kind: 'Deployment', name, namespace: 'flux-system' });
const kustomization = (name: string, version = 'v1') => ({
  apiVersion: `kustomize.toolkit.fluxcd.io/${version}`,
  kind: 'Kustomization',
  name,
  namespace: 'flux-system',
});

let stage: ClusterStage;
let oldDefinition: string;
let newDefinition: string;

beforeAll(async () => {
  // Flux 2.7.2 still knows Kustomization v1beta2, Flux 2.9 has v1 alone.
  [oldDefinition, newDefinition] = (await Promise.all(['v1.7.3', 'v1.9.3'].map(kustomizationDefinition))) as [
    string,
    string,
  ];
  stage = await startClusterStage();
});
afterAll(() => stage?.stop());

/** No controller of Kubernetes empties a namespace here: what was installed is taken away one by one. */
afterEach(async () => {
  const cluster = await stage.cluster();
  const selection = { namespace: 'flux-system' };
  for (const kind of ['Deployment'].map((name) => ({ apiVersion: 'apps/v1', kind: name })))
    for (const { metadata } of await cluster.list(kind, selection))
      await cluster.remove({ ...kind, name: metadata.name, ...selection });
  for (const kind of ['ServiceAccount', 'ConfigMap'].map((name) => ({ apiVersion: 'v1', kind: name })))
    for (const { metadata } of await cluster.list(kind, selection))
      await cluster.remove({ ...kind, name: metadata.name, ...selection });
  for (const version of ['v1', 'v1beta2'])
    if ((await cluster.resources(kustomization('', version).apiVersion)) !== undefined)
      for (const { metadata } of await cluster.list(kustomization('', version))) {
        await cluster.patch(kustomization(metadata.name, version), {
          type: 'merge',
          body: { metadata: { finalizers: [] } },
        });
        await cluster.remove(kustomization(metadata.name, version));
      }
  for (const { metadata } of await cluster.list(CRD)) {
    const crd = { ...CRD, name: metadata.name };
    await cluster.remove(crd);
    await cluster.waitFor(crd, (live) => live === undefined, { what: 'gone', timeoutMilliseconds: 30_000 });
  }
});

async function manifests(revision: string, change: Partial<Parameters<typeof installText>[0]> = {}): Promise<string> {
  const release = revision.replace(/-r\d+$/, '');
  const text = installText({ release, revision, definition: newDefinition, controllers: CONTROLLERS, ...change });
  return stage.write(`${revision}.yaml`, text);
}

describe('oakum install', () => {
  it('changes nothing in a dry run, then installs, and then finds nothing to do', async () => {
    const file = await manifests('2.9.2-r0');
    const tried = await stage.oakum(['install', '--manifests', file, '--dry-run']);
    expect(tried).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('Deployment flux-system/source-controller'),
    });
    const cluster = await stage.cluster();
    expect(await cluster.get(CRD)).toBeUndefined();

    const asked = await stage.oakum(['install', '--manifests', file]);
    expect(asked).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--yes') });
    expect(await cluster.get(CRD)).toBeUndefined();

    const done = await stage.oakum(['install', '--manifests', file, '--yes', '--no-wait']);
    expect(done, done.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('2.9.2-r0 is installed') });
    const live = await cluster.get(deployment('source-controller'));
    expect(live?.metadata.managedFields).toMatchObject([{ manager: 'oakum', operation: 'Apply' }]);
    expect(at(await cluster.get(RECORD), 'data', 'state')).toBe('complete');

    const again = await stage.oakum(['install', '--manifests', file, '--yes', '--json']);
    expect(again.exitCode).toBe(0);
    const plan = JSON.parse(again.stdout) as {
      readonly changes: readonly { readonly action: string }[];
      readonly done: readonly string[];
    };
    expect(new Set(plan.changes.map(({ action }) => action))).toEqual(new Set(['keep']));
    expect(plan.done).toEqual([]);
  });

  it('says that it waited in vain, with what is done and left, where nothing runs the pods', async () => {
    const file = await manifests('2.9.2-r0');
    const waited = await stage.oakum(['install', '--manifests', file, '--yes', '--timeout', '1s']);
    expect(waited).toMatchObject({
      exitCode: 10,
      stderr: expect.stringContaining('source-controller is not available after 1 s'),
    });
    expect(waited.stderr).toMatch(/done \(\d+\):[^]*left to do \(3\):[^]*note that 2\.9\.2-r0 is installed/);
  });

  it('waits out a restart of the API server in the middle', async () => {
    const file = await manifests('2.9.2-r0');
    let restarted: Promise<void> | undefined;
    const done = await stage.oakum(['install', '--manifests', file, '--yes', '--no-wait'], {
      onOutput: (text) => {
        if (text.includes('established')) restarted ??= stage.server.restart();
      },
    });
    await restarted;
    expect(restarted).toBeDefined();
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    const cluster = await stage.cluster();
    expect(at(await cluster.get(RECORD), 'data', 'state')).toBe('complete');
  });

  it('is completed by a second run after it was killed', async () => {
    const file = await manifests('2.9.2-r0');
    const killed = await stage.oakum(['install', '--manifests', file, '--yes', '--no-wait'], {
      onOutput: (text, kill) => {
        if (text.includes('ServiceAccount')) kill('SIGKILL');
      },
    });
    expect(killed.exitCode).toBeNull();
    const checked = await stage.oakum(['check', '--json']);
    expect(checked.exitCode).toBe(1);
    expect(checked.stdout).toContain('CHANGE_UNFINISHED');
    const done = await stage.oakum(['install', '--manifests', file, '--yes', '--no-wait']);
    expect(done, done.stderr).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('a change that did not end'),
    });
    expect(at(await (await stage.cluster()).get(RECORD), 'data', 'state')).toBe('complete');
  });

  it('says what is done and what is left when the API server stays away, and goes on from there', async () => {
    const set = readManifestSet(
      installText({ release: '2.9.2', revision: '2.9.2-r0', definition: newDefinition, controllers: CONTROLLERS }),
      'x',
    );
    const cluster = await stage.cluster({ patienceMilliseconds: 500 });
    const plan = await planChange(cluster, set, { verb: 'install' });
    let shut: Promise<void> | undefined;
    const carried = carryOut(plan, cluster, {
      clock: systemClock(),
      report: (event) => {
        if (event.kind === 'step-finished' && event.step.includes('established')) shut ??= stage.door.shut();
      },
    });
    const error: unknown = await carried.catch((caught: unknown) => caught);
    await shut;
    await stage.door.open();
    expect(error).toMatchObject({
      code: 'CLUSTER_HALF_CHANGED',
      message: expect.stringMatching(
        /can't be reached[^]*done \(\d+\):[^]*apply CustomResourceDefinition[^]*left to do \(\d+\):[^]*apply Deployment/,
      ),
      hint: expect.stringContaining('Run the same command again'),
    });
    const again = await planChange(cluster, set, { verb: 'install' });
    expect(again.blockers).toEqual([]);
    expect(again.changes.find(({ ref }) => ref.kind === 'CustomResourceDefinition')?.action).toBe('keep');
    await carryOut(again, cluster, { clock: systemClock(), report: () => {} });
    expect(at(await cluster.get(RECORD), 'data', 'state')).toBe('complete');
  });

  it('lists what an identity may not do, changes nothing, and is content with the role it prints', async () => {
    const cluster = await stage.cluster();
    const file = await manifests('2.9.2-r0');
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'installer', namespace: 'default' } };
    const { metadata } = await cluster.apply(account, { manager: 'test' });
    const kubeconfig = await stage.kubeconfigFor(
      stage.server.tokenFor({ namespace: 'default', name: 'installer', uid: metadata.uid ?? '' }),
    );
    let refused = await stage.oakum(['install', '--manifests', file, '--yes', '--no-wait'], { kubeconfig });
    expect(refused).toMatchObject({ exitCode: 10, stderr: expect.stringContaining('Role') });
    expect(await cluster.get(CRD)).toBeUndefined();
    for (let round = 0; round < 3 && refused.exitCode === 10; round += 1) {
      await grant(cluster, refused.stderr);
      refused = await stage.oakum(['install', '--manifests', file, '--yes', '--no-wait'], { kubeconfig });
    }
    expect(refused, refused.stderr).toMatchObject({ exitCode: 0 });
  });

  it('leaves fields of others alone until it is told to take them', async () => {
    const file = await manifests('2.9.2-r0');
    await stage.oakum(['install', '--manifests', file, '--yes', '--no-wait']);
    const cluster = await stage.cluster();
    await cluster.patch(deployment('source-controller'), {
      type: 'merge',
      body: { spec: { replicas: 3 } },
      manager: 'somebody',
    });
    const refused = await stage.oakum(['install', '--manifests', file, '--yes', '--no-wait']);
    expect(refused).toMatchObject({
      exitCode: 10,
      stderr: expect.stringMatching(/somebody owns fields[^]*--force-conflicts/),
    });
    expect(at(await cluster.get(deployment('source-controller')), 'spec', 'replicas')).toBe(3);
    const forced = await stage.oakum(['install', '--manifests', file, '--yes', '--no-wait', '--force-conflicts']);
    expect(forced, forced.stderr).toMatchObject({ exitCode: 0 });
    expect(at(await cluster.get(deployment('source-controller')), 'spec', 'replicas')).toBe(1);
  });

  it('refuses a cluster that the Flux Operator or the bootstrap of Flux owns', async () => {
    const cluster = await stage.cluster();
    await stage.oakum(['install', '--manifests', await manifests('2.9.2-r0'), '--yes', '--no-wait']);
    await cluster.apply(kustomizationOf('flux-system', { path: './clusters/a' }), { manager: 'flux' });
    await cluster.patch(kustomization('flux-system'), {
      type: 'merge',
      subresource: 'status',
      body: { status: { inventory: { entries: [{ id: 'flux-system_source-controller_apps_Deployment', v: 'v1' }] } } },
    });
    const file = await manifests('2.9.2-r1', { logLevel: 'debug' });
    const boot = await stage.oakum(['upgrade', '--manifests', file, '--yes', '--no-wait']);
    expect(boot).toMatchObject({
      exitCode: 10,
      stderr: expect.stringMatching(/from Git[^]*clusters\/a[^]*oakum upgrade --git/),
    });

    for (const object of fluxInstance()) {
      await cluster.apply(object, { manager: 'flux-operator' });
      if (object.kind === CRD.kind)
        await cluster.waitFor(
          { ...CRD, name: object.metadata.name },
          (live) => at(live, 'status', 'acceptedNames', 'kind') !== undefined,
          {
            what: 'there',
            timeoutMilliseconds: 30_000,
          },
        );
    }
    const owned = await stage.oakum(['install', '--manifests', file, '--yes']);
    expect(owned).toMatchObject({ exitCode: 10, stderr: expect.stringContaining('FluxInstance flux-system/flux') });
    await cluster.remove({
      apiVersion: 'fluxcd.controlplane.io/v1',
      kind: 'FluxInstance',
      name: 'flux',
      namespace: 'flux-system',
    });
  });
});

describe('oakum upgrade', () => {
  it('rewrites what is stored and managed in a version that goes before the definition loses it', async () => {
    const cluster = await stage.cluster();
    await installOld();
    // As a cluster from before Flux 2.0 has it: objects are stored as v1beta2.
    await setStorage('v1beta2');
    await cluster.apply(kustomizationOf('apps', { path: './apps' }, 'v1beta2'), { manager: 'team' });
    expect(at(await cluster.get(CRD), 'status', 'storedVersions')).toEqual(['v1', 'v1beta2']);
    const file = await manifests('2.9.2-r0');

    const tried = await stage.oakum(['upgrade', '--manifests', file, '--dry-run']);
    expect(tried, tried.stderr).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/Migrate first[^]*v1beta2, to be v1; 1 objects, 1 of them/),
    });
    const done = await stage.oakum(['upgrade', '--manifests', file, '--yes', '--no-wait']);
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });

    const crd = await cluster.get(CRD);
    expect(at(crd, 'status', 'storedVersions')).toEqual(['v1']);
    expect((at(crd, 'spec', 'versions') as { name: string }[]).map(({ name }) => name)).toEqual(['v1']);
    const kept = await cluster.get(kustomization('apps'));
    expect(at(kept, 'spec', 'path')).toBe('./apps');
    expect(kept?.metadata.managedFields?.map(({ apiVersion }) => apiVersion)).toEqual([
      'kustomize.toolkit.fluxcd.io/v1',
    ]);
    // The manager that applied it in the old version goes on in the new one.
    await cluster.apply(kustomizationOf('apps', { path: './other' }), { manager: 'team' });
  });

  it('refuses what would lose data: fields the new definition drops, and versions without successor', async () => {
    const cluster = await stage.cluster();
    await installOld();
    const [crd] = parseManifests(oldDefinition, 'old');
    const versions = at(crd, 'spec', 'versions') as readonly { readonly name: string }[];
    const withMore = structuredClone(versions);
    const properties = at(withMore[0], 'schema', 'openAPIV3Schema', 'properties', 'spec', 'properties') as Record<
      string,
      unknown
    >;
    properties['dear'] = { type: 'string' };
    await cluster.patch(CRD, { type: 'merge', body: { spec: { versions: withMore } } });
    await appliedSoon(kustomizationOf('apps', { path: './apps', dear: 'to me' }));
    const file = await manifests('2.9.2-r0');
    const refused = await stage.oakum(['upgrade', '--manifests', file, '--yes', '--no-wait']);
    expect(refused).toMatchObject({
      exitCode: 10,
      stderr: expect.stringContaining('Kustomization flux-system/apps: spec.dear'),
    });
    expect(at(await cluster.get(kustomization('apps')), 'spec', 'dear')).toBe('to me');

    const renamed = newDefinition.replaceAll(/^( {4}name|  - name): v1$/gm, '$1: v2');
    const far = await manifests('2.9.3-r0', { definition: renamed });
    const lost = await stage.oakum(['upgrade', '--manifests', far, '--yes', '--no-wait']);
    expect(lost).toMatchObject({ exitCode: 10, stderr: expect.stringContaining('a line in between') });
  });

  it('deletes what the new revision has no more if it is ours, keeps definitions, and goes back within a line', async () => {
    const cluster = await stage.cluster();
    const [before, after] = [
      await manifests('2.9.2-r0'),
      await manifests('2.9.2-r1', { controllers: ['kustomize-controller'] }),
    ];
    await stage.oakum(['install', '--manifests', before, '--yes', '--no-wait']);
    const installed = await stage.oakum(['install', '--manifests', after, '--yes', '--no-wait']);
    expect(installed).toMatchObject({ exitCode: 10, stderr: expect.stringContaining('oakum upgrade') });

    // Somebody took the account over: it is not ours to delete any more.
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', name: 'source-controller', namespace: 'flux-system' };
    await cluster.remove(account);
    await cluster.create({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: account.name, namespace: account.namespace },
    });
    const done = await stage.oakum(['upgrade', '--manifests', after, '--yes', '--no-wait']);
    expect(done, done.stderr).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/Delete \(1\)\n  Deployment flux-system\/source-controller/),
    });
    expect(await cluster.get(deployment('source-controller'))).toBeUndefined();
    expect(await cluster.get(account)).toBeDefined();

    const back = await stage.oakum(['upgrade', '--manifests', before, '--yes', '--no-wait']);
    expect(back, back.stderr).toMatchObject({ exitCode: 0 });
    const older = await stage.oakum(['upgrade', '--manifests', await manifests('2.8.4-r0'), '--yes', '--no-wait']);
    expect(older).toMatchObject({ exitCode: 10, stderr: expect.stringContaining('newer than 2.8.4') });
  });

  it('takes over what the Flux CLI installed: what this revision lacks goes, and what stays is said', async () => {
    const cluster = await stage.cluster();
    const more = [...CONTROLLERS, 'image-reflector-controller'];
    await applyAsFlux(
      installText({ release: '2.9.1', revision: '2.9.1-r0', definition: newDefinition, controllers: more }),
    );
    const policy = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      name: 'allow-old',
      namespace: 'flux-system',
    };
    const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', name: 'crd-old-flux-system' };
    const mine = { ...policy, name: 'mine' };
    const labels = { 'app.kubernetes.io/part-of': 'flux', 'app.kubernetes.io/instance': 'flux-system' };
    const spec = { podSelector: {} };
    await cluster.apply({ ...asObject(policy, labels), spec }, { manager: 'flux' });
    await cluster.apply({ ...asObject(role, labels), rules: [] }, { manager: 'flux' });
    await cluster.apply({ ...asObject(mine, { 'app.kubernetes.io/part-of': 'flux' }), spec }, { manager: 'team' });

    const file = await manifests('2.9.2-r0');
    const args = ['upgrade', '--manifests', file, '--yes', '--no-wait'];
    const refused = await stage.oakum(args);
    expect(refused).toMatchObject({
      exitCode: 10,
      stderr: expect.stringMatching(/flux owns fields[^]*--force-conflicts/),
    });
    expect(refused.stdout).toMatch(
      /NetworkPolicy flux-system\/allow-old is of an earlier[^]*it is kept; --force-conflicts/,
    );

    const done = await stage.oakum([...args, '--force-conflicts']);
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    expect(done.stdout).toMatch(/Delete \(4\)\n/);
    expect(done.stdout).toContain('stays as flux set it: spec.template.spec.nodeSelector');
    for (const gone of [policy, role, deployment('image-reflector-controller')])
      expect(await cluster.get(gone)).toBeUndefined();
    expect(await cluster.get(mine)).toBeDefined();
    expect(at(await cluster.get(RECORD), 'data', 'state')).toBe('complete');
    const again = await stage.oakum(['install', '--manifests', file, '--yes', '--no-wait']);
    expect(again, again.stderr).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('Nothing is to be done'),
    });
    await cluster.remove(mine);
  });

  it('refuses a cluster where nothing is installed', async () => {
    const refused = await stage.oakum(['upgrade', '--manifests', await manifests('2.9.2-r0'), '--yes']);
    expect(refused).toMatchObject({ exitCode: 10, stderr: expect.stringContaining('oakum install') });
  });
});

describe('oakum check', () => {
  it('tells what is outdated, mixed, unknown and run otherwise, and is content with what is well', async () => {
    const cluster = await stage.cluster();
    const file = await manifests('2.9.2-r0');
    await stage.oakum(['install', '--manifests', file, '--yes', '--no-wait']);
    const releases = join(stage.folder, 'releases');
    await mkdir(releases, { recursive: true });
    const document = async (revision: string) =>
      writeFile(join(releases, `${revision}.json`), releaseText(revision, CONTROLLERS));
    await document('2.9.2-r0');
    for (const name of CONTROLLERS) await runPod(cluster, name, digestOfImage(name, '2.9.2-r0'));

    const check = async () => {
      const { exitCode, stdout, stderr } = await stage.oakum(['check', '--documents', releases, '--json']);
      const problems =
        stdout === '' ? [] : (JSON.parse(stdout) as { problems: { code: string; subject: string }[] }).problems;
      return {
        exitCode,
        stderr,
        codes: problems.map(({ code, subject }) => `${code} ${subject.replace(/^.*\//, '')}`),
      };
    };
    expect(await check()).toMatchObject({ exitCode: 0, codes: [] });

    await document('2.9.2-r1');
    expect(await check()).toMatchObject({
      exitCode: 1,
      codes: CONTROLLERS.toSorted().map((name) => `IMAGE_OUTDATED ${name}`),
    });

    const image = `registry.example.com/flux/distroless/source-controller@${digestOfImage('source-controller', '2.9.2-r1')}`;
    const template = { spec: { containers: [{ name: 'manager', image }] } };
    await cluster.apply(
      { ...toObject(deployment('source-controller')), spec: { template } },
      { manager: 'somebody', force: true },
    );
    const mixed = await check();
    expect(mixed.codes).toEqual(
      expect.arrayContaining([
        'IMAGE_OUTDATED kustomize-controller',
        'POD_DIFFERS source-controller',
        'REVISIONS_MIXED namespace flux-system',
      ]),
    );
    const strange = { spec: { containers: [{ name: 'manager', image: 'example.com/strange:1' }] } };
    await cluster.apply(
      { ...toObject(deployment('source-controller')), spec: { template: strange } },
      { manager: 'somebody', force: true },
    );
    expect((await check()).codes).toEqual(expect.arrayContaining(['IMAGE_UNPINNED source-controller']));
    await cluster.remove({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      name: 'source-controller',
      namespace: 'flux-system',
    });
    expect((await check()).codes).toContain('OBJECT_MISSING namespace flux-system');
    for (const name of CONTROLLERS)
      await cluster.remove({ apiVersion: 'v1', kind: 'Pod', name: `${name}-0`, namespace: 'flux-system' });
  });
});

describe('oakum uninstall', () => {
  it('keeps definitions and objects, and takes both away with --crds, finalizers of Flux first', async () => {
    const cluster = await stage.cluster();
    const file = await manifests('2.9.2-r0');
    await stage.oakum(['install', '--manifests', file, '--yes', '--no-wait']);
    const held = kustomizationOf('apps', { path: './apps' });
    await cluster.apply(
      { ...held, metadata: { ...held.metadata, finalizers: ['finalizers.fluxcd.io'] } },
      { manager: 'team' },
    );
    await cluster.apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'mine', namespace: 'flux-system' } },
      { manager: 'team' },
    );

    const gone = await stage.oakum(['uninstall', '--yes']);
    expect(gone, gone.stderr).toMatchObject({ exitCode: 0 });
    expect(await cluster.get(deployment('source-controller'))).toBeUndefined();
    expect((await cluster.get(kustomization('apps')))?.metadata.finalizers).toEqual(['finalizers.fluxcd.io']);
    expect(await stage.oakum(['uninstall', '--yes'])).toMatchObject({
      exitCode: 10,
      stderr: expect.stringContaining('there is no Flux'),
    });

    await stage.oakum(['install', '--manifests', file, '--yes', '--no-wait']);
    const all = await stage.oakum(['uninstall', '--yes', '--crds']);
    expect(all, all.stderr).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/kustomizations\.\S+: 1 objects/),
    });
    expect(await cluster.get(CRD)).toBeUndefined();
    expect(await cluster.get(SPACE)).toBeDefined();
    expect(
      await cluster.get({ apiVersion: 'v1', kind: 'ConfigMap', name: 'mine', namespace: 'flux-system' }),
    ).toBeDefined();
  });
});

describe('the watch', () => {
  it('tells changes, and goes on after the API server was away', async () => {
    const cluster = await stage.cluster();
    const stop = new AbortController();
    const map = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } });
    const seen: string[] = [];
    for await (const event of cluster.watch(
      { apiVersion: 'v1', kind: 'ConfigMap' },
      { namespace: 'default' },
      stop.signal,
    )) {
      const names =
        event.kind === 'listed' ? event.objects.map(({ metadata }) => metadata.name) : [event.object.metadata.name];
      seen.push(...names.map((name) => `${event.kind} ${name}`));
      if (seen.includes('added second') || seen.includes('listed second')) stop.abort();
      else if (seen.some((one) => one.endsWith(' first'))) {
        await stage.door.shut();
        await stage.door.open();
        await cluster.apply(map('second'), { manager: 'test' });
      } else await cluster.apply(map('first'), { manager: 'test' });
    }
    expect(seen).toContain('added first');
    expect(seen.at(-1)).toMatch(/second$/);
  });
});

function toObject({ apiVersion, kind, name, namespace }: ReturnType<typeof deployment>): KubernetesObject {
  return { apiVersion, kind, metadata: { name, namespace } };
}

/** A pod as a kubelet would report it, and its Deployment available: nothing runs here. */
async function runPod(cluster: Cluster, name: string, digest: string): Promise<void> {
  const pod = { apiVersion: 'v1', kind: 'Pod', name: `${name}-0`, namespace: 'flux-system' };
  const image = `registry.example.com/flux/distroless/${name}@${digest}`;
  await cluster.create({
    ...toObject(pod),
    metadata: { name: pod.name, namespace: pod.namespace, labels: { app: name } },
    spec: { serviceAccountName: name, automountServiceAccountToken: false, containers: [{ name: 'manager', image }] },
  });
  const status = { name: 'manager', image, imageID: image, ready: true, restartCount: 0, state: {} };
  await cluster.patch(pod, { type: 'merge', subresource: 'status', body: { status: { containerStatuses: [status] } } });
  const conditions = [{ type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' }];
  await cluster.patch(deployment(name), { type: 'merge', subresource: 'status', body: { status: { conditions } } });
}

function kustomizationOf(name: string, spec: Readonly<Record<string, unknown>>, version = 'v1'): KubernetesObject {
  const { apiVersion, kind, namespace } = kustomization(name, version);
  const sourceRef = { kind: 'GitRepository', name: 'flux-system' };
  return {
    apiVersion,
    kind,
    metadata: { name, namespace },
    spec: { interval: '10m', prune: true, sourceRef, ...spec },
  };
}

function asObject(
  ref: Omit<ObjectRef, 'namespace'> & { readonly namespace?: string },
  labels: Readonly<Record<string, string>>,
): KubernetesObject {
  const { apiVersion, kind, name, namespace } = ref;
  return { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels } };
}

/** Applies install manifests as the Flux CLI does, its Deployments with a field that Oakum's have not. */
async function applyAsFlux(text: string): Promise<void> {
  const cluster = await stage.cluster();
  for (const object of parseManifests(text, 'flux')) {
    if (object.kind === 'Deployment')
      Object.assign(at(object, 'spec', 'template', 'spec') as object, {
        nodeSelector: { 'kubernetes.io/os': 'linux' },
      });
    await cluster.apply(object, { manager: 'flux', force: true }); // the namespace is that of the tests before
  }
}

async function installOld(): Promise<void> {
  const file = await manifests('2.7.2-r0', { definition: oldDefinition });
  const done = await stage.oakum(['install', '--manifests', file, '--yes', '--no-wait']);
  expect(done, done.stderr).toMatchObject({ exitCode: 0 });
}

async function setStorage(version: string): Promise<void> {
  const cluster = await stage.cluster();
  const versions = at(await cluster.get(CRD), 'spec', 'versions') as readonly { readonly name: string }[];
  const body = { spec: { versions: versions.map((one) => ({ ...one, storage: one.name === version })) } };
  await cluster.patch(CRD, { type: 'merge', body });
  await systemClock().sleep(3000); // the API server takes a moment to write the other version
}

/** A changed definition takes a moment to be served. */
async function appliedSoon(object: KubernetesObject): Promise<void> {
  const cluster = await stage.cluster();
  for (let attempt = 0; ; attempt += 1) {
    const applied = await cluster.apply(object, { manager: 'team', force: true }).catch((error: unknown) => {
      if (attempt > 50) throw error;
      return undefined;
    });
    if (applied !== undefined && at(applied, 'spec', 'dear') !== undefined) return;
    await systemClock().sleep(200);
  }
}

/** Applies the roles that a refusal prints, bound to the account of the test. */
async function grant(cluster: Awaited<ReturnType<ClusterStage['cluster']>>, stderr: string): Promise<void> {
  const yaml = stderr
    .slice(stderr.indexOf('apiVersion: rbac'))
    .replace(/\n {2}at: [^]*$/, '')
    .replace(/^ {4}/gm, '');
  for (const role of parseManifests(yaml, 'the roles printed')) {
    const name = `${role.metadata.name}-${Math.random().toString(36).slice(2, 8)}`;
    const metadata = { ...role.metadata, name };
    if (metadata.namespace !== undefined)
      await cluster.apply(
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: metadata.namespace } },
        { manager: 'test' },
      );
    await cluster.apply({ ...role, metadata }, { manager: 'test' });
    await cluster.apply(
      {
        apiVersion: role.apiVersion,
        kind: `${role.kind}Binding`,
        metadata,
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: role.kind, name },
        subjects: [{ kind: 'ServiceAccount', name: 'installer', namespace: 'default' }],
      },
      { manager: 'test' },
    );
  }
}

function fluxInstance(): readonly KubernetesObject[] {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return [
    {
      apiVersion: CRD.apiVersion,
      kind: CRD.kind,
      metadata: { name: 'fluxinstances.fluxcd.controlplane.io' },
      spec: {
        group: 'fluxcd.controlplane.io',
        names: {
          kind: 'FluxInstance',
          plural: 'fluxinstances',
          singular: 'fluxinstance',
          listKind: 'FluxInstanceList',
        },
        scope: 'Namespaced',
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    },
    {
      apiVersion: 'fluxcd.controlplane.io/v1',
      kind: 'FluxInstance',
      metadata: { name: 'flux', namespace: 'flux-system' },
      spec: {},
    },
  ];
}
