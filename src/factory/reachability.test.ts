// SPDX-License-Identifier: Apache-2.0
// Whether an image is what definition and lock make, and the tool that analyses it; the analysis itself is tested in vulnerabilities.
import { resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileCommand } from '#build';
import { digestOf, hexOf } from '#core';
import { type Definition, type Lock, readDefinition, readLock } from '#definition';
import type { Sources } from '#sources';
import { toJob } from './prepare.ts';
import { analyseImages } from './reachability.ts';
import { lockTool } from './tool.ts';
import type { Workshop } from './workshop.ts';

const HOME = resolve(import.meta.dirname, '../..');
const IMAGE = digestOf('image');
const machine = { platform: 'linux/amd64', cores: 2, memoryBytes: 2 ** 34 } as const;
let definition: Definition;
let lock: Lock;

beforeAll(async () => {
  ({ definition } = await readDefinition(resolve(HOME, 'distribution.yaml')));
  const read = await readLock(resolve(HOME, 'oakum.lock'));
  if (read === undefined) throw new Error('the lock is not there');
  lock = read;
});

interface Predicate {
  readonly buildDefinition: {
    readonly externalParameters: Record<string, string>;
    readonly internalParameters: { readonly steps: { readonly compile: { argv: readonly string[]; env: object } } };
    readonly resolvedDependencies: { name: string; uri: string; digest: Record<string, string> }[];
  };
}

/** What provenance of source-watcher 2.2.2 says, in the parts that count. */
function provenance(): Predicate {
  const { request } = toJob('source-watcher', 'linux/amd64', {
    definition,
    lock,
    release: '2.9.2',
    machine: machine.platform,
  });
  const hex = (h1: string) => ({ dirHash: Buffer.from(h1.slice(3), 'base64').toString('hex') });
  return {
    buildDefinition: {
      externalParameters: {
        component: 'source-watcher',
        release: '2.9.2',
        revision: '2.9.2-r0',
        platform: 'linux/amd64',
      },
      internalParameters: { steps: { compile: compileCommand(request) } },
      resolvedDependencies: [
        { name: 'source', uri: 'git+https://example.com/x', digest: { gitCommit: 'a'.repeat(40) } },
        ...[request.main, ...request.nested].map(({ zipHash }) => ({
          name: 'source',
          uri: 'pkg:golang/x',
          digest: hex(zipHash),
        })),
        { name: 'toolchain', uri: 'pkg:golang/toolchain', digest: hex(request.toolchain.zipHash) },
      ],
    },
  };
}

/** Analyses an image of which this is the provenance. The tool may not be opened: it throws `opened`. */
async function reasonFor(change: (found: Predicate) => unknown): Promise<unknown> {
  const opened = () => Promise.reject(new Error('opened'));
  const cache = { step: opened } as unknown as Workshop['cache'];
  const shop = { machine, report: () => {}, cache, sources: opened } as unknown as Workshop;
  const database = { modified: '', digests: {}, aliases: {}, write: opened };
  const target = { target: 'app:v1', image: IMAGE, provenance: async () => change(provenance()), database };
  const analyses = await analyseImages([target], { definition, lock, dataFolder: '/nowhere' }, shop);
  const found = analyses.get(IMAGE);
  return found !== undefined && 'reason' in found ? found.reason : found;
}

describe('the analysis of images', () => {
  it('goes on to the tool for an image that definition and lock make', async () => {
    await expect(reasonFor((found) => found)).rejects.toThrow('opened');
  });

  const dependencies = (found: Predicate) => found.buildDefinition.resolvedDependencies;
  const external = (found: Predicate) => found.buildDefinition.externalParameters;
  it.each<[string, (found: Predicate) => unknown, RegExp]>([
    ['sources', (found) => (dependencies(found)[1]!.digest['dirHash'] = '00'), /other sources/],
    ['nested modules', (found) => dependencies(found).splice(2, 1), /other sources/],
    ['a toolchain', (found) => (dependencies(found).at(-1)!.digest['dirHash'] = '00'), /another toolchain/],
    [
      'a command',
      (found) => (found.buildDefinition.internalParameters.steps.compile.argv = ['go', 'build']),
      /another command/,
    ],
    ['an environment', (found) => (found.buildDefinition.internalParameters.steps.compile.env = {}), /another command/],
    [
      'an overlay',
      (found) =>
        dependencies(found).push({ name: 'overlay', uri: 'x', digest: { sha256: hexOf(digestOf('overlay')) } }),
      /another overlay/,
    ],
    [
      'a release that is not locked',
      (found) => (external(found)['release'] = '2.8.0'),
      /the lock lacks source-watcher/,
    ],
    ['a component that is not defined', (found) => (external(found)['component'] = 'mine'), /the lock lacks mine/],
    ['a platform that nothing is built for', (found) => (external(found)['platform'] = 'linux/riscv64'), /riscv64/],
  ])('is not made where provenance names %s', async (_, change, reason) => {
    const changed = (found: Predicate) => {
      change(found);
      return found;
    };
    expect(await reasonFor(changed)).toMatch(reason);
  });

  it.each([undefined, {}, { buildDefinition: 'x' }])(
    'is not made by provenance that another tool wrote: %j',
    async (other) => {
      expect(await reasonFor(() => other)).toMatch(/does not tell how Oakum compiled it/);
    },
  );
});

describe('the lock of a tool', () => {
  const hash = `h1:${'A'.repeat(43)}=`;
  const proof = { kind: 'checksum-database', database: 'db', recordId: 1, treeSize: 2 } as const;
  const asked: unknown[] = [];
  const prove: Sources['prove'] = async (module) => {
    asked.push(module);
    return { ...module, zipHash: hash, modHash: hash, proof };
  };
  const shop = { report: () => {}, sources: async () => ({ prove }) } as unknown as Workshop;
  const request = (changes: object = {}) => ({ definition, lock, lockFile: 'oakum.lock', locked: false, ...changes });

  it('is left alone where it holds the version that the definition names', async () => {
    expect(await lockTool('govulncheck', request({ locked: true }), shop)).toEqual({ lock, changed: false });
    expect(asked).toEqual([]);
  });

  it('is proved where it lacks it, or holds another version; nothing else of the lock changes', async () => {
    const { tools: _, ...bare } = lock;
    const module = { path: 'golang.org/x/vuln', version: 'v1.9.0' };
    for (const known of [
      bare,
      { ...bare, tools: { govulncheck: { ...module, version: 'v1.8.0', zipHash: hash, modHash: hash, proof } } },
    ]) {
      const done = await lockTool('govulncheck', request({ lock: known }), shop);
      expect(done).toEqual({
        changed: true,
        lock: { ...bare, tools: { govulncheck: { ...module, zipHash: hash, modHash: hash, proof } } },
      });
    }
    expect(asked).toEqual([module, module]);
  });

  it('is not changed where --locked forbids it', async () => {
    const refused = lockTool('govulncheck', request({ lock: { ...lock, tools: {} }, locked: true }), shop);
    await expect(refused).rejects.toMatchObject({ code: 'LOCK_INCOMPLETE', where: 'oakum.lock' });
  });
});
