// SPDX-License-Identifier: Apache-2.0
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCache, removeTree } from '#cache';
import { createHttp, type Platform } from '#core';
import type { LockedModule } from '#definition';
import type { Engine, SandboxStep } from '#engine';
import { openSources, parseChecksumDatabase, parseGoProxies, type Sources, toolchainModule } from '#sources';
import { createTestClock, type GoProxyServer, startGoProxy } from '#testing';
import { FEED_NAMES, type Feeds } from '#vulnerabilities';
import { type PatchPlan, planPatch } from '../plan.ts';
import type { PatchPolicy, PatchTarget } from '../types.ts';
import { goModOf, type Toy } from './toy-modules.ts';

const TOOLCHAIN = 'go1.27.3';
const PLATFORM: Platform = 'linux/amd64';

/** How the desk plans. `goSays` stands for what `go list` prints with a go.mod. */
export interface DeskOptions {
  readonly advisories: readonly object[];
  readonly policy?: PatchPolicy;
  readonly goSays?: (goMod: string) => string;
  readonly patches?: PatchTarget['patches'];
}

/** A proxy with a checksum database, and a component (`main.test/main@v1.0.0`) whose go.sum vouches for what it requires. */
export interface Desk {
  readonly proxy: GoProxyServer;
  readonly sources: Sources;
  publish(name: string, toy?: Toy, files?: Readonly<Record<string, string>>): void;
  /** Publishes the component; what it requires must have been published. */
  component(toy: Toy, files?: Readonly<Record<string, string>>): Promise<void>;
  plan(options: DeskOptions): Promise<PatchPlan>;
  close(): Promise<void>;
}

/** Opens a desk on loopback. Close it. */
export async function openDesk(): Promise<Desk> {
  const root = await mkdtemp(join(tmpdir(), 'oakum-patch-'));
  const proxy = await startGoProxy();
  const cache = await openCache(join(root, 'cache'));
  const sources = openSources({
    http: createHttp({ clock: createTestClock() }),
    cache,
    stateFolder: join(root, 'state'),
    proxies: parseGoProxies(proxy.url),
    checksumDatabase: parseChecksumDatabase(proxy.log.key),
    exemptions: [],
    report: () => {},
  });
  proxy.publish({ ...toolchainModule(TOOLCHAIN, PLATFORM), files: { 'bin/go': '' } });
  const publish: Desk['publish'] = (name, toy = {}, files = {}) => {
    const [path = '', version = ''] = name.split('@');
    const goFile = `package ${path.split('/').at(-1)}\n`;
    proxy.publish({ path, version, files: { 'go.mod': goModOf(path, toy), 'x.go': goFile, ...files } });
  };
  return {
    proxy,
    sources,
    publish,
    async component(toy, files = {}) {
      const sums = (toy.require ?? []).map(async (name) => {
        const [path = '', version = ''] = name.split('@');
        const { zipHash, modHash } = await sources.prove({ path, version });
        return `${path} ${version} ${zipHash}\n${path} ${version}/go.mod ${modHash}\n`;
      });
      publish('main.test/main@v1.0.0', toy, { 'go.sum': (await Promise.all(sums)).join(''), ...files });
    },
    async plan({ advisories, policy = { pastUpstream: true }, goSays = () => '', patches = [] }) {
      const module: LockedModule = await sources.prove({ path: 'main.test/main', version: 'v1.0.0' });
      const locked = { module, time: '2026-01-01T00:00:00Z', nested: [] };
      return planPatch(
        {
          release: '2.9.2',
          revision: '2.9.2-r1',
          predecessor: '2.9.2-r0',
          toolchain: TOOLCHAIN,
          lockedToolchain: await sources.prove(toolchainModule(TOOLCHAIN, PLATFORM)),
          platforms: [PLATFORM],
          targets: [{ component: 'main', locked, patches }],
          bases: async () => [],
          policy,
        },
        {
          cache,
          sources: async () => sources,
          engine: async () => listingEngine(goSays),
          feeds: feedsOf(advisories),
          now: new Date('2026-08-21T12:00:00Z'),
          report: () => {},
          signal: new AbortController().signal,
          machine: { platform: PLATFORM },
        },
      );
    },
    async close() {
      await proxy.stop();
      await removeTree(root);
    },
  };
}

/** An advisory in OSV form: versions at which the flaw comes and goes, in turn. */
export function osv(id: string, path: string, ...events: readonly string[]): object {
  const range = {
    type: 'SEMVER',
    events: events.map((version, at) => (at % 2 === 0 ? { introduced: version } : { fixed: version })),
  };
  return { id, affected: [{ package: { ecosystem: 'Go', name: path }, ranges: [range] }] };
}

/** Answers as `go list` does; what real Go says, test/system/patch.test.ts asks. */
function listingEngine(goSays: (goMod: string) => string): Engine {
  return {
    async run({ mounts }: SandboxStep) {
      const mount = mounts.find((one) => one.to === '/src/go.mod');
      const goMod = mount?.kind === 'data' ? String(mount.content) : '';
      const plain = { signal: undefined, timedOut: false, limit: undefined, sandbox: 'a test', stderr: '' };
      return { ...plain, exitCode: 0, stdout: goSays(goMod) };
    },
  } as Engine;
}

function feedsOf(advisories: readonly object[]): Feeds {
  return {
    status: async () => FEED_NAMES.map((name) => ({ name, state: 'fresh', maxAgeDays: 7 }) as const),
    advisories: async () => advisories,
    advisoriesById: async () => [],
    changedSince: async () => undefined,
    kev: async () => new Map(),
    epss: async () => new Map(),
    ssvc: async () => new Map(),
    lifeCycles: async () => [
      { cycle: '1.28' },
      { cycle: '1.27' },
      { cycle: '1.26', endOfLife: '2026-08-01' },
    ],
  };
}
