// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareModuleVersions, type ModuleVersion } from '#formats';
import { type Toy, toyModules } from './__fixtures__/toy-modules.ts';
import { readGraph } from './module-graph.ts';
import { solve, unheldFloors } from './solve.ts';

const floor = (name: string): ModuleVersion => {
  const [path = '', version = ''] = name.split('@');
  return { path, version };
};

describe('solving floors', () => {
  it('raises a module to its floor and leaves the others', async () => {
    const toys = toyModules({ 'a.test/a@v1.0.1': {}, 'b.test/b@v1.0.0': {} });
    const main = toys.main({ require: ['a.test/a@v1.0.0', 'b.test/b@v1.0.0'] });
    const { changes } = await solve({ main, floors: [floor('a.test/a@v1.0.1')] }, toys.readGoMod);
    expect(changes).toEqual([
      { path: 'a.test/a', from: 'v1.0.0', to: 'v1.0.1', indirect: false, cause: { kind: 'floor' } },
    ]);
  });

  it('gives a floor the newer version of another floor that it needs (x/mod 0.40.0 needs x/text 0.41.0)', async () => {
    const toys = toyModules({
      'x.test/mod@v0.40.0': { require: ['x.test/tools@v0.49.0'] },
      'x.test/tools@v0.49.0': { require: ['x.test/text@v0.41.0'] },
      'x.test/tools@v0.45.0': {},
      'x.test/text@v0.39.0': {},
      'x.test/text@v0.41.0': {},
    });
    const main = toys.main({ require: ['x.test/mod@v0.36.0', 'x.test/text@v0.38.0', 'x.test/tools@v0.45.0'] });
    const floors = [floor('x.test/mod@v0.40.0'), floor('x.test/text@v0.39.0')];
    const solution = await solve({ main, floors }, toys.readGoMod);
    expect(Object.fromEntries(solution.changes.map(({ path, to, cause }) => [path, [to, cause]]))).toEqual({
      'x.test/mod': ['v0.40.0', { kind: 'floor' }],
      'x.test/text': ['v0.41.0', { kind: 'required', by: 'x.test/tools@v0.49.0' }],
      'x.test/tools': ['v0.49.0', { kind: 'required', by: 'x.test/mod@v0.40.0' }],
    });
    expect(unheldFloors(main, solution.require, floors)).toEqual([]);
  });

  it('never takes back an earlier floor for a later one, whatever their order', async () => {
    const toys = toyModules({
      'a.test/a@v1.5.0': {},
      'b.test/b@v1.2.0': { require: ['a.test/a@v1.3.0'] },
      'a.test/a@v1.3.0': {},
    });
    const main = toys.main({ require: ['a.test/a@v1.0.0', 'b.test/b@v1.0.0'] });
    const floors = [floor('a.test/a@v1.5.0'), floor('b.test/b@v1.2.0')];
    const [one, other] = await Promise.all(
      [floors, floors.toReversed()].map((list) => solve({ main, floors: list }, toys.readGoMod)),
    );
    expect(one?.require).toEqual(other?.require);
    expect(one?.require.get('a.test/a')).toBe('v1.5.0');
  });

  it('adds a module that go.mod lacks, as an indirect one', async () => {
    const toys = toyModules({ 'a.test/a@v1.0.0': {}, 'n.test/n@v0.2.0': {} });
    const cause = { kind: 'imported', package: 'n.test/n/sub' } as const;
    const main = toys.main({ require: ['a.test/a@v1.0.0'] });
    const floors = [{ ...floor('n.test/n@v0.2.0'), cause }];
    const { changes } = await solve({ main, floors }, toys.readGoMod);
    expect(changes).toEqual([{ path: 'n.test/n', to: 'v0.2.0', indirect: true, cause }]);
  });

  it('says when a floor needs a newer Go, and who asks for it', async () => {
    const toys = toyModules({ 'a.test/a@v1.0.1': { go: '1.28.0' } });
    const main = toys.main({ require: ['a.test/a@v1.0.0'] });
    const { go } = await solve({ main, floors: [floor('a.test/a@v1.0.1')] }, toys.readGoMod);
    expect(go).toEqual({ from: '1.26', to: '1.28.0', by: 'a.test/a@v1.0.1' });
  });

  it('does not count a floor as held where a replacement stands in for the module', () => {
    const toys = toyModules({});
    const main = toys.main({ require: ['a.test/a@v1.0.0'], lines: ['replace a.test/a => fork.test/a v1.0.0'] });
    expect(unheldFloors(main, new Map([['a.test/a', 'v1.2.0']]), [floor('a.test/a@v1.2.0')])).toHaveLength(1);
  });
});

