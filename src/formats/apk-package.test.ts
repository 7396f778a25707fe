// SPDX-License-Identifier: Apache-2.0
import { verify } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { oneChunk } from '#core';
import { type ApkSpec, buildApk, makeApkSigner } from '#testing';
import { meetsApkVersion, parseApkDependency } from './apk-dependency.ts';
import { readApkIndex } from './apk-index.ts';
import { openApk } from './apk-package.ts';
import { splitApkSignatures } from './apk-signature.ts';

const SPEC: ApkSpec = {
  name: 'tini',
  version: '0.19.0-r3',
  info: { depend: ['so:libc.musl-x86_64.so.1', '!old'], origin: 'tini', license: 'MIT', replaces: 'old' },
  scripts: { 'post-install': '#!/bin/sh\nexit 1\n' },
  files: [
    { path: 'sbin', kind: 'directory' },
    { path: 'sbin/tini', content: 'program', mode: 0o755 },
    { path: 'sbin/init', kind: 'symlink', target: 'tini' },
  ],
};

async function readAll(bytes: Uint8Array) {
  const apk = await openApk(oneChunk(bytes), { where: 'tini.apk' });
  const files: Record<string, string> = {};
  for await (const entry of apk.entries()) {
    if (entry.kind === 'file') files[entry.path] = Buffer.concat(await Array.fromAsync(entry.body)).toString();
  }
  return { apk, files };
}

describe('the reader of apk packages', () => {
  it('gives what .PKGINFO tells, scripts, files, and the checksum by which an index knows the package', async () => {
    const signer = makeApkSigner('me.rsa.pub');
    const { bytes, checksum } = await buildApk(SPEC, signer);
    const { apk, files } = await readAll(bytes);
    expect(apk.info).toMatchObject({
      name: 'tini',
      version: '0.19.0-r3',
      depends: SPEC.info?.['depend'],
      replaces: ['old'],
    });
    expect(apk.checksum).toBe(checksum);
    expect([...apk.scripts.keys()]).toEqual(['post-install']);
    expect(files).toEqual({ 'sbin/tini': 'program' });
    const [signature] = apk.signatures;
    expect(signature).toMatchObject({ key: 'me.rsa.pub', digest: 'sha256' });
    expect(verify('sha256', apk.control, signer.publicKey, signature?.signature ?? Buffer.alloc(0))).toBe(true);
  });

  it('refuses files that are not those of the data hash, or not of their own checksum', async () => {
    await expect(readAll((await buildApk({ ...SPEC, dataHash: '0'.repeat(64) })).bytes)).rejects.toMatchObject({
      code: 'APK_DIFFERS',
    });
    const pax = { 'APK-TOOLS.checksum.SHA1': '0'.repeat(40) };
    const wrong = await buildApk({ ...SPEC, files: [{ path: 'a', content: 'b', pax }] });
    await expect(readAll(wrong.bytes)).rejects.toThrow('/a is not what its checksum says');
  });

  it('refuses what is cut, has more after its end, or is something else', async () => {
    const { bytes } = await buildApk(SPEC);
    await expect(readAll(bytes.subarray(0, -20))).rejects.toMatchObject({ code: 'DECOMPRESS_INVALID' });
    await expect(readAll(Buffer.concat([bytes, gzipSync('more')]))).rejects.toMatchObject({ code: 'APK_INVALID' });
    await expect(readAll(gzipSync('no tar'))).rejects.toMatchObject({ family: 'proof' });
    await expect(readAll(Buffer.from('no gzip at all'))).rejects.toMatchObject({ code: 'DECOMPRESS_INVALID' });
  });

  it('refuses paths that lead out, and devices', async () => {
    for (const file of [
      { path: '../x', content: '' },
      { path: 'dev/x', kind: 'character-device' as const },
    ]) {
      await expect(readAll((await buildApk({ ...SPEC, files: [file] })).bytes)).rejects.toMatchObject({
        family: 'proof',
      });
    }
  });

  it('refuses a name or version that would lead out of a folder', async () => {
    for (const change of [{ name: '../x' }, { version: '1/../../x' }, { name: '..' }]) {
      await expect(readAll((await buildApk({ ...SPEC, ...change })).bytes)).rejects.toMatchObject({
        code: 'APK_INVALID',
      });
    }
  });
});

