// SPDX-License-Identifier: Apache-2.0
import { chmod, mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCache, removeTree } from '#cache';
import { createHttp } from '#core';
import { createTestClock, type GoProxyServer, type PublishedModule, startGoProxy } from '#testing';
import { openSources, parseChecksumDatabase, parseGoProxies, type Sources } from './index.ts';

let root: string;
let proxy: GoProxyServer;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'oakum-release-'));
  proxy = await startGoProxy();
});

afterEach(async () => {
  await proxy.stop();
  await removeTree(root);
});

async function open(): Promise<Sources> {
  return openSources({
    http: createHttp({ clock: createTestClock() }),
    cache: await openCache(join(root, 'cache')),
    stateFolder: join(root, 'state'),
    proxies: parseGoProxies(proxy.url),
    checksumDatabase: parseChecksumDatabase(proxy.log.key),
    exemptions: [],
    report: () => {},
  });
}

function kustomization(...urls: readonly string[]): string {
  const lines = urls.map((url) => `- https://github.com/fluxcd/${url}\n`);
  return `apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n${lines.join('')}- account.yaml\n`;
}

/** Publishes a flux2 of this version whose two components have the versions given. */
function publishFlux(version: string, components: Readonly<Record<string, string>>, unlisted = false): void {
  const bases = Object.entries(components).map(([name, component]) => {
    const file = (kind: string) => `${name}/releases/download/${component}/${name}.${kind}.yaml`;
    return [`manifests/bases/${name}/kustomization.yaml`, kustomization(file('crds'), file('deployment'))] as const;
  });
  const files = { ...Object.fromEntries(bases), 'manifests/bases/README.md': 'not a component\n' };
  proxy.publish({ path: 'github.com/fluxcd/flux2/v2', version, files, unlisted });
}

function publishComponent(path: string, version: string, unknown = false): PublishedModule {
  return proxy.publish({ path: `github.com/fluxcd/${path}`, version, files: {}, unknown });
}

describe('a Flux release', () => {
  it('names each component with its module, major suffix included, and is read again without network', async () => {
    publishFlux('v2.9.2', { 'source-watcher': 'v2.2.2', 'source-controller': 'v1.9.3' }, true);
    const release = await (await open()).release('2.9.2');
    expect(release).toMatchObject({ version: '2.9.2', module: { version: 'v2.9.2' }, skipped: [] });
    expect(release.components).toEqual([
      { name: 'source-controller', module: 'github.com/fluxcd/source-controller', version: 'v1.9.3' },
      { name: 'source-watcher', module: 'github.com/fluxcd/source-watcher/v2', version: 'v2.2.2' },
    ]);
    await proxy.stop();
    expect(await (await open()).release('v2.9.2')).toEqual(release);
    proxy = await startGoProxy();
  });

  it('is for a line the newest whose components are all served and proved, whether listed, known or only served', async () => {
    publishComponent('source-controller', 'v1.9.1');
    publishComponent('source-controller', 'v1.9.3');
    publishComponent('source-controller', 'v1.9.5', true);
    publishFlux('v2.9.1', { 'source-controller': 'v1.9.1' });
    publishFlux('v2.9.2', { 'source-controller': 'v1.9.3' }, true);
    publishFlux('v2.9.4', { 'source-controller': 'v1.9.5' }, true);
    publishFlux('v2.9.5', { 'source-controller': 'v1.9.6' });
    publishFlux('v2.9.6-rc.1', { 'source-controller': 'v1.9.3' });
    publishFlux('v2.10.0', { 'source-controller': 'v1.9.3' });
    const release = await (await open()).release('2.9', ['2.9.31']);
    expect(release.version).toBe('2.9.2');
    expect(release.skipped).toEqual([
      { version: '2.9.31', reason: expect.stringContaining('v2.9.31') as string },
      { version: '2.9.5', reason: expect.stringContaining('source-controller@v1.9.6') as string },
      {
        version: '2.9.4',
        reason: expect.stringContaining('does not know github.com/fluxcd/source-controller@v1.9.5') as string,
      },
    ]);
  });

  it('is never an older one because the network failed', async () => {
    publishComponent('source-controller', 'v1.9.1');
    publishFlux('v2.9.1', { 'source-controller': 'v1.9.1' });
    publishFlux('v2.9.2', { 'source-controller': 'v1.9.1' });
    proxy.fail({ path: /v2\.9\.2\.zip/, kind: 'status', status: 500 });
    await expect((await open()).release('2.9')).rejects.toHaveProperty('code', 'PROXY_FAILED');
  });

  it('that is unknown says which are known', async () => {
    publishFlux('v2.6.4', { 'source-controller': 'v1.6.2' });
    const run = await open();
    for (const wanted of ['2.9.9', '2.8']) {
      await expect(run.release(wanted, ['2.9.2'])).rejects.toMatchObject({
        code: 'VERSION_UNKNOWN',
        family: 'usage',
        hint: expect.stringContaining('2.6.4, 2.9.2') as string,
      });
    }
    for (const wanted of ['latest', '2', '../2.9', '2.9.2/x', '']) {
      await expect(run.release(wanted)).rejects.toHaveProperty('code', 'VERSION_UNKNOWN');
    }
  });

  it('with two versions of one component, or without any, is refused', async () => {
    const file = 'manifests/bases/x/kustomization.yaml';
    const two = kustomization('x/releases/download/v1.0.0/x.yaml', 'x/releases/download/v1.0.1/x.yaml');
    proxy.publish({ path: 'github.com/fluxcd/flux2/v2', version: 'v2.9.0', files: { [file]: two } });
    proxy.publish({ path: 'github.com/fluxcd/flux2/v2', version: 'v2.9.1', files: {} });
    const run = await open();
    await expect(run.release('2.9.0')).rejects.toHaveProperty('code', 'RELEASE_INVALID');
    await expect(run.release('2.9.1')).rejects.toHaveProperty('code', 'RELEASE_INVALID');
  });
});

