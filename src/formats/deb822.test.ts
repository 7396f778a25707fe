// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { parseDeb822, selectStanzas } from '#formats';

async function select(text: string, packages: string[], piece: number, maxStanzaBytes?: number): Promise<string[]> {
  const bytes = Buffer.from(text);
  const pieces = (async function* () {
    for (let start = 0; start < bytes.length; start += piece) yield bytes.subarray(start, start + piece);
  })();
  const found: string[] = [];
  const options = { packages: new Set(packages), where: 'Packages', ...(maxStanzaBytes ? { maxStanzaBytes } : {}) };
  for await (const stanza of selectStanzas(pieces, options)) found.push(stanza);
  return found;
}

describe('the deb822 parser', () => {
  test('reads stanzas, continuation lines, comments and any case', () => {
    const [first, second, ...rest] = parseDeb822(
      '# c\nPackage: a\nDescription: short\n long\n .\n# in\n more\n\n\nPACKAGE:b\r\n',
      'x',
    );
    expect(Object.fromEntries(first ?? [])).toEqual({ package: 'a', description: 'short\nlong\n.\nmore' });
    expect(Object.fromEntries(second ?? [])).toEqual({ package: 'b' });
    expect(rest).toEqual([]);
  });

  test.each([
    ['a continuation first', ' a\n', 'x:1'],
    ['a line without a colon', 'A: b\nnonsense\n', 'x:2'],
    ['a field twice', 'A: b\na: c\n', 'x:2'],
  ])('refuses %s, with its line', (_name, text, where) => {
    expect(() => parseDeb822(text, 'x')).toThrow(expect.objectContaining({ code: 'DEB822_INVALID', where }));
  });
});

describe('the stanza selector', () => {
  const index =
    'Package: aa\nX: 1\n\nPackage: b\nX: 2\n\n\nSource: c\nPackage: c\nX: 3\n\nPackage: aa-doc\nX: 4\n\nPackage: b\nX: 5\n';

  test('finds exactly the packages named, however the bytes are cut', async () => {
    for (const piece of [1, 3, 10, 1000]) {
      expect(await select(index, ['b', 'c', 'aa'], piece)).toEqual([
        'Package: aa\nX: 1\n',
        'Package: b\nX: 2\n',
        expect.stringContaining('Source: c\nPackage: c\nX: 3\n'),
        'Package: b\nX: 5\n',
      ]);
    }
  });

  test('is not misled by a name inside another field', async () => {
    expect(await select('Package: a\nDescription: x\n Package: b\n', ['b'], 100)).toEqual([]);
  });

  test('refuses a stanza without end', async () => {
    await expect(select(`Package: a\n${'x'.repeat(5000)}`, ['a'], 100, 1000)).rejects.toMatchObject({
      code: 'DEB822_INVALID',
    });
  });
});
