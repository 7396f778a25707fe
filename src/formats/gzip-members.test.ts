// SPDX-License-Identifier: Apache-2.0
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openGzipMembers } from './gzip-members.ts';

async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readAll(bytes: Uint8Array, size = 1 << 16, maxBytes = 1 << 24) {
  const members = openGzipMembers(pieces(bytes, size), { maxBytes, where: 'x.gz' });
  const found: { raw: Buffer; plain: string }[] = [];
  for (;;) {
    const raw: Uint8Array[] = [];
    const member = await members.next((chunk) => raw.push(Buffer.from(chunk)));
    if (member === undefined) return found;
    found.push({ plain: Buffer.concat(await Array.fromAsync(member)).toString(), raw: Buffer.concat(raw) });
  }
}

/** A header with all that RFC 1952 allows before the data. */
function withFullHeader(member: Buffer): Buffer {
  const header = Buffer.from([0x1f, 0x8b, 8, 4 | 8 | 16 | 2, 0, 0, 0, 0, 0, 3, 2, 0, 7, 7]);
  return Buffer.concat([header, Buffer.from('name\0comment\0'), Buffer.from([1, 2]), member.subarray(10)]);
}

describe('the reader of gzip members', () => {
  it('gives each member with exactly its own bytes, however they come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ maxLength: 300 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 90 }),
        async (texts, size) => {
          const members = texts.map((text) => gzipSync(text));
          const found = await readAll(Buffer.concat(members), size);
          expect(found).toEqual(texts.map((plain, at) => ({ plain, raw: members[at] })));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('reads past names, comments, extra fields and header checksums', async () => {
    const member = withFullHeader(gzipSync('hello'));
    expect(await readAll(Buffer.concat([member, gzipSync('more')]), 3)).toMatchObject([
      { plain: 'hello' },
      { plain: 'more' },
    ]);
  });

  it('refuses a cut, junk after a member, and a wrong checksum', async () => {
    const member = gzipSync('hello hello hello');
    const wrong = Buffer.from(member);
    wrong[wrong.length - 8] = (wrong.at(-8) ?? 0) ^ 1;
    for (const bytes of [
      member.subarray(0, -1),
      member.subarray(0, 12),
      Buffer.concat([member, Buffer.from('junk')]),
      wrong,
    ]) {
      await expect(readAll(bytes)).rejects.toMatchObject({ code: 'DECOMPRESS_INVALID', where: 'x.gz' });
    }
  });

  it('ends a bomb at the limit, over all members together', async () => {
    const bomb = gzipSync(Buffer.alloc(8 << 20));
    await expect(readAll(bomb, 1 << 16, 1 << 20)).rejects.toMatchObject({ code: 'DECOMPRESS_TOO_LARGE' });
    const half = gzipSync(Buffer.alloc(600));
    await expect(readAll(Buffer.concat([half, half]), 1 << 16, 1000)).rejects.toMatchObject({
      code: 'DECOMPRESS_TOO_LARGE',
    });
  });
});
