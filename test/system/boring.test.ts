// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildRootPackages, digestOfBuildRoot, mirrorsOf, openDebian, parseAptSources } from '#bases';
import {
  checkBinary,
  compile,
  compileCommand,
  type CompileInputs,
  type CompileRequest,
  examineProgram,
  type FipsTools,
  reportFips,
  runSelfTest,
} from '#build';
import { createHttp, systemClock } from '#core';
import { goEnv, openGoTools } from '../../src/build/__fixtures__/go-tools.ts';

const MIRRORS = mirrorsOf(parseAptSources(readAptFiles()));

function readAptFiles(): { name: string; text: string }[] {
  const parts = '/etc/apt/sources.list.d';
  const names = existsSync(parts) ? readdirSync(parts).filter((name) => /\.(?:list|sources)$/.test(name)) : [];
  return ['/etc/apt/sources.list', ...names.map((name) => join(parts, name))]
    .filter((name) => existsSync(name))
    .map((name) => ({ name, text: readFileSync(name, 'utf8') }));
}

const PROGRAM = `package main

import ("crypto/sha256"; "crypto/tls")

func main() { println(len(sha256.New().Sum(nil)), new(tls.Config).MinVersion) }
`;

describe.skipIf(MIRRORS.main.length === 0)('a program with BoringCrypto, from a build root of the real archive', () => {
  let folder: string;
  let tools: FipsTools;
  let inputs: CompileInputs;
  let request: CompileRequest;
  const prepare = async () => inputs;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-boring-'));
    tools = { ...(await openGoTools(folder)), machine: 'linux/amd64' };
    const [source, modules] = [join(folder, 'source'), join(folder, 'modules')];
    await mkdir(join(source, 'cmd'), { recursive: true });
    await mkdir(modules);
    await writeFile(join(source, 'go.mod'), 'module example.com/tiny\n\ngo 1.24\n');
    await writeFile(join(source, 'cmd', 'main.go'), PROGRAM);
    const clock = systemClock();
    const debian = openDebian({
      http: createHttp({ clock, userAgent: 'oakum-test' }),
      cache: tools.cache,
      stateFolder: join(folder, 'state'),
      clock,
      mirrors: MIRRORS,
    });
    const suites = ['trixie', 'trixie-updates', 'trixie-security'];
    const { packages } = await debian.resolve({ suites, packages: buildRootPackages('amd64') }, 'amd64');
    const { path } = await debian.buildRoot(packages);
    inputs = {
      sourceFolder: source,
      moduleCache: modules,
      toolchainFolder: goEnv('GOROOT'),
      hashes: new Map(),
      buildRoot: path,
    };
    request = {
      component: 'tiny',
      main: { path: 'example.com/tiny', version: 'v1.0.0', zipHash: 'h1:tiny' },
      nested: [],
      package: './cmd',
      toolchain: { version: goEnv('GOVERSION'), zipHash: 'h1:toolchain' },
      platform: 'linux/amd64',
      crypto: 'boring',
      experiments: ['nojsonv2'],
      buildRoot: digestOfBuildRoot(packages),
    };
  }, 600_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const pathOf = async (digest: CompileRequest['buildRoot']) =>
    (digest && (await tools.cache.blobs.find(digest))?.path) ?? '';

  it('is proved by its bytes and its self-test, static, and the same from another folder', async () => {
    const { value } = await compile(request, prepare, tools);
    const shared = await tools.cache.area('go-build');
    expect(readdirSync(shared)).toEqual([]); // nothing that a C compiler touched is left to others
    const path = await pathOf(value.binary);
    expect(await examineProgram(path)).toMatchObject({
      mode: 'boring',
      faults: [],
      boring: { version: 'fips-20220613', marks: { boringCrypto: true, fipsOnly: true, standardCrypto: false } },
    });
    const report = await reportFips(request, value.binary, prepare, tools);
    expect(report.value).toMatchObject({
      mode: 'boring',
      module: { version: 'fips-20220613' },
      selfTest: { verdict: 'passed' },
    });
    const elsewhere = { ...(await openGoTools(join(folder, 'elsewhere'))), parallelism: 1 };
    const again = await compile(request, prepare, elsewhere);
    expect(again.value.binary).toBe(value.binary);
  }, 900_000);

  it('is stopped by its own self-test where the module was changed, and its bytes tell', async () => {
    const { value } = await compile(request, prepare, tools);
    const bytes = await readFile(await pathOf(value.binary));
    const begin = bytes.indexOf(Buffer.from('41574156534989d64989f74889fbe8c8', 'hex'));
    bytes.writeUInt8((bytes[begin + 400_000] ?? 0) ^ 1, begin + 400_000);
    const changed = await tools.cache.blobs.put(Readable.from([bytes]));
    const examined = await examineProgram(changed.path);
    expect(examined).toMatchObject({ kind: 'go', faults: [expect.stringContaining('integrity sum does not hold')] });
    expect(await runSelfTest(changed.path, 'boring', tools)).toMatchObject({ verdict: 'failed' });
    await expect(reportFips(request, changed.digest, prepare, tools)).rejects.toMatchObject({ code: 'FIPS_UNPROVED' });
  }, 900_000);

  it('is compiled for the other architecture, too', async () => {
    const other: CompileRequest = { ...request, platform: 'linux/arm64' };
    const { value } = await compile(other, prepare, tools);
    expect(await examineProgram(await pathOf(value.binary))).toMatchObject({ platform: 'linux/arm64', faults: [] });
  }, 900_000);

  it('is refused where the restriction of TLS or the module itself was silently dropped', async () => {
    const asked = {
      component: 'tiny',
      platform: 'linux/amd64',
      crypto: 'boring',
      goVersion: request.toolchain.version,
      experiments: [],
      mainModule: 'example.com/tiny',
      nestedModules: [],
      hashes: new Map(),
    } as const;
    const build = (env: Readonly<Record<string, string>>) => {
      const path = join(folder, 'careless');
      const { argv } = compileCommand({ ...request, crypto: 'none' });
      const flags = argv.slice(2, argv.indexOf('-o'));
      execFileSync('go', ['build', ...flags, '-o', path, './cmd'], {
        cwd: inputs.sourceFolder,
        env: { ...process.env, ...env },
      });
      return path;
    };
    const plain = build({ CGO_ENABLED: '0', GOEXPERIMENT: 'boringcrypto' }); // without cgo the experiment does nothing
    await expect(checkBinary(plain, asked)).rejects.toMatchObject({
      code: 'BINARY_NOT_AS_ASKED',
      message: expect.stringMatching(/BoringCrypto is not linked in.*TLS is not restricted/),
    });
  }, 900_000);
});
