// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { extract } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { TAR_BLOCK, tarEnd, tarHeader, tarPadding, type TarHeader } from './tar-write.ts';

const base = { path: 'a', kind: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 0, size: 0 } as const;

interface Read {
  readonly name: string;
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly size: number;
  readonly linkname: string | null;
}

function archive(headers: readonly TarHeader[], bodies: readonly Buffer[] = []): Buffer {
  const parts = headers.flatMap((header, index) => {
    const body = bodies[index] ?? Buffer.alloc(0);
    return [tarHeader(header), body, tarPadding(body.length)];
  });
  return Buffer.concat([...parts, tarEnd()]);
}

async function readBack(bytes: Buffer): Promise<Read[]> {
  const reader = extract();
  reader.end(bytes);
  const entries: Read[] = [];
  for await (const entry of reader) {
    const { name, type, mode, uid, gid, mtime, size, linkname } = entry.header;
    entries.push({ name, type, mode, uid, gid, mtime: (mtime?.getTime() ?? 0) / 1000, size, linkname });
    entry.resume();
  }
  return entries;
}

const segment = fc
  .string({
    unit: fc.constantFrom('a', 'b', 'X', '0', '9', '.', '_', '-', ' ', '+', '=', '\n', 'é', '漢', '😀'),
    minLength: 1,
    maxLength: 70,
  })
  .map((text) => `x${text}`);
const path = fc.array(segment, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'));

describe('the tar writer', () => {
  it('says the same as tar-stream reads, for any names, owners and times', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          path,
          target: path,
          kind: fc.constantFrom('file', 'directory', 'symlink', 'hardlink'),
          mode: fc.integer({ min: 0, max: 0o7777 }),
          uid: fc.integer({ min: 0, max: 0o7777777 }),
          gid: fc.integer({ min: 0, max: 0o7777777 }),
          // Larger owners and later times are pax records that tar-stream ignores; GNU tar reads them, below.
          mtime: fc.integer({ min: 0, max: 2 ** 33 - 1 }),
        }),
        async (header) => {
          const [read] = await readBack(archive([header]));
          expect(read?.name).toBe(header.kind === 'directory' ? `${header.path}/` : header.path);
          expect(read?.type).toBe(header.kind === 'hardlink' ? 'link' : header.kind);
          const isLink = header.kind === 'symlink' || header.kind === 'hardlink';
          expect(read?.linkname ?? '').toBe(isLink ? header.target : '');
          expect([read?.mode, read?.uid, read?.gid]).toEqual([header.mode, header.uid, header.gid]);
          expect(read?.mtime).toBe(header.mtime);
        },
      ),
    );
  });

  it('is read by GNU tar, long and foreign names, large owners and all', () => {
    const long = `${'directory/'.repeat(30)}file-with-a-long-name-${'n'.repeat(90)}`;
    const headers: TarHeader[] = [
      { ...base, path: 'usr', kind: 'directory', mode: 0o755 },
      { ...base, path: 'usr/file', mode: 0o4755, uid: 65532, gid: 4_000_000, mtime: 1_700_000_000, size: 5 },
      { ...base, path: `usr/${'p'.repeat(99)}/${'q'.repeat(99)}` },
      { ...base, path: long },
      { ...base, path: 'größe/漢字', mtime: 2 ** 34 },
      { ...base, path: 'usr/link', kind: 'symlink', target: `../${'t'.repeat(120)}` },
      { ...base, path: 'usr/hard', kind: 'hardlink', target: 'usr/file' },
    ];
    const input = archive(headers, [Buffer.alloc(0), Buffer.from('hello')]);
    const tar = spawnSync('tar', ['--numeric-owner', '--full-time', '--utc', '-tvf', '-'], {
      input,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8' },
    });
    expect(tar.stderr).toBe('');
    expect(tar.status).toBe(0);
    const lines = tar.stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(headers.length);
    expect(lines[0]).toMatch(/^drwxr-xr-x 0\/0 .* 1970-01-01 00:00:00 usr\/$/);
    expect(lines[1]).toMatch(/^-rwsr-xr-x 65532\/4000000 +5 2023-11-14 22:13:20 usr\/file$/);
    expect(lines[2]?.endsWith(headers[2]?.path ?? '?')).toBe(true);
    expect(lines[3]?.endsWith(` ${long}`)).toBe(true);
    expect(lines[4]).toMatch(/ 2514-05-30 01:53:04 größe\/漢字$/);
    expect(lines[5]).toContain(`usr/link -> ../${'t'.repeat(120)}`);
    expect(lines[6]).toContain('usr/hard link to usr/file');
  });

  it('says sizes past 8 GiB', async () => {
    const size = 20 * 2 ** 30;
    const reader = extract();
    const seen = new Promise<number | undefined>((resolve) => reader.on('entry', (header) => resolve(header.size)));
    reader.write(tarHeader({ ...base, size }));
    expect(await seen).toBe(size);
    reader.destroy();
  });

  it('uses plain ustar where that is enough, byte for byte as pinned', () => {
    const block = tarHeader({ ...base, path: 'usr/bin/x', mode: 0o755, uid: 1, gid: 2, mtime: 1, size: 3 });
    expect(block).toHaveLength(TAR_BLOCK);
    expect(block.subarray(100, 157).toString('latin1')).toBe(
      '0000755\x000000001\x000000002\x0000000000003\x0000000000001\x00010760\x00 0',
    );
    expect(block.subarray(257, 265).toString('latin1')).toBe('ustar\x0000');
  });

  it.each([
    ['a NUL in a name', { path: 'a\0b' }],
    ['half a surrogate pair', { path: 'a\ud800' }],
    ['a negative owner', { uid: -1 }],
    ['half a second', { mtime: 0.5 }],
    ['a size that is no number', { size: Number.NaN }],
  ])('refuses %s', (_, change) => {
    expect(() => tarHeader({ ...base, ...change })).toThrow(RangeError);
  });

  it('fills each body to whole blocks', () => {
    expect([0, 1, 511, 512, 513].map((size) => tarPadding(size).length)).toEqual([0, 511, 1, 0, 511]);
  });
});
