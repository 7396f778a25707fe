// SPDX-License-Identifier: Apache-2.0
// Reachability on small programs of our own, by the real govulncheck in our sandbox: what is called, imported and only required.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CompileInputs, CompileRequest } from '#build';
import { type Cache, openCache } from '#cache';
import { digestOf, runProcess, systemClock, createHttp } from '#core';
import { type Engine, inspectMachine, openEngine } from '#engine';
import { openSources, parseChecksumDatabase, parseGoProxies, type Sources } from '#sources';
import { type GoProxyServer, type PublishedModule, startFeedServer, startGoProxy } from '#testing';
import { type Analysis, analyse, readGoDatabasePart, updateFeeds } from '#vulnerabilities';
import { judge } from '../judges.ts';
import { upstreamLevels } from '../govulncheck.ts';

const goEnv = (name: string) => execFileSync('go', ['env', name], { encoding: 'utf8' }).trim();
const GO_VERSION = goEnv('GOVERSION');
const LIB = 'example.com/lib';
const MAIN = `package main

import (
	"${LIB}/called"
	"${LIB}/imported"
)

type runner struct{}

func (runner) run() { called.Run() }

func main() {
	runner{}.run()
	println(imported.Safe())
}
`;

const ARM = { platform: 'linux/arm64' } as const;
type Files = Readonly<Record<string, string>>;

/** What each advisory names in the library, and how near the program comes to it. */
const CASES = [
  { id: 'GO-2026-0001', path: 'called', symbols: ['Run'], reach: 'called' },
  { id: 'GO-2026-0002', path: 'called', symbols: ['Engine.Stop'], reach: 'called' }, // Run calls it through an interface
  { id: 'GO-2026-0003', path: 'called', symbols: ['Never'], reach: 'imported' },
  { id: 'GO-2026-0004', path: 'imported', symbols: ['Flawed'], reach: 'imported' },
  { id: 'GO-2026-0005', path: 'required', symbols: ['Flawed'], reach: 'required' },
  { id: 'GO-2026-0006', path: 'required', symbols: undefined, reach: 'required' },
  { id: 'GO-2026-0007', path: 'imported', symbols: undefined, reach: 'called' }, // no symbols: every function counts
] as const;

const advisories = CASES.map(({ id, path, symbols }) => ({
  schema_version: '1.3.1',
  id,
  modified: '2026-08-01T00:00:00Z',
  published: '2026-07-01T00:00:00Z',
  aliases: [id.replace('GO-2026', 'CVE-2026')],
  affected: [
    {
      package: { ecosystem: 'Go', name: LIB },
      ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '1.3.0' }] }],
      ecosystem_specific: { imports: [{ path: `${LIB}/${path}`, ...(symbols === undefined ? {} : { symbols }) }] },
    },
  ],
}));
const fixed = {
  ...advisories[0],
  id: 'GO-2026-0008', // of older versions
  affected: [
    { ...advisories[0]?.affected[0], ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '1.2.0' }] }] },
  ],
};

