// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { examineProgram } from '#build';
import { type BoringFacts, boringFaults, KNOWN_CODE } from './boring.ts';
import { certificateState, certificateWarning, findCertified } from './certificates.ts';
import { goEnv } from './__fixtures__/go-tools.ts';

const PROGRAM = `package main

import ("crypto/md5"; "crypto/sha256")

func main() { println(len(sha256.New().Sum(md5.New().Sum(nil)))) }
`;

describe('the examination of a program', () => {
  let folder: string;
  const programs = new Map<string, string>();

  /** Compiles the program as a careless builder may. */
  const compiled = (name: string, env: Readonly<Record<string, string>>, flags: readonly string[] = []) => {
    const path = join(folder, name);
    const argv = ['build', '-trimpath', '-ldflags=-s -w', ...flags, '-o', path, '.'];
    execFileSync('go', argv, { cwd: join(folder, 'source'), env: { ...process.env, CGO_ENABLED: '0', ...env } });
    programs.set(name, path);
    return path;
  };
  const changed = async (name: string, change: (bytes: Buffer) => Buffer) => {
    const path = join(folder, name);
    await writeFile(path, change(await readFile(programs.get('validated') ?? '')));
    return path;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-examine-'));
    await mkdir(join(folder, 'source'));
    await writeFile(join(folder, 'source', 'go.mod'), 'module example.com/hasher\n\ngo 1.24\n');
    await writeFile(join(folder, 'source', 'main.go'), PROGRAM);
    compiled('plain', {});
    compiled('latest', { GOFIPS140: 'latest' });
    compiled('validated', { GOFIPS140: 'v1.0.0' });
    await writeFile(join(folder, 'source', 'debug.go'), '//go:debug fips140=off\npackage main\n');
    compiled('off', { GOFIPS140: 'v1.0.0' });
    await writeFile(join(folder, 'source', 'debug.go'), '//go:debug fips140=on\npackage main\n');
    compiled('only-on', {});
  }, 600_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('proves one with the validated module, and names its certificate and what is outside', async () => {
    expect(await examineProgram(programs.get('validated') ?? '')).toMatchObject({
      kind: 'go',
      mode: 'fips140',
      platform: 'linux/amd64',
      toolchain: goEnv('GOVERSION'),
      faults: [],
      certified: { module: 'Go Cryptographic Module', certificate: { number: 5247 } },
      outside: [{ package: 'crypto/md5', what: 'MD5' }],
    });
  });

  it.each([
    ['plain', 'none', /GOFIPS140 is not set, and BoringCrypto is not linked in/],
    ['latest', 'fips140', /GOFIPS140 is latest: it runs the toolchain's own cryptography/],
    ['off', 'fips140', /FIPS mode is not on by default/],
    ['only-on', 'none', /without a validated module, though FIPS mode is on by default/],
  ])('refuses one that is built %s', async (name, mode, fault) => {
    const examined = await examineProgram(programs.get(name) ?? '');
    expect(examined).toMatchObject({ kind: 'go', mode });
    expect(examined.kind === 'go' && examined.faults.join('; ')).toMatch(fault);
  });

  it('says of a file that it can not read why that is', async () => {
    const cut = await changed('cut', (bytes) => bytes);
    await truncate(cut, 900_000);
    expect(await examineProgram(cut)).toMatchObject({
      kind: 'unreadable',
      why: expect.stringContaining('cut off'),
    });
    const renamed = await changed('renamed', (bytes) => replaced(bytes, '.go.buildinfo', '.go.nothing!!'));
    expect(await examineProgram(renamed)).toMatchObject({
      why: expect.stringContaining('build information was removed'),
    });
    const bare = await changed('bare', (bytes) => {
      bytes.writeUInt16LE(0, 60);
      return bytes;
    });
    expect(await examineProgram(bare)).toMatchObject({ why: expect.stringContaining('no sections') });
    const packed = await changed('packed', (bytes) => {
      bytes.writeUInt16LE(0, 60);
      bytes.write('UPX!', 2048, 'latin1');
      return bytes;
    });
    expect(await examineProgram(packed)).toMatchObject({ why: expect.stringContaining('packed (UPX)') });
    const foreign = await changed('foreign', (bytes) => {
      bytes.writeUInt8(2, 5);
      return bytes;
    });
    expect(await examineProgram(foreign)).toMatchObject({ why: expect.stringContaining('64-bit big-endian') });
    expect(await examineProgram(process.execPath)).toMatchObject({ why: 'it is no Go program' });
    const script = join(folder, 'script');
    await writeFile(script, '#!/bin/sh\nexec fips\n');
    expect(await examineProgram(script)).toMatchObject({ why: 'it is a script' });
    await writeFile(script, '');
    expect(await examineProgram(script)).toMatchObject({ why: 'it is empty' });
  });

  it('never fails on bytes that were changed anywhere in the headers, and never proves more for it', async () => {
    const bytes = await readFile(programs.get('plain') ?? '');
    const path = join(folder, 'mutated');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(4095), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        async (changes) => {
          const copy = Buffer.from(bytes);
          for (const [at, byte] of changes) copy.writeUInt8(byte, at);
          await writeFile(path, copy);
          const examined = await examineProgram(path);
          expect(examined.kind !== 'go' || examined.faults.length > 0).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('the integrity of BoringCrypto', () => {
  it.each(KNOWN_CODE)('$version on $architecture is that of the object file in the toolchain', async (known) => {
    const object = await readFile(
      join(goEnv('GOROOT'), 'src/crypto/internal/boring/syso', `goboringcrypto_linux_${known.architecture}.syso`),
    );
    const start = object.indexOf(Buffer.from(known.begin, 'hex'));
    const code = object.subarray(start, start + known.bytes);
    expect(createHmac('sha256', Buffer.alloc(64)).update(code).digest('hex')).toBe(known.sum);
    expect(object.includes(Buffer.from(known.sum, 'hex'))).toBe(true); // what the module compares with
    expect(createHash('sha256').update(code).digest('hex')).not.toBe(known.sum);
  });
});

describe('what a program with BoringCrypto may lack', () => {
  const whole: BoringFacts = {
    experiment: true,
    version: 'fips-20220613',
    integritySum: KNOWN_CODE[0]?.sum,
    functions: 112,
    marks: { boringCrypto: true, fipsOnly: true, standardCrypto: false },
  };

  it.each([
    ['nothing', {}, /^$/],
    ['the experiment', { experiment: false }, /^it is not built with GOEXPERIMENT=boringcrypto$/],
    ['the module', { functions: 0, version: undefined }, /^BoringCrypto is not linked in$/],
    ['code that is known', { version: undefined }, /^the code of BoringCrypto in it is of no known version/],
    ['the restriction of TLS', { marks: { ...whole.marks, fipsOnly: false } }, /^TLS is not restricted/],
    ['purity', { marks: { ...whole.marks, standardCrypto: true } }, /^Go's own cryptography is linked in beside it$/],
  ])('is told: %s', (_what, change, fault) => {
    expect(boringFaults({ ...whole, ...change }).join('; ')).toMatch(fault);
  });
});

describe('the certificate table', () => {
  const certificate = findCertified('Go Cryptographic Module', 'v1.0.0-c2097c7c')?.certificate;
  if (certificate === undefined) throw new TypeError('the module in use has no certificate');

  it.each([
    ['2026-11-24T00:00:00Z', 'active', undefined, undefined],
    ['2030-04-27T00:00:00Z', 'active', 'year', /leaves the active list within a year, on 2031-04-26/],
    ['2031-02-01T00:00:00Z', 'active', 'quarter', /in 84 days/],
    ['2031-04-26T23:00:00Z', 'active', 'quarter', /in 0 days/],
    ['2031-04-27T00:00:00Z', 'historical', undefined, /historical list since 2031-04-26/],
  ])('knows where a certificate stands on %s', (day, status, nears, warning) => {
    const now = new Date(day);
    expect(certificateState(certificate, now)).toMatchObject({ status, nears });
    if (warning === undefined) expect(certificateWarning(certificate, now)).toBeUndefined();
    else expect(certificateWarning(certificate, now)).toMatch(warning);
  });

  it('says that all 140-2 certificates of BoringCrypto are historical, and that a module in review has none', () => {
    for (const version of ['fips-20170615', 'fips-20180730', 'fips-20190808', 'fips-20210429']) {
      const old = findCertified('BoringCrypto', version)?.certificate;
      expect(old?.standard).toBe('FIPS 140-2');
      expect(old && certificateState(old, new Date('2026-11-24')).status).toBe('historical');
    }
    expect(findCertified('Go Cryptographic Module', 'v1.26.0-abcdef')).toMatchObject({ certificate: undefined });
    expect(findCertified('Go Cryptographic Module', 'latest')).toBeUndefined();
  });
});

function replaced(bytes: Buffer, from: string, to: string): Buffer {
  const at = bytes.indexOf(from, 0, 'latin1');
  bytes.write(to, at, 'latin1');
  return bytes;
}