const PATHS = ['a.test/a', 'b.test/b', 'c.test/c', 'd.test/d'];
const VERSIONS = ['v1.0.0', 'v1.0.1', 'v1.1.0', 'v1.2.0'];
const choice = fc.record({ path: fc.constantFrom(...PATHS), version: fc.constantFrom(...VERSIONS) });

/** All versions of four modules, each with random requirements; `grows`: a later version requires no less than an earlier one. */
function toyGraph(grows: boolean): fc.Arbitrary<Record<string, Toy>> {
  const names = PATHS.flatMap((path) => VERSIONS.map((version) => `${path}@${version}`));
  const toy = fc.record({ go: fc.constantFrom('1.16', '1.17', '1.26'), require: fc.array(choice, { maxLength: 3 }) });
  return fc.array(toy, { minLength: names.length, maxLength: names.length }).map((toys) =>
    Object.fromEntries(
      names.map((name, index) => {
        const first = index - (index % VERSIONS.length);
        const from = grows ? toys.slice(first, index + 1).flatMap((one) => one.require) : (toys[index]?.require ?? []);
        const go = grows ? (toys[first]?.go ?? '1.26') : (toys[index]?.go ?? '1.26');
        return [name, { go, require: [...greatest(from)].map(([path, version]) => `${path}@${version}`) }];
      }),
    ),
  );
}

function greatest(modules: readonly ModuleVersion[]): ReadonlyMap<string, string> {
  const best = new Map<string, string>();
  for (const { path, version } of modules) {
    if (compareModuleVersions(version, best.get(path) ?? 'v0.0.0') > 0) best.set(path, version);
  }
  return best;
}

const asNames = (modules: ReadonlyMap<string, string>) => [...modules].map(([path, version]) => `${path}@${version}`);

describe('a solution, on any graph', () => {
  it('holds every floor, lowers nothing, and is what the graph of its own requirements selects', async () => {
    await fc.assert(
      fc.asyncProperty(
        toyGraph(false),
        fc.array(choice, { maxLength: 4 }),
        fc.array(choice),
        async (toys, own, floors) => {
          const { main: mainOf, readGoMod } = toyModules(toys);
          const before = greatest(own);
          const main = mainOf({ require: asNames(before) });
          const { require } = await solve({ main, floors }, readGoMod);
          expect(unheldFloors(main, require, floors)).toEqual([]);
          for (const [path, version] of before)
            expect(compareModuleVersions(require.get(path) ?? '', version)).toBeGreaterThanOrEqual(0);
          const graph = await readGraph(main, require, readGoMod);
          for (const [path, version] of require) expect(graph.selected.get(path)).toBe(version);
        },
      ),
    );
  });

  it('is the least one where later versions require no less: every other that holds the floors is at or above it', async () => {
    await fc.assert(
      fc.asyncProperty(toyGraph(true), fc.array(choice, { maxLength: 2 }), async (toys, floors) => {
        const { main: mainOf, readGoMod } = toyModules(toys);
        const main = mainOf({ require: PATHS.map((path) => `${path}@v1.0.0`) });
        const { require } = await solve({ main, floors }, readGoMod);
        for (const other of everyChoice()) {
          const graph = await readGraph(main, other, readGoMod);
          const isConsistent = [...other].every(([path, version]) => graph.selected.get(path) === version);
          if (!isConsistent || unheldFloors(main, other, floors).length > 0) continue;
          for (const [path, version] of other)
            expect(compareModuleVersions(version, require.get(path) ?? '')).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 25 },
    );
  });
});

/** All 256 ways to require the four modules. */
function* everyChoice(): Generator<ReadonlyMap<string, string>> {
  for (let code = 0; code < VERSIONS.length ** PATHS.length; code += 1) {
    yield new Map(
      PATHS.map((path, at) => [path, VERSIONS[Math.floor(code / VERSIONS.length ** at) % VERSIONS.length] ?? '']),
    );
  }
}
