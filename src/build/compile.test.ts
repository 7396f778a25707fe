// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  checkBinary,
  type CompileInputs,
  type CompileRequest,
  type CompileTools,
  compile,
  compileKey,
  compileOutputs,
} from '#build';
import { type Cache, openCache } from '#cache';
import { goEnv, openGoTools } from './__fixtures__/go-tools.ts';

const GO_VERSION = goEnv('GOVERSION');

const REQUEST: CompileRequest = {
  component: 'hello',
  main: { path: 'example.com/hello', version: 'v1.0.0', zipHash: 'h1:hello' },
  nested: [],
  package: '.',
  toolchain: { version: GO_VERSION, zipHash: 'h1:toolchain' },
  platform: 'linux/amd64',
  crypto: 'none',
};

describe('the compile', () => {
  let folder: string;
  let cache: Cache;
  let inputs: CompileInputs;
  let tools: CompileTools;
  const prepare = async () => inputs;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-build-'));
    tools = await openGoTools(folder);
    cache = tools.cache;
    const modules = join(folder, 'modules');
    await mkdir(modules);
    inputs = {
      sourceFolder: await writeSource('hello', 'println("hello")'),
      moduleCache: modules,
      toolchainFolder: goEnv('GOROOT'),
      hashes: new Map(),
    };
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function writeSource(name: string, statement: string, imports: readonly string[] = []): Promise<string> {
    const source = join(folder, name);
    await mkdir(source);
    await writeFile(join(source, 'go.mod'), 'module example.com/hello\n\ngo 1.21\n');
    await writeFile(
      join(source, 'main.go'),
      `package main\n\n${imports.map((path) => `import "${path}"\n`).join('')}\nfunc main() { ${statement} }\n`,
    );
    return source;
  }

  it('makes a static program in the sandbox, and the next time takes it from the cache', async () => {
    const first = await compile(REQUEST, prepare, tools);
    expect(first.cached).toBe(false);
    expect(first.value.isolation).toContain('bubblewrap');
    const stored = await cache.blobs.find(first.value.binary);
    expect(stored?.size).toBe(first.value.size);
    expect(execFileSync('go', ['version', '-m', stored?.path ?? ''], { encoding: 'utf8' })).toContain('CGO_ENABLED=0');
    const second = await compile(REQUEST, () => Promise.reject(new Error('must not prepare')), tools);
    expect(second).toEqual({ value: first.value, cached: true });
  }, 300_000);

  it('gives the same bytes from another folder and an empty build cache', async () => {
    const other = await openCache(join(folder, 'other-cache'));
    const source = await writeSource('hello-elsewhere', 'println("hello")');
    const again = await compile(REQUEST, async () => ({ ...inputs, sourceFolder: source }), {
      ...tools,
      cache: other,
      parallelism: 1,
    });
    const known = await cache.peek<typeof again.value>(compileKey(REQUEST, true), compileOutputs);
    expect(again.value.binary).toBe(known?.binary);
  }, 300_000);

  it('cross-compiles for the other architecture', async () => {
    const { value } = await compile({ ...REQUEST, platform: 'linux/arm64' }, prepare, tools);
    expect(
      execFileSync('go', ['version', '-m', (await cache.blobs.find(value.binary))?.path ?? ''], { encoding: 'utf8' }),
    ).toContain('GOARCH=arm64');
  }, 300_000);

  it('builds the Go Cryptographic Module in, on by default, and lists it among the modules', async () => {
    const source = await writeSource('hashing', 'println(len(sha256.New().Sum(nil)))', ['crypto/sha256']);
    const env = { ...process.env, GOFIPS140: 'v1.0.0', GOMODCACHE: inputs.moduleCache, GOFLAGS: '-modcacherw' };
    execFileSync('go', ['list', 'crypto/sha256'], { env }); // lays the module of this toolchain into the module cache
    const request = { ...REQUEST, crypto: 'fips140', main: { ...REQUEST.main, zipHash: 'h1:hashing' } } as const;
    const { value } = await compile(request, async () => ({ ...inputs, sourceFolder: source }), tools);
    const program = await cache.blobs.find(value.binary);
    const copy = join(folder, 'hashing.run');
    await copyFile(program?.path ?? '', copy);
    await chmod(copy, 0o755);
    const ran = spawnSync(copy, { env: { GODEBUG: 'fips140=debug' }, encoding: 'utf8' });
    expect(ran.stderr).toContain('fips140: verified code+data');
    expect(value.modules.count).toBe(1);
  }, 300_000);

  it('compiles with the experiments that are named, and holds the program to them', async () => {
    const request = { ...REQUEST, experiments: ['nodwarf5'] };
    const { value } = await compile(request, prepare, tools);
    const program = (await cache.blobs.find(value.binary))?.path ?? '';
    expect(execFileSync('go', ['version', '-m', program], { encoding: 'utf8' })).toMatch(
      /X:nodwarf5\n[^]*GOEXPERIMENT=nodwarf5/,
    );
    const asked = {
      component: 'hello',
      platform: 'linux/amd64',
      goVersion: GO_VERSION,
      mainModule: 'example.com/hello',
    } as const;
    const others = { crypto: 'none', nestedModules: [], hashes: new Map() } as const;
    await expect(checkBinary(program, { ...asked, ...others, experiments: ['nojsonv2'] })).rejects.toMatchObject({
      message: expect.stringContaining('GOEXPERIMENT is nodwarf5 instead of nojsonv2'),
    });
  }, 300_000);

  it('refuses a program whose crypto mode was silently dropped', async () => {
    const { value } = await compile(REQUEST, prepare, tools);
    const program = await cache.blobs.find(value.binary);
    const asked = {
      component: 'hello',
      platform: 'linux/amd64',
      goVersion: GO_VERSION,
      experiments: [],
      mainModule: 'example.com/hello',
      nestedModules: [],
      hashes: new Map(),
    } as const;
    await expect(checkBinary(program?.path ?? '', { ...asked, crypto: 'none' })).resolves.toEqual([]);
    await expect(checkBinary(program?.path ?? '', { ...asked, crypto: 'fips140' })).rejects.toMatchObject({
      code: 'BINARY_NOT_AS_ASKED',
      message: expect.stringMatching(
        /GOFIPS140 is not set instead of v1\.0\.0-c2097c7c; FIPS mode is not on by default/,
      ),
    });
  }, 300_000);

  it.each([
    ['dropped', {}, /GOFIPS140 is not set instead of v1\.0\.0-c2097c7c/],
    ['replaced by latest', { GOFIPS140: 'latest' }, /GOFIPS140 is latest instead of v1\.0\.0-c2097c7c/],
    ['undone by GODEBUG of the source', { GOFIPS140: 'v1.0.0' }, /^the compiled.*: FIPS mode is not on by default/],
  ] as const)(
    'fails, and gives no program, where the FIPS setting was %s on the way',
    async (what, setting, fault) => {
      const off = 'GOFIPS140' in setting && setting.GOFIPS140 === 'v1.0.0';
      const name = `hacked-${what.replaceAll(' ', '-')}`;
      const source = await writeSource(name, 'println(len(sha256.New().Sum(nil)))', ['crypto/sha256']);
      if (off) await writeFile(join(source, 'debug.go'), '//go:debug fips140=off\npackage main\n');
      const env = { ...process.env, GOFIPS140: 'v1.0.0', GOMODCACHE: inputs.moduleCache, GOFLAGS: '-modcacherw' };
      execFileSync('go', ['list', 'crypto/sha256'], { env }); // lays the module of this toolchain into the module cache
      const engine = await tools.engine();
      const hacked: CompileTools['engine'] = async () => ({
        ...engine,
        run: ({ env: { GOFIPS140: _asked, ...rest }, ...step }) =>
          engine.run({ ...step, env: { ...rest, ...setting } }),
      });
      const request = { ...REQUEST, crypto: 'fips140', main: { ...REQUEST.main, zipHash: `h1:${name}` } } as const;
      const prepareSource = async () => ({ ...inputs, sourceFolder: source });
      await expect(compile(request, prepareSource, { ...tools, engine: hacked })).rejects.toMatchObject({
        code: 'BINARY_NOT_AS_ASKED',
        family: 'build',
        message: expect.stringMatching(fault),
      });
      expect(await cache.peek(compileKey(request, true), compileOutputs)).toBeUndefined();
    },
    300_000,
  );

  it('says what the compiler said, and leaves nothing behind', async () => {
    const source = await writeSource('broken', 'undefinedFunction()');
    const request = { ...REQUEST, main: { ...REQUEST.main, zipHash: 'h1:broken' } };
    await expect(compile(request, async () => ({ ...inputs, sourceFolder: source }), tools)).rejects.toMatchObject({
      code: 'COMPILE_FAILED',
      family: 'build',
      where: 'hello v1.0.0 (linux/amd64)',
      message: expect.stringContaining('undefined: undefinedFunction'),
    });
    expect(await readdir(join(cache.folder, 'tmp'))).toEqual([]);
  }, 300_000);

  it('refuses a program that is not what was asked for, naming each difference', async () => {
    const request = {
      ...REQUEST,
      toolchain: { ...REQUEST.toolchain, version: 'go1.99.0' },
      main: { ...REQUEST.main, path: 'example.com/other' },
    };
    await expect(compile(request, prepare, tools)).rejects.toMatchObject({
      code: 'BINARY_NOT_AS_ASKED',
      message: expect.stringMatching(
        /compiled by go[0-9.]+ instead of go1\.99\.0; its main module is example\.com\/hello instead of example\.com\/other/,
      ),
    });
  }, 300_000);

  it('is keyed apart when it ran without a sandbox', () => {
    expect(compileKey(REQUEST, true)).not.toEqual(compileKey(REQUEST, false));
  });

  it('stops at its limits and says which', async () => {
    const request = { ...REQUEST, main: { ...REQUEST.main, zipHash: 'h1:slow' } };
    const slow = compile(request, prepare, { ...tools, limits: { ...tools.limits, milliseconds: 1 } });
    await expect(slow).rejects.toMatchObject({ code: 'COMPILE_LIMIT', message: expect.stringContaining('wall-time') });
  }, 300_000);
});
