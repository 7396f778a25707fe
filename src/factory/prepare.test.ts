// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Definition, type Lock, readDefinition, readLock } from '#definition';
import { jobsOf, openPreparation } from './prepare.ts';
import type { Workshop } from './workshop.ts';

const HOME = join(import.meta.dirname, '../..');
const RELEASE = '2.9.2';

describe('the compiles of a release', () => {
  let definition: Definition;
  let lock: Lock;
  const jobs = (...channels: readonly string[]) =>
    jobsOf({
      definition,
      lock,
      release: RELEASE,
      machine: 'linux/amd64',
      selection: {
        channels,
        components: ['source-watcher', 'helm-controller'],
        platforms: ['linux/amd64', 'linux/arm64'],
      },
    });

  beforeAll(async () => {
    const shipped = (await readDefinition(join(HOME, 'distribution.yaml'))).definition;
    const [plain] = Object.values(shipped.channels);
    if (plain === undefined) throw new TypeError('the definition has no channel');
    definition = {
      ...shipped,
      channels: {
        plain: { ...plain, crypto: 'none' },
        other: { ...plain, crypto: 'none' },
        fips: { ...plain, crypto: 'fips140' },
        boring: { ...plain, crypto: 'boring' },
      },
    };
    const known = await readLock(join(HOME, 'oakum.lock'));
    const base = known?.bases['debian-13'];
    if (known === undefined || base === undefined) throw new TypeError('the lock has no base');
    lock = { ...known, buildRoot: { releases: base.releases, packages: base.packages } };
  });

  it('are one for each component and platform, however many channels share the crypto mode', () => {
    expect(jobs('plain')).toHaveLength(4);
    expect(jobs('plain', 'other')).toHaveLength(4);
  });

  it('are one more for each component and architecture where a FIPS channel is added, and no more', () => {
    expect(jobs('plain', 'other', 'fips')).toHaveLength(8);
    expect(jobs('plain', 'fips', 'boring')).toHaveLength(12);
  });

  it('fetch sources, modules and toolchain once for all crypto modes and platforms, and what a mode needs once for all components', async () => {
    const asked: string[] = [];
    const prepare = openPreparation(countingShop(asked), definition);
    const all = await Promise.all(jobs('plain', 'other', 'fips', 'boring').map(prepare));
    const perComponent = ['compose', 'dependencies', 'module cache', 'toolchain'];
    expect(asked.sort()).toEqual([...perComponent, ...perComponent, 'build root', 'carried module'].sort());
    expect(new Set(all.map(({ moduleCache }) => moduleCache)).size).toBe(1);
    expect(all.filter(({ buildRoot }) => buildRoot !== undefined)).toHaveLength(4);
  });
});

/** A workshop whose sources and bases give names for folders, and write down what they are asked. */
function countingShop(asked: string[]): Workshop {
  const answer = <T>(name: string, value: T) => {
    asked.push(name);
    return Promise.resolve(value);
  };
  const sources = {
    toolchain: () => answer('toolchain', { folder: '/go' }),
    compose: () => answer('compose', { path: '/source', cached: true }),
    dependencies: () => answer('dependencies', []),
    moduleCache: () => answer('module cache', '/modules'),
    carriedModule: () => answer('carried module', undefined),
  };
  const debian = { buildRoot: () => answer('build root', { path: '/root', cached: true }) };
  return {
    sources: () => Promise.resolve(sources),
    debian: () => Promise.resolve(debian),
    report: () => undefined,
    machine: { platform: 'linux/amd64', cores: 2, memoryBytes: 2 ** 33 },
  } as unknown as Workshop;
}
