// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MadeFrame } from './__fixtures__/output.ts';
import { toReached } from './levels.ts';

const MODULE = { module: 'example.com/lib', version: 'v1.2.0' };
const PACKAGE = { ...MODULE, package: 'example.com/lib/deep' };
const at = (filename: string, line = 7) => ({ filename, offset: 1, line, column: 1 });
const SINK = { ...PACKAGE, function: 'Run', receiver: '*Engine', position: at('deep/engine.go') };
const MIDDLE = { ...PACKAGE, function: 'Start', position: at('deep/start.go', 9) };
const MAIN = { module: 'example.com/app', package: 'example.com/app', function: 'main', position: at('main.go', 5) };
const finding = (osv: string, ...trace: readonly MadeFrame[]) => ({ osv, trace: [...trace] });

describe('the reading of findings', () => {
  it('takes the nearest of what is said of an advisory in a module, and the shortest path', () => {
    const found = [
      finding('GO-2', MODULE),
      finding('GO-1', MODULE),
      finding('GO-1', PACKAGE),
      finding('GO-1', SINK, MIDDLE, MAIN),
      finding('GO-1', SINK, MAIN),
      finding('GO-3', PACKAGE),
      finding('GO-3', MODULE),
    ];
    const read = toReached(found);
    expect(read.map(({ id, reach }) => `${id} ${reach}`)).toEqual(['GO-1 called', 'GO-2 required', 'GO-3 imported']);
    expect(read[0]?.path).toEqual([
      { module: 'example.com/app', package: 'example.com/app', function: 'main', file: 'main.go', line: 5 },
      { ...PACKAGE, function: 'Engine.Run', file: 'deep/engine.go', line: 7 },
    ]);
    expect(read.slice(1).some((one) => 'path' in one)).toBe(false);
  });

  it('gives the same whatever the order in which the tool prints', () => {
    const found = [
      finding('GO-1', SINK, MAIN),
      finding('GO-1', { ...SINK, function: 'Stop' }, MAIN),
      finding('GO-1', MODULE),
      finding('GO-2', PACKAGE),
    ];
    const once = toReached(found);
    fc.assert(
      fc.property(fc.shuffledSubarray(found, { minLength: found.length }), (other) => {
        expect(toReached(other)).toEqual(once);
      }),
    );
  });

  it('tells two modules apart that one advisory names', () => {
    const other = { module: 'example.com/lib/v2', version: 'v2.0.0' };
    expect(toReached([finding('GO-1', MODULE), finding('GO-1', { ...other, package: 'x' })])).toEqual(
      [
        { id: 'GO-1', ...other, reach: 'imported' },
        { id: 'GO-1', ...MODULE, reach: 'required' },
      ].sort((a, b) => (a.module < b.module ? -1 : 1)),
    );
  });

  it.each(['/home/someone/main.go', '../other/main.go', 'a/../../b.go', ''])(
    'leaves out a place outside of the module: %j',
    (filename) => {
      const [one] = toReached([finding('GO-1', { ...SINK, position: at(filename) }, MAIN)]);
      expect(one?.path?.at(-1)).toEqual({ ...PACKAGE, function: 'Engine.Run' });
    },
  );
});
