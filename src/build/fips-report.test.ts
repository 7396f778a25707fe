// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CompileInputs, type CompileRequest, compile, FIPS_MODULE, type FipsTools, reportFips } from '#build';
import { goEnv, openGoTools } from './__fixtures__/go-tools.ts';

const REQUEST: CompileRequest = {
  component: 'hasher',
  main: { path: 'example.com/hasher', version: 'v1.0.0', zipHash: 'h1:hasher' },
  nested: [],
  package: '.',
  toolchain: { version: goEnv('GOVERSION'), zipHash: 'h1:toolchain' },
  platform: 'linux/amd64',
  crypto: 'fips140',
};

const PROGRAM = `package main

import ("crypto/md5"; "crypto/sha256")

func main() { println(len(sha256.New().Sum(md5.New().Sum(nil)))) }
`;

describe('the FIPS report', () => {
  let folder: string;
  let inputs: CompileInputs;
  let tools: FipsTools;
  const prepare = async () => inputs;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-fips-'));
    tools = { ...(await openGoTools(folder)), machine: 'linux/amd64' };
    const [source, modules] = [join(folder, 'source'), join(folder, 'modules')];
    await mkdir(source);
    await writeFile(join(source, 'go.mod'), 'module example.com/hasher\n\ngo 1.21\n');
    await writeFile(join(source, 'main.go'), PROGRAM);
    const env = { ...process.env, GOFIPS140: FIPS_MODULE.setting, GOMODCACHE: modules, GOFLAGS: '-modcacherw' };
    execFileSync('go', ['list', 'crypto/sha256'], { env }); // lays the module of this toolchain into the module cache
    inputs = { sourceFolder: source, moduleCache: modules, toolchainFolder: goEnv('GOROOT'), hashes: new Map() };
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('shows the module, its integrity sum, a passed self-test, and what is outside with its importer', async () => {
    const { value } = await compile(REQUEST, prepare, tools);
    const report = await reportFips(REQUEST, value.binary, prepare, tools);
    expect(report.value).toMatchObject({
      module: { version: 'v1.0.0-c2097c7c', certificate: { number: 5247 } },
      facts: { version: 'v1.0.0-c2097c7c', onByDefault: true, integritySum: expect.stringMatching(/^[0-9a-f]{64}$/) },
      outside: [{ package: 'crypto/md5', what: 'MD5', importedBy: ['example.com/hasher'] }],
      selfTest: { verdict: 'passed', said: 'fips140: verified code+data' },
    });
    expect(report.value.facts).toMatchObject({
      packages: expect.arrayContaining(['crypto/internal/fips140/v1.0.0-c2097c7c/sha256']),
    });
    const again = await reportFips(REQUEST, value.binary, () => Promise.reject(new Error('must not prepare')), tools);
    expect(again).toEqual({ value: report.value, cached: true });
  }, 300_000);

  it('says that a program for another machine was not started', async () => {
    const request: CompileRequest = { ...REQUEST, platform: 'linux/arm64' };
    const { value } = await compile(request, prepare, tools);
    const { selfTest, facts } = (await reportFips(request, value.binary, prepare, tools)).value;
    expect(selfTest).toEqual({ verdict: 'not run', reason: 'this machine runs linux/amd64' });
    expect(facts).toMatchObject({ onByDefault: true });
  }, 300_000);

  it('refuses a program whose module was changed after it was linked', async () => {
    const { value } = await compile(REQUEST, prepare, tools);
    const bytes = await readFile((await tools.cache.blobs.find(value.binary))?.path ?? '');
    const sum = bytes.indexOf(Buffer.from('\xff Go fipsinfo \xff\0', 'latin1')) + 16;
    bytes.writeUInt8((bytes[sum] ?? 0) ^ 1, sum);
    const changed = await tools.cache.blobs.put(Readable.from([bytes]));
    await expect(reportFips(REQUEST, changed.digest, prepare, tools)).rejects.toMatchObject({
      code: 'FIPS_UNPROVED',
      where: 'hasher v1.0.0 (linux/amd64)',
      message: expect.stringContaining('fips140: verification mismatch'),
    });
  }, 300_000);
});