describe('a dependency of an apk package', () => {
  it.each([
    ['a', '1', true],
    ['a=1.2', '1.2-r0', false],
    ['a=1.2-r0', '1.2-r0', true],
    ['a<2', '2', false],
    ['a<=2', '2', true],
    ['a>2', '10', true],
    ['a~1.2', '1.2.3-r4', true],
    ['a~=1.2', '1.20', false],
    ['a>=3', undefined, true],
  ])('%s is met by %s: %s', (word, version, met) => {
    const dependency = parseApkDependency(word);
    if (dependency === undefined) throw new Error(word);
    expect(meetsApkVersion(dependency, { version, checksum: 'Q1' })).toBe(met);
  });

  it('is read with its tag and conflict; what is none is none, and a broken version is told', () => {
    expect(parseApkDependency('!so:x.so.1>=1.2~abc-r3')).toEqual({
      name: 'so:x.so.1',
      conflict: true,
      operator: '=>',
      version: '1.2~abc-r3',
    });
    expect(parseApkDependency('a@edge')).toEqual({ name: 'a', conflict: false, tag: 'edge' });
    expect(parseApkDependency('a>=x')).toMatchObject({ broken: true });
    for (const word of ['', '!', '=1', 'a@', 'a b', 'a>=']) expect(parseApkDependency(word)).toBeUndefined();
  });
});

const FIXTURES = resolve(import.meta.dirname, '../../../shared/fixtures/apk');

describe.skipIf(!existsSync(FIXTURES))('genuine files of Alpine (skipped without ../shared)', () => {
  it.each([
    ['alpine-3.16-x86_64-APKINDEX.tar.gz', 4929, '2022-11-21'],
    ['alpine-3.17-APKINDEX.tar.gz', 5004, '2023-05-27'],
  ])('%s is signed by a key of Alpine and read whole', async (name, count, day) => {
    const { signatures, signed } = await splitApkSignatures(readFileSync(`${FIXTURES}/${name}`), name);
    const [one] = signatures;
    const key = readFileSync(`${FIXTURES}/${one?.key}`);
    expect(verify(one?.digest, signed, key, one?.signature ?? Buffer.alloc(0))).toBe(true);
    const index = await readApkIndex(oneChunk(signed), { where: name });
    expect(index.packages).toHaveLength(count);
    expect(new Date(index.date * 1000).toISOString().slice(0, 10)).toBe(day);
  });

  it.each(['alpine-baselayout-3.2.0-r23.apk', 'apache2-ctl-2.4.43-r0.apk'])('%s is whole', async (name) => {
    const apk = await openApk(createReadStream(`${FIXTURES}/${name}`), { where: name });
    const key = readFileSync(`${FIXTURES}/${apk.signatures[0]?.key}`);
    expect(verify('sha1', apk.control, key, apk.signatures[0]?.signature ?? Buffer.alloc(0))).toBe(true);
    for await (const entry of apk.entries()) {
      if (entry.kind === 'file') await Array.fromAsync(entry.body);
    }
  });
});

describe('the reader of apk indexes', () => {
  const indexOf = async (text: string) => {
    const { tarEnd, tarHeader, tarPadding } = await import('./tar-write.ts');
    const file = { path: 'APKINDEX', kind: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 5, size: text.length } as const;
    return gzipSync(Buffer.concat([tarHeader(file), Buffer.from(text), tarPadding(text.length), tarEnd()]));
  };
  const entry = (name: string, more = '') => `C:Q1${'A'.repeat(27)}=\nP:${name}\nV:1\nA:x86_64\nS:5\n${more}\n`;

  it('tells of capital fields that no apk of today knows: such a package is not to be installed', async () => {
    const { packages } = await readApkIndex(oneChunk(await indexOf(entry('a', 'X:new\n') + entry('b', 'x:new\n'))), {
      where: 'i',
    });
    expect(packages.map(({ uninstallable }) => uninstallable)).toEqual([true, false]);
  });

  it.each([
    ['a package without a name', 'V:1\n\n'],
    ['a name that leads out', entry('../a')],
    ['two of a field', entry('a', 'V:2\n')],
    ['a line without a field', entry('a', 'nonsense\n')],
    ['a size that is no number', entry('a').replace('S:5', 'S:-5')],
    ['a checksum of another kind', entry('a').replace('C:Q1', 'C:Q9')],
  ])('refuses %s', async (_, text) => {
    await expect(readApkIndex(oneChunk(await indexOf(text)), { where: 'i' })).rejects.toMatchObject({
      code: 'APK_INVALID',
    });
  });

  it('ends at the limit of packages, and of bytes', async () => {
    const many = await indexOf(Array.from({ length: 50 }, (_, at) => entry(`a${at}`)).join(''));
    await expect(readApkIndex(oneChunk(many), { where: 'i', maxPackages: 49 })).rejects.toMatchObject({
      code: 'APK_INVALID',
    });
    await expect(readApkIndex(oneChunk(many), { where: 'i', maxBytes: 1000 })).rejects.toMatchObject({
      family: 'proof',
    });
  });
});
