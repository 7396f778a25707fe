// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCache, removeTree } from '#cache';
import { createHttp, runProcess, systemClock } from '#core';
import { openSources, parseChecksumDatabase, parseGoProxies, type Sources } from './index.ts';

// The real proxy and the real database, as this machine's Go names them; the real go command is the judge.
const settings = readGoSettings();

function readGoSettings(): { proxies: string; database: string; go: string } | undefined {
  try {
    const [proxies = '', database = '', goRoot = ''] = execFileSync('go', ['env', 'GOPROXY', 'GOSUMDB', 'GOROOT'], {
      encoding: 'utf8',
    }).split('\n');
    return { proxies, database, go: join(goRoot, 'bin/go') };
  } catch {
    return undefined;
  }
}

describe.skipIf(settings === undefined)('with the real proxy and checksum database, the sources', () => {
  let root: string;
  let sources: Sources;
  let requests = 0;

  async function open(): Promise<Sources> {
    const http = createHttp({ clock: systemClock() });
    return openSources({
      http: (request) => {
        requests += 1;
        return http(request);
      },
      cache: await openCache(join(root, 'cache')),
      stateFolder: join(root, 'state'),
      proxies: parseGoProxies(settings?.proxies ?? ''),
      checksumDatabase: parseChecksumDatabase(settings?.database ?? ''),
      exemptions: [{ module: 'github.com/fluxcd/source-watcher/v2@v2.2.3' }],
      report: () => {},
    });
  }

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'oakum-real-'));
    sources = await open();
  });

  afterAll(async () => {
    await removeTree(root);
  });

  it('read Flux 2.9.2 with its seven components, and again without any request', async () => {
    const release = await sources.release('2.9.2');
    expect(Object.fromEntries(release.components.map(({ name, version }) => [name, version]))).toEqual({
      'helm-controller': 'v1.6.2',
      'image-automation-controller': 'v1.2.3',
      'image-reflector-controller': 'v1.2.3',
      'kustomize-controller': 'v1.9.3',
      'notification-controller': 'v1.9.2',
      'source-controller': 'v1.9.3',
      'source-watcher': 'v2.2.2',
    });
    const before = requests;
    expect(await (await open()).release('2.9.2')).toEqual(release);
    expect(requests).toBe(before);
  });

  it('prove source-controller v1.9.3 by the hash that its go.sum users have, and know its commit', async () => {
    const module = { path: 'github.com/fluxcd/source-controller', version: 'v1.9.3' };
    const proved = await sources.prove(module);
    expect(proved).toMatchObject({
      zipHash: 'h1:Zj1gfvK/2MFIm/K3vh5fSHoJBoggLKMuLWf5ZEmaF0w=',
      proof: { recordId: 57_301_173 },
    });
    expect((await sources.info(module)).origin).toMatchObject({
      commit: 'ed61ebda88cd70159b24df1c8df50b1e6be4cc3d',
      ref: 'refs/tags/v1.9.3',
    });
    expect(await sources.nestedModules(proved)).toEqual([
      { path: `${module.path}/api`, version: 'v1.9.3', folder: 'api' },
    ]);
  });

  it('take source-watcher v2.2.3, which the database does not know, on its exemption alone', async () => {
    const module = { path: 'github.com/fluxcd/source-watcher/v2', version: 'v2.2.3' };
    expect((await sources.prove(module)).proof).toMatchObject({ kind: 'exempted', database: 'lacks-module' });
    expect((await sources.info(module)).origin).toBeUndefined();
  });

  it('refuse a version that nobody knows, saying what the proxy lists', async () => {
    await expect(sources.release('2.9.77')).rejects.toMatchObject({
      code: 'VERSION_UNKNOWN',
      hint: expect.stringContaining('2.9.5') as string,
    });
  });

  it('fill a module cache with which the real go command loads each package, offline and writing nothing there', async () => {
    const proved = await sources.prove({ path: 'github.com/fluxcd/pkg/version', version: 'v0.16.0' });
    const tree = await sources.compose(proved, []);
    const dependencies = await sources.dependencies(tree.path);
    expect(dependencies.length).toBeGreaterThan(0);
    const cache = await sources.moduleCache(dependencies);
    const work = join(root, 'work');
    await cp(tree.path, work, { recursive: true });
    const before = (await readdir(cache, { recursive: true })).sort();
    const env = {
      HOME: root,
      GOCACHE: join(root, 'go-build'),
      GOMODCACHE: cache,
      GOPROXY: 'off',
      GOTOOLCHAIN: 'local',
    };
    const run = (...args: readonly string[]) =>
      runProcess({ argv: [settings?.go ?? 'go', ...args], cwd: work, env: { ...env, CGO_ENABLED: '0' } });
    const listed = await run('list', '-mod=readonly', '-deps', './...');
    expect(listed, listed.stderr).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('github.com/Masterminds/semver/v3') as string,
    });
    expect((await readdir(cache, { recursive: true })).sort(), 'the go command wrote nothing there').toEqual(before);
    const verified = await run('mod', 'verify');
    expect(`${verified.stdout}${verified.stderr}`).toContain('all modules verified');
  });
});
