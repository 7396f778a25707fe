// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { toyModules } from './__fixtures__/toy-modules.ts';
import { readGraph } from './module-graph.ts';

const rootsOf = (...names: readonly string[]) => new Map(names.map((name) => name.split('@') as [string, string]));

describe('the module graph', () => {
  it('selects the greatest version that anyone requires, and says who does', async () => {
    const toys = toyModules({
      'a.test/a@v1.0.0': { require: ['c.test/c@v1.3.0'] },
      'b.test/b@v1.0.0': { require: ['c.test/c@v1.4.0'] },
      'c.test/c@v1.3.0': {},
      'c.test/c@v1.4.0': {},
    });
    const main = toys.main({ require: [] });
    const graph = await readGraph(main, rootsOf('a.test/a@v1.0.0', 'b.test/b@v1.0.0'), toys.readGoMod);
    expect(graph.selected.get('c.test/c')).toBe('v1.4.0');
    expect(graph.requiredBy.get('c.test/c')).toEqual({ path: 'b.test/b', version: 'v1.0.0' });
  });

  it('does not follow what a module since Go 1.17 requires, and does not read it', async () => {
    const toys = toyModules({
      'a.test/a@v1.0.0': { go: '1.17', require: ['b.test/b@v1.0.0'] },
      'b.test/b@v1.0.0': { require: ['c.test/c@v9.9.9'] },
    });
    const graph = await readGraph(toys.main({ require: [] }), rootsOf('a.test/a@v1.0.0'), toys.readGoMod);
    expect([...graph.selected]).toEqual([
      ['a.test/a', 'v1.0.0'],
      ['b.test/b', 'v1.0.0'],
    ]);
    expect(toys.read).toEqual(['a.test/a@v1.0.0']);
  });

  it('follows an older module to the end, through newer ones as well', async () => {
    const toys = toyModules({
      'a.test/a@v1.0.0': { go: '1.16', require: ['b.test/b@v1.0.0'] },
      'b.test/b@v1.0.0': { go: '1.22', require: ['c.test/c@v1.0.0'] },
      'c.test/c@v1.0.0': { go: '1.22', require: ['d.test/d@v1.7.0'] },
      'd.test/d@v1.7.0': {},
    });
    const graph = await readGraph(toys.main({ require: [] }), rootsOf('a.test/a@v1.0.0'), toys.readGoMod);
    expect(graph.selected.get('d.test/d')).toBe('v1.7.0');
    expect(graph.read).toHaveLength(4);
  });

  it('ends where modules require each other in a circle, and never selects the main module', async () => {
    const toys = toyModules({
      'a.test/a@v1.0.0': { go: '1.16', require: ['b.test/b@v1.0.0', 'main.test/main@v0.1.0'] },
      'b.test/b@v1.0.0': { go: '1.16', require: ['a.test/a@v1.0.0'] },
    });
    const graph = await readGraph(toys.main({ require: [] }), rootsOf('a.test/a@v1.0.0'), toys.readGoMod);
    expect([...graph.selected.keys()]).toEqual(['a.test/a', 'b.test/b']);
  });

  it('reads the replacement in place of a module, and skips a version that is excluded', async () => {
    const toys = toyModules({
      'fork.test/a@v1.5.0': { require: ['c.test/c@v1.1.0', 'd.test/d@v2.0.0'] },
    });
    const main = toys.main({
      require: [],
      lines: ['replace a.test/a => fork.test/a v1.5.0', 'exclude d.test/d v2.0.0'],
    });
    const graph = await readGraph(main, rootsOf('a.test/a@v1.0.0'), toys.readGoMod);
    expect([...graph.selected]).toEqual([
      ['a.test/a', 'v1.0.0'],
      ['c.test/c', 'v1.1.0'],
    ]);
    expect(graph.read).toEqual([{ path: 'fork.test/a', version: 'v1.5.0' }]);
  });

  it('tells the greatest Go version that is asked for; lines before Go 1.21 ask for nothing', async () => {
    const toys = toyModules({ 'a.test/a@v1.0.0': { go: '1.24.2' }, 'b.test/b@v1.0.0': { go: '1.20' } });
    const roots = rootsOf('a.test/a@v1.0.0', 'b.test/b@v1.0.0');
    const graph = await readGraph(toys.main({ require: [] }), roots, toys.readGoMod);
    expect(graph.go).toEqual({ version: '1.24.2', by: { path: 'a.test/a', version: 'v1.0.0' } });
  });
});
