// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { readAr } from '#formats';

function header(name: string, size: number | string, end = '`\n'): string {
  return `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(size).padEnd(10)}${end}`;
}

async function read(text: string, piece = 7): Promise<string[]> {
  const bytes = Buffer.from(text, 'latin1');
  const pieces = (async function* () {
    for (let start = 0; start < bytes.length; start += piece) yield bytes.subarray(start, start + piece);
  })();
  const members: string[] = [];
  for await (const member of readAr(pieces, 'x.deb')) {
    let content = '';
    for await (const chunk of member.body) content += Buffer.from(chunk).toString('latin1');
    members.push(`${member.name}=${content}`);
  }
  return members;
}

describe('the ar reader', () => {
  const archive = `!<arch>\n${header('odd', 3)}abc\n${header('even/', 4)}wxyz`;

  test('gives members in order, odd sizes padded, however the bytes are cut', async () => {
    for (const piece of [1, 7, 1000]) expect(await read(archive, piece)).toEqual(['odd=abc', 'even=wxyz']);
  });

  test('skips what a caller leaves unread', async () => {
    const names: string[] = [];
    for await (const member of readAr(
      (async function* () {
        yield Buffer.from(archive);
      })(),
      'x',
    )) {
      names.push(member.name);
      if (member.name === 'odd') for await (const _ of member.body) break;
    }
    expect(names).toEqual(['odd', 'even']);
  });

  test.each([
    ['nothing', '', 'AR_INVALID'],
    ['another magic', `!<arcX>\n${header('a', 0)}`, 'AR_INVALID'],
    ['a bad header end', `!<arch>\n${header('a', 0, 'xx')}`, 'AR_INVALID'],
    ['a size that is no number', `!<arch>\n${header('a', '-1')}`, 'AR_INVALID'],
    ['a name with a slash inside', `!<arch>\n${header('../a', 0)}`, 'AR_INVALID'],
    ['a cut header', `!<arch>\n${header('a', 0).slice(0, 30)}`, 'AR_TRUNCATED'],
    ['a cut body', `!<arch>\n${header('a', 9)}abc`, 'AR_TRUNCATED'],
  ])('refuses %s', async (_name, text, code) => {
    await expect(read(text)).rejects.toMatchObject({ code, where: 'x.deb' });
  });
});
