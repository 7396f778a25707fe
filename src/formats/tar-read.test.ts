// SPDX-License-Identifier: Apache-2.0
import { type Header, pack as createPack } from 'tar-stream';
import { describe, expect, test } from 'vitest';
import { type ReadTarOptions, readTar } from '#formats';

type Entry = Partial<Header> & { name: string; body?: string };

async function pack(...entries: Entry[]): Promise<Buffer> {
  const archive = createPack();
  for (const { body, ...header } of entries) archive.entry(header, body ?? '');
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

async function list(bytes: Uint8Array, options: Partial<ReadTarOptions> = {}): Promise<string[]> {
  const found: string[] = [];
  const source = (async function* () {
    for (let start = 0; start < bytes.length; start += 700) yield bytes.subarray(start, start + 700);
  })();
  for await (const entry of readTar(source, { where: 'x.tar', ...options })) {
    let note = '';
    if (entry.kind === 'file') for await (const chunk of entry.body) note += Buffer.from(chunk).toString();
    if (entry.kind === 'symlink' || entry.kind === 'hardlink') note = entry.target;
    found.push(`${entry.kind} ${entry.path} ${note}`.trimEnd());
  }
  return found;
}

/** Changes bytes of the first header and makes its checksum right again. */
function patchHeader(archive: Buffer, at: number, bytes: string): Buffer {
  const copy = Buffer.from(archive);
  copy.write(bytes, at, 'latin1');
  copy.write('        ', 148, 'latin1');
  const sum = copy.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return copy;
}

describe('the tar reader', () => {
  test('gives files, folders and links with plain paths, long names too', async () => {
    const long = `${'d'.repeat(90)}/${'e'.repeat(120)}`;
    const archive = await pack(
      { name: './', type: 'directory' },
      { name: './a/', type: 'directory' },
      { name: './a/f', body: 'hello' },
      { name: './a/l', type: 'symlink', linkname: '../../anything' },
      { name: './a/h', type: 'link', linkname: './a/f' },
      { name: long, body: 'x'.repeat(2000) },
    );
    expect(await list(archive)).toEqual([
      'directory',
      'directory a',
      'file a/f hello',
      'symlink a/l ../../anything',
      'hardlink a/h a/f',
      `file ${long} ${'x'.repeat(2000)}`,
    ]);
  });

  test('skips what a caller leaves unread, and takes owners from PAX', async () => {
    const archive = await pack(
      { name: 'left', body: 'x'.repeat(300_000) },
      { name: 'broken-off', body: 'x'.repeat(300_000) },
      { name: 'b', body: 'y', pax: { uid: '4000000', mtime: '1700000000.75' } },
    );
    const seen: string[] = [];
    for await (const entry of readTar(
      (async function* () {
        for (let start = 0; start < archive.length; start += 5000) yield archive.subarray(start, start + 5000);
      })(),
      { where: 'x' },
    )) {
      if (entry.kind === 'file' && entry.path === 'broken-off') for await (const _ of entry.body) break;
      seen.push(`${entry.path} ${entry.uid} ${entry.mtime.toISOString()}`);
    }
    expect(seen[2]).toBe('b 4000000 2023-11-14T22:13:20.000Z');
  });

  const hostile: readonly (readonly [string, readonly Entry[], string])[] = [
    ['a name with ..', [{ name: 'a/../../x' }], 'TAR_PATH_ESCAPES'],
    ['.. alone', [{ name: '..', type: 'directory' }], 'TAR_PATH_ESCAPES'],
    ['an absolute name', [{ name: '/etc/passwd' }], 'TAR_PATH_ESCAPES'],
    ['the root as a name', [{ name: '/', type: 'directory' }], 'TAR_PATH_ESCAPES'],
    ['a name with an empty segment', [{ name: 'a//b' }], 'TAR_PATH_ESCAPES'],
    [
      'a file as root',
      [
        { name: './', type: 'file' },
        { name: '.', type: 'symlink', linkname: 'x' },
      ],
      'TAR_PATH_ESCAPES',
    ],
    [
      'a file through a link',
      [
        { name: 'a', type: 'symlink', linkname: '/etc' },
        { name: 'a/passwd', body: 'x' },
      ],
      'TAR_PATH_ESCAPES',
    ],
    [
      'a link over a folder in use',
      [
        { name: 'a/f', body: 'x' },
        { name: 'a', type: 'symlink', linkname: 'b' },
      ],
      'TAR_PATH_ESCAPES',
    ],
    [
      'a file below a file',
      [
        { name: 'a', body: 'x' },
        { name: 'a/b', body: 'x' },
      ],
      'TAR_PATH_ESCAPES',
    ],
    [
      'a name twice',
      [
        { name: 'a', body: '1' },
        { name: './a', body: '2' },
      ],
      'TAR_PATH_DUPLICATE',
    ],
    ['a device', [{ name: 'a', type: 'character-device', devmajor: 1, devminor: 3 }], 'TAR_ENTRY_REFUSED'],
    ['a block device', [{ name: 'a', type: 'block-device' }], 'TAR_ENTRY_REFUSED'],
    ['a fifo', [{ name: 'a', type: 'fifo' }], 'TAR_ENTRY_REFUSED'],
    ['a PAX sparse file', [{ name: 'a', body: 'x', pax: { 'GNU.sparse.major': '1' } }], 'TAR_ENTRY_REFUSED'],
    ['a hard link out', [{ name: 'a', type: 'link', linkname: '../../etc/shadow' }], 'TAR_PATH_ESCAPES'],
    ['an absolute hard link', [{ name: 'a', type: 'link', linkname: '/etc/shadow' }], 'TAR_PATH_ESCAPES'],
    ['a hard link to nothing', [{ name: 'a', type: 'link', linkname: 'b' }], 'TAR_LINK_DANGLING'],
    [
      'a hard link to a symlink',
      [
        { name: 's', type: 'symlink', linkname: '/etc' },
        { name: 'a', type: 'link', linkname: 's' },
      ],
      'TAR_LINK_DANGLING',
    ],
    ['a PAX size that lies upward', [{ name: 'a', body: 'x', pax: { size: '99999' } }], 'TAR_TRUNCATED'],
    ['a PAX owner that is no number', [{ name: 'a', body: 'x', pax: { uid: 'root' } }], 'TAR_INVALID'],
  ];
  test.each(hostile)('refuses %s', async (_name, entries, code) => {
    await expect(list(await pack(...entries))).rejects.toMatchObject({ code, where: 'x.tar' });
  });

  test('refuses an old GNU sparse file, an unknown kind and a damaged header', async () => {
    const archive = await pack({ name: 'a', body: 'x' });
    for (const kind of ['S', 'D', 'M', 'V']) {
      await expect(list(patchHeader(archive, 156, kind)), kind).rejects.toMatchObject({ code: 'TAR_ENTRY_REFUSED' });
    }
    await expect(list(patchHeader(archive, 257, 'other\0'))).rejects.toMatchObject({ code: 'TAR_INVALID' });
    const damaged = Buffer.from(archive);
    damaged.write('zzz', 100);
    await expect(list(damaged)).rejects.toMatchObject({ code: 'TAR_INVALID' });
  });

  test('refuses an archive cut at any block or byte', async () => {
    const archive = await pack({ name: 'a', body: 'x'.repeat(900) }, { name: 'b', body: 'y' });
    for (const length of [0, 100, 512, 1000, 1536, 2048, 2560, 3072, archive.length - 1]) {
      await expect(list(archive.subarray(0, length)), `cut at ${length}`).rejects.toMatchObject({
        code: 'TAR_TRUNCATED',
      });
    }
  });

  test('stops at its limits before reading a body', async () => {
    const archive = await pack({ name: 'a', body: 'x'.repeat(900) }, { name: 'b', body: 'y' });
    await expect(list(archive, { maxBytes: 900 })).rejects.toMatchObject({ code: 'TAR_TOO_LARGE' });
    await expect(list(archive, { maxEntries: 1 })).rejects.toMatchObject({ code: 'TAR_TOO_LARGE' });
    expect(await list(archive, { maxBytes: 901, maxEntries: 2 })).toHaveLength(2);
  });

  test('passes an error of its input on unchanged', async () => {
    const archive = await pack({ name: 'a', body: 'x'.repeat(900) });
    const broken = (async function* () {
      yield archive.subarray(0, 600);
      throw new RangeError('the wire broke');
    })();
    const read = async () => {
      for await (const _ of readTar(broken, { where: 'x' }));
    };
    await expect(read()).rejects.toThrow(new RangeError('the wire broke'));
  });
});
