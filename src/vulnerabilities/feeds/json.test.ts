// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson, stableJson } from './json.ts';
import { jsonMembers } from './json-members.ts';

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function membersOf(text: string, size: number): Promise<[string, unknown][]> {
  const members: [string, unknown][] = [];
  for await (const { name, value } of jsonMembers(inPieces(Buffer.from(text), size), {
    where: 'x',
    maxMember: 1 << 20,
  }))
    members.push([name, value]);
  return members;
}

const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 }), { maxKeys: 8 });

describe('reading JSON of strangers', () => {
  it('gives the members of an object as JSON.parse does, however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(object, fc.integer({ min: 1, max: 50 }), fc.boolean(), async (value, size, pretty) => {
        const text = JSON.stringify(value, null, pretty ? 2 : 0);
        expect(await membersOf(text, size)).toEqual(Object.entries(JSON.parse(text) as object));
      }),
    );
  });

  it('gives an error of its own for whatever bytes come, and never anything else', async () => {
    const noise = fc.oneof(
      fc.string(),
      fc
        .array(fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', '"a"', '1', ' '), { maxLength: 40 })
        .map((parts) => parts.join('')),
    );
    await fc.assert(
      fc.asyncProperty(noise, fc.integer({ min: 1, max: 9 }), async (text, size) => {
        let valid: unknown;
        try {
          valid = JSON.parse(text);
        } catch {
          valid = undefined;
        }
        const read = membersOf(text, size).catch((error: { code?: string }) => error.code);
        const isObject = typeof valid === 'object' && valid !== null && !Array.isArray(valid);
        if (!isObject) expect(await read).toBe('FEED_INVALID');
        else expect(Object.fromEntries((await read) as [string, unknown][])).toEqual(valid);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    '{]',
    '{"a":[}]',
    '{"a":{]}',
    '{"a":1,}',
    '{,}',
    '{,"a":1}',
    '{"a":1,,"b":2}',
    '{"a":1 "b":2}',
    '{"a"}',
    '{1:2}',
    ' ',
  ])('refuses %s', async (text) => {
    for (const size of [1, 3, 100]) await expect(membersOf(text, size)).rejects.toMatchObject({ code: 'FEED_INVALID' });
  });

  it.each(['{}', ' { \n} ', '{"a":{}}'])('takes %s', async (text) => {
    expect(await membersOf(text, 1)).toEqual(Object.entries(JSON.parse(text) as object));
  });

  it('writes one text for one value, whatever the order of its keys', () => {
    fc.assert(
      fc.property(object, (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse());
        expect(stableJson(turned)).toBe(stableJson(value));
        expect(JSON.parse(stableJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('refuses what is nested too deep before it parses it, quoted brackets aside', () => {
    expect(parseJson(Buffer.from(JSON.stringify('['.repeat(1000))), 'x')).toHaveLength(1000);
    expect(() => parseJson(Buffer.from('['.repeat(40) + ']'.repeat(40)), 'x')).toThrow(/nested/);
    expect(() => parseJson(Buffer.from([0x22, 0xff, 0x22]), 'x')).toThrow(/no JSON/);
  });
});