describe('the analysis of small programs', () => {
  let folder: string;
  let cache: Cache;
  let engine: Engine;
  let proxy: GoProxyServer;
  let sources: Sources;
  let lib: PublishedModule;
  let tool: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-reach-'));
    tool = await judge('govulncheck');
    cache = await openCache(join(folder, 'cache'));
    const reading = await inspectMachine({ run: runProcess, cache, searchPath: process.env['PATH'] ?? '' });
    engine = openEngine({ run: runProcess, cache, reading });
    proxy = await startGoProxy();
    lib = proxy.publish({
      path: LIB,
      version: 'v1.2.0',
      files: {
        'go.mod': `module ${LIB}\n\ngo 1.24\n`,
        'called/run.go':
          'package called\n\ntype stopper interface{ Stop() }\n\ntype Engine struct{}\n\nfunc (*Engine) Stop() {}\n\nvar engine stopper = &Engine{}\n\nfunc Run() { engine.Stop() }\n\nfunc Never() {}\n',
        'imported/imported.go': 'package imported\n\nfunc Safe() string { return "safe" }\n\nfunc Flawed() {}\n',
        'required/required.go': 'package required\n\nfunc Flawed() {}\n',
      },
    });
    const http = createHttp({ clock: systemClock() });
    sources = openSources({
      http,
      cache,
      stateFolder: join(folder, 'state'),
      proxies: parseGoProxies(proxy.url),
      checksumDatabase: parseChecksumDatabase(proxy.log.key),
      exemptions: [],
      report: () => {},
    });
    await holdDatabase();
  }, 900_000);
  afterAll(async () => {
    await proxy?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Puts the made database into the data folder, as an update does. */
  async function holdDatabase(): Promise<void> {
    const server = await startFeedServer();
    const all = [...advisories, fixed];
    const publish = (path: string, content: unknown) => server.publish(`go-vulndb/${path}`, JSON.stringify(content));
    publish('index/db.json', { modified: '2026-08-20T00:00:00Z' });
    publish(
      'index/vulns.json',
      all.map(({ id, modified }) => ({ id, modified })),
    );
    for (const advisory of all) publish(`ID/${advisory.id}.json`, advisory);
    const [update] = await updateFeeds({
      folder,
      clock: { ...systemClock(), now: () => new Date('2026-08-21T00:00:00Z') },
      http: createHttp({ clock: systemClock() }),
      sources: { mirror: server.url },
      only: ['go'],
      report: () => {},
    });
    await server.stop();
    expect(update?.result).toBe('updated');
  }

  /** Publishes a program and gives it as a build that can be analysed. */
  function build(name: string, program: string, changes: Partial<CompileRequest> = {}, more: Files = {}) {
    const path = `example.com/${name}`;
    const sum = `${LIB} v1.2.0 ${lib.zipHash}\n${LIB} v1.2.0/go.mod ${lib.modHash}\n`;
    const mod = `module ${path}\n\ngo 1.24\n\nrequire ${LIB} v1.2.0\n`;
    const main = proxy.publish({
      path,
      version: 'v1.0.0',
      files: { 'go.mod': mod, 'go.sum': sum, 'main.go': program, ...more },
    });
    const compile: CompileRequest = {
      component: name,
      main,
      nested: [],
      package: '.',
      toolchain: { version: GO_VERSION, zipHash: 'h1:of the machine' },
      platform: 'linux/amd64',
      crypto: 'none',
      ...changes,
    };
    const prepare = async (): Promise<CompileInputs> => {
      const source = await sources.compose(main, []);
      const moduleCache = await sources.moduleCache(await sources.dependencies(source.path));
      return { sourceFolder: source.path, moduleCache, toolchainFolder: goEnv('GOROOT'), hashes: new Map() };
    };
    return { compile, prepare };
  }

  async function analyseProgram(...program: Parameters<typeof build>): Promise<Analysis> {
    const { compile, prepare } = build(...program);
    const database = readGoDatabasePart(folder, new Set([LIB, 'stdlib']));
    if (database === undefined) throw new Error('the database is not held');
    const govulncheck = { name: 'govulncheck', version: 'v1.9.0', digest: digestOf(tool), path: tool };
    const { value } = await analyse({ compile, database, tool: govulncheck }, prepare, {
      cache,
      clock: systemClock(),
      engine: async () => engine,
      isolated: true,
      limits: { memoryBytes: 4 * 2 ** 30, milliseconds: 300_000, processes: 1000 },
      parallelism: 2,
    });
    return value;
  }

  const reachOf = ({ reached }: Analysis) => Object.fromEntries(reached.map(({ id, reach }) => [id, reach]));

  it('tells what is called, imported and only required', async () => {
    const found = await analyseProgram('app', MAIN);
    expect(reachOf(found)).toEqual(Object.fromEntries(CASES.map(({ id, reach }) => [id, reach])));
    expect(Object.keys(found.advisories)).toEqual([...CASES.map(({ id }) => id), fixed.id]);
    expect(found.isolation).toContain('bubblewrap');
    expect(found.goVersion).toBe(GO_VERSION);
  });

  it('gives the path from main to the flaw, with places in the sources and none on this machine', async () => {
    const found = await analyseProgram('app', MAIN);
    const path = found.reached.find(({ id }) => id === 'GO-2026-0002')?.path ?? [];
    expect(path.map((frame) => `${frame.package}.${frame.function} ${frame.file}:${frame.line}`)).toEqual([
      'example.com/app.main main.go:13',
      'example.com/app.runner.run main.go:10',
      `${LIB}/called.Run called/run.go:11`,
      `${LIB}/called.Engine.Stop called/run.go:7`,
    ]);
    expect(path.at(-1)).toMatchObject({ module: LIB, version: 'v1.2.0' });
    expect(JSON.stringify(found)).not.toContain(folder);
  });

  it('follows what the platform compiles', async () => {
    const only = { 'on_arm64.go': `package main\n\nimport "${LIB}/imported"\n\nfunc init() { imported.Flawed() }\n` };
    const [amd, arm] = [await analyseProgram('arch', MAIN, {}, only), await analyseProgram('arch', MAIN, ARM, only)];
    expect(amd.build).not.toBe(arm.build);
    expect(reachOf(amd)).toMatchObject({ 'GO-2026-0004': 'imported' });
    expect(reachOf(arm)).toMatchObject({ 'GO-2026-0004': 'called' });
  });

  it('is judged by upstream itself, outside of our sandbox', async () => {
    const { compile, prepare } = build('app', MAIN);
    const inputs = await prepare();
    const served = join(folder, 'served');
    await readGoDatabasePart(folder, new Set([LIB]))?.write(served);
    const run = spawnSync(tool, ['-format', 'json', '-db', `file://${served}`, compile.package], {
      cwd: inputs.sourceFolder,
      env: {
        ...process.env,
        GOMODCACHE: inputs.moduleCache,
        GOPROXY: 'off',
        GOSUMDB: 'off',
        CGO_ENABLED: '0',
        GOFLAGS: '-mod=readonly',
      },
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    expect(run.stderr).toBe('');
    expect(upstreamLevels(run.stdout)).toEqual(reachOf(await analyseProgram('app', MAIN)));
  });

  it('says what is wrong with a source that does not compile', async () => {
    const broken = analyseProgram('broken', MAIN.replace('called.Run()', 'called.Missing()'));
    await expect(broken).rejects.toMatchObject({
      code: 'REACHABILITY_FAILED',
      where: 'broken v1.0.0 (linux/amd64)',
      message: expect.stringContaining('undefined: called.Missing'),
    });
  });
});
