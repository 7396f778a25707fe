// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createJsonScanner, measureJson } from './json-scan.ts';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

/** A value in an object or an array is there after its beginning or after a comma. */
function valuesOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inside = Object.values(value);
  return 1 + Math.max(0, inside.length - 1) + inside.reduce((sum: number, one) => sum + valuesOf(one), 0);
}

function marksOf(pieces: readonly Uint8Array[]): readonly string[] {
  const scanner = createJsonScanner();
  const marks: string[] = [];
  let before = 0;
  for (const piece of pieces) {
    for (let at = scanner.next(piece, 0); at >= 0; at = scanner.next(piece, at + 1))
      marks.push(`${before + at} ${scanner.mark()} ${scanner.depth()}`);
    before += piece.length;
  }
  return marks;
}

describe('scanning JSON', () => {
  it('measures depth and values as they are when parsed', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.boolean(), (value, pretty) => {
        const text = JSON.stringify(value, null, pretty ? 2 : 0);
        const parsed: unknown = JSON.parse(text);
        expect(measureJson(Buffer.from(text))).toEqual({ depth: depthOf(parsed), values: valuesOf(parsed) });
      }),
      { numRuns: 1000 },
    );
  });

  it('finds the same marks however the bytes are cut, whatever they are', () => {
    const noise = fc
      .array(fc.constantFrom('{', '}', '[', ']', ',', '"', '\\', 'a', ' '))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(noise, fc.integer({ min: 1, max: 5 }), (text, size) => {
        const bytes = Buffer.from(text);
        const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
          bytes.subarray(index * size, (index + 1) * size),
        );
        expect(marksOf(pieces)).toEqual(marksOf([bytes]));
      }),
    );
  });

  it('tells what stands outside of every object and array', () => {
    expect(marksOf([Buffer.from(' {} x')])).toEqual(['1 open 1', '2 close 0', '4 outside 0']);
    expect(marksOf([Buffer.from('}')])).toEqual(['0 close -1']);
    expect(marksOf([Buffer.from('"{"')])).toEqual(['0 outside 0']);
  });
});
