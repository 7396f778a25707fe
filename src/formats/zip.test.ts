// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { buildZip } from '#testing';
import { readZipDirectory, readZipEntry, type ZipSource } from './zip.ts';

function sourceOf(bytes: Buffer): ZipSource {
  return {
    size: bytes.length,
    read(offset, length) {
      if (offset + length > bytes.length) throw new Error('read past the end');
      return bytes.subarray(offset, offset + length);
    },
  };
}

function readAll(bytes: Buffer): Record<string, string> {
  const source = sourceOf(bytes);
  return Object.fromEntries(
    readZipDirectory(source).map((entry) => [entry.name, readZipEntry(source, entry).toString()]),
  );
}

// Made by Python's zipfile module: a stored file and a deflated one.
const FOREIGN_ZIP = Buffer.from(
  'UEsDBBQAAAAAAGBTeF2sKpPYAgAAAAIAAAAFAAAAYS50eHRoaVBLAwQUAAAACAAAACEAL/r4SAsAAAB4AAAABwAAAGIvYy50eHTLSM3JyVfIoDsJAFBLAQIUAxQAAAAAAGBTeF2sKpPYAgAAAAIAAAAFAAAAAAAAAAAAAACAAQAAAABhLnR4dFBLAQIUAxQAAAAIAAAAIQAv+vhICwAAAHgAAAAHAAAAAAAAAAAAAACkgSUAAABiL2MudHh0UEsFBgAAAAACAAIAaAAAAFUAAAAAAA==',
  'base64',
);

describe('the zip reader', () => {
  it('reads what it should, empty files too', () => {
    const text = 'a'.repeat(100_000);
    expect(readAll(buildZip([{ name: 'a/b', content: text }, { name: 'empty' }, { name: 'é', content: 'x' }]))).toEqual(
      {
        'a/b': text,
        empty: '',
        é: 'x',
      },
    );
    expect(readAll(buildZip([]))).toEqual({});
  });

  it('reads stored and deflated files that another program wrote, with their modes', () => {
    expect(readAll(FOREIGN_ZIP)).toEqual({ 'a.txt': 'hi', 'b/c.txt': 'hello '.repeat(20) });
    expect(readZipDirectory(sourceOf(FOREIGN_ZIP))[1]?.unixMode).toBe(0o100644);
  });

  it.each([
    [
      'a bomb that says it is small',
      buildZip([{ name: 'a', content: Buffer.alloc(1 << 20), claimedSize: 10 }]),
      'larger than it says',
    ],
    ['a file shorter than it says', buildZip([{ name: 'a', content: 'abc', claimedSize: 10 }]), '3 bytes, not 10'],
    ['a wrong checksum', buildZip([{ name: 'a', content: 'abc', claimedCrc32: 1 }]), 'checksum'],
    ['two names for one file', buildZip([{ name: 'a', headerName: '../b', content: 'abc' }]), 'is called'],
    ['half a zip', buildZip([{ name: 'a', content: 'abc' }]).subarray(0, -10), 'cut short'],
    ['no zip', Buffer.from('<html>'), 'no zip'],
    ['nothing', Buffer.alloc(0), 'no zip'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readAll(Buffer.from(bytes))).toThrow(
      expect.objectContaining({ code: 'ZIP_INVALID', message: expect.stringContaining(message) as string }),
    );
  });

  it('does not crash on any one flipped byte', () => {
    const whole = buildZip([{ name: 'a/b.go', content: 'package b\n'.repeat(20) }]);
    for (let at = 0; at < whole.length; at += 1) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ 0xff;
      try {
        readAll(bytes);
      } catch (error) {
        const { message } = error as Error;
        if (message !== 'read past the end')
          expect(error, `byte ${at}: ${message}`).toHaveProperty('code', 'ZIP_INVALID');
      }
    }
  });
});