describe('a component with a nested module', () => {
  const MAIN = { path: 'toy.test/main', version: 'v1.0.0' };

  function publishMain(goMod: string, goSum = ''): PublishedModule {
    return proxy.publish({
      ...MAIN,
      files: { 'go.mod': `module ${MAIN.path}\n\ngo 1.26.0\n${goMod}`, 'go.sum': goSum, 'main.go': 'package main\n' },
    });
  }

  it.each(['main.go', 'api/api.go', 'go.sum'])(
    'is composed anew where its copy has been tampered with: %s',
    async (file) => {
      const api = proxy.publish({ path: 'toy.test/main/api', version: 'v1.0.1', files: { 'api.go': 'package api\n' } });
      const main = publishMain('replace toy.test/main/api => ./api\nrequire toy.test/main/api v1.0.1\n', '');
      const compose = async () => (await open()).compose(main, [{ ...api, folder: 'api' }]);
      const { path } = await compose();
      const good = await readFile(join(path, file), 'utf8');
      await chmod(join(path, file), 0o644);
      await writeFile(join(path, file), 'tampered');
      expect(await compose()).toEqual({ path, cached: false });
      expect(await readFile(join(path, file), 'utf8')).toBe(good);
      expect(await compose()).toEqual({ path, cached: true });
    },
  );

  it('is composed with it in place, and has only the other modules as dependencies', async () => {
    const api = proxy.publish({ path: 'toy.test/main/api', version: 'v1.0.1', files: { 'api.go': 'package api\n' } });
    const used = proxy.publish({ path: 'toy.test/Used', version: 'v1.1.0', files: { 'used.go': 'package used\n' } });
    const fork = proxy.publish({ path: 'toy.test/fork', version: 'v0.1.0', files: { 'fork.go': 'package fork\n' } });
    const graph = proxy.publish({ path: 'toy.test/graph', version: 'v1.3.0', files: {} });
    const sums = [used, fork].flatMap((one) => [
      `${one.path} ${one.version} ${one.zipHash}`,
      `${one.path} ${one.version}/go.mod ${one.modHash}`,
    ]);
    const goSum = [
      ...sums,
      `${graph.path} ${graph.version}/go.mod ${graph.modHash}`,
      'toy.test/old v1.0.0 h1:old=',
    ].join('\n');
    const main = publishMain(
      'replace toy.test/main/api => ./api\nreplace toy.test/replaced => toy.test/fork v0.1.0\n' +
        'require (\n\ttoy.test/main/api v1.0.1\n\ttoy.test/Used v1.1.0\n\ttoy.test/replaced v9.0.0 // indirect\n\ttoy.test/graph v1.3.0 // indirect\n)\n',
      goSum,
    );
    const run = await open();
    expect(await run.nestedModules(main)).toEqual([{ path: api.path, version: api.version, folder: 'api' }]);
    const tree = await run.compose(main, [{ ...api, folder: 'api' }]);
    expect(await readFile(join(tree.path, 'api/api.go'), 'utf8')).toBe('package api\n');
    expect((await stat(join(tree.path, 'main.go'))).mode & 0o222).toBe(0);
    const dependencies = await run.dependencies(tree.path);
    expect(dependencies).toEqual(
      [used, fork, { path: graph.path, version: graph.version, modHash: graph.modHash }].sort((a, b) =>
        a.path < b.path ? -1 : 1,
      ),
    );
    const progress: number[] = [];
    const folder = await run.moduleCache(dependencies, { onProgress: ({ modules }) => progress.push(modules) });
    expect(progress.at(-1)).toBe(3);
    expect(await readFile(join(folder, 'toy.test/!used@v1.1.0/used.go'), 'utf8')).toBe('package used\n');
    expect(await readFile(join(folder, 'cache/download/toy.test/!used/@v/v1.1.0.ziphash'), 'utf8')).toBe(used.zipHash);
    expect(await readFile(join(folder, 'cache/download/toy.test/graph/@v/v1.3.0.mod'), 'utf8')).toBe(
      'module toy.test/graph\n',
    );
    await expect(stat(join(folder, 'toy.test/graph@v1.3.0'))).rejects.toThrow('ENOENT');
    proxy.requests.length = 0;
    await (await open()).moduleCache(dependencies);
    expect(proxy.requests).toEqual([]);
  });

  it('is refused where a dependency has no line in go.sum, or another hash than the one there', async () => {
    const used = proxy.publish({ path: 'toy.test/used', version: 'v1.1.0', files: {} });
    const run = await open();
    const { path: bare } = await run.module(publishMain('require toy.test/used v1.1.0\n'));
    await expect(run.dependencies(bare)).rejects.toMatchObject({
      code: 'GO_SUM_INCOMPLETE',
      message: expect.stringContaining('toy.test/used@v1.1.0') as string,
    });
    const wrong = { ...used, zipHash: `h1:${'A'.repeat(43)}=` };
    await expect(run.moduleCache([wrong])).rejects.toHaveProperty('code', 'HASH_MISMATCH');
    await expect(run.moduleCache([{ ...used, modHash: wrong.zipHash }])).rejects.toHaveProperty(
      'code',
      'HASH_MISMATCH',
    );
  });

  it.each(['../outside', '/etc', './..', './x/../..'])('is refused where go.mod replaces it by %s', async (folder) => {
    const main = publishMain(`replace toy.test/api => ${folder}\nrequire toy.test/api v1.0.0\n`);
    await expect((await open()).nestedModules(main)).rejects.toMatchObject({
      code: 'GO_MOD_INVALID',
      message: expect.stringContaining('outside') as string,
    });
  });

  it('heals a go.mod file damaged in the module cache', async () => {
    const used = proxy.publish({ path: 'toy.test/used', version: 'v1.1.0', files: {} });
    const folder = await (await open()).moduleCache([used]);
    const file = join(folder, 'cache/download/toy.test/used/@v/v1.1.0.mod');
    await writeFile(file, 'module evil\n');
    await (await open()).moduleCache([used]);
    expect(await readFile(file, 'utf8')).toBe('module toy.test/used\n');
  });
});
