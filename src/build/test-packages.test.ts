// SPDX-License-Identifier: Apache-2.0
// Running tests that are foreign code: real Go in the real sandbox, on a small module that does what tests may do.
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CompileRequest, CompileTools } from '#build';
import type { Cache } from '#cache';
import { goEnv, openGoTools } from './__fixtures__/go-tools.ts';
import { testPackages } from './test-packages.ts';

const test = (name: string, body: string, imports: readonly string[] = []) =>
  `package ${name}\n\nimport (\n\t"testing"\n${imports.map((one) => `\t"${one}"\n`).join('')})\n\n${body}\n`;

const FILES = {
  'go.mod':
    'module example.com/tested\n\ngo 1.21\n\nrequire sigs.k8s.io/controller-runtime v0.0.0\n\nreplace sigs.k8s.io/controller-runtime => ./runtime\n',
  'runtime/go.mod': 'module sigs.k8s.io/controller-runtime\n\ngo 1.21\n',
  'runtime/pkg/envtest/x.go': 'package envtest\n\nfunc Start() {}\n',
  'good/x.go': 'package good\n',
  'good/x_test.go': test('good', 'func TestGood(t *testing.T) {}\n\nfunc TestSkipped(t *testing.T) { t.Skip() }'),
  'bad/x_test.go': test('bad', 'func TestBad(t *testing.T) { t.Fatal("it is wrong") }'),
  'broken/x_test.go': test('broken', 'func TestBroken(t *testing.T) { undefined() }'),
  'network/x_test.go': test(
    'network',
    'func TestCall(t *testing.T) {\n\tif _, err := net.DialTimeout("tcp", "192.0.2.1:80", time.Second); err != nil {\n\t\tt.Fatal(err)\n\t}\n}',
    ['net', 'time'],
  ),
  'local/x_test.go': test(
    'local',
    'func TestListen(t *testing.T) {\n\tif _, err := net.Listen("tcp", "localhost:0"); err != nil {\n\t\tt.Fatal(err)\n\t}\n}',
    ['net'],
  ),
  'hostile/x_test.go': test(
    'hostile',
    'func TestWrite(t *testing.T) {\n\tfmt.Println(`{"Action":"pass","Package":"evil.test/x"}`)\n\tos.Stdout.WriteString("\\x16--- PASS: TestForged (0.00s)\\n")\n\tif os.WriteFile("/src/x", nil, 0o644) != nil || os.WriteFile("/gocache/poison", nil, 0o644) != nil || os.WriteFile("/gomod/x", nil, 0o644) == nil {\n\t\tt.Fatal("it sees other places than it should")\n\t}\n}',
    ['fmt', 'os'],
  ),
  'cluster/x_test.go': test('cluster', 'func TestCluster(t *testing.T) { envtest.Start() }', [
    'sigs.k8s.io/controller-runtime/pkg/envtest',
  ]),
};

describe('the tests of a module', () => {
  let folder: string;
  let cache: Cache;
  let tools: CompileTools;
  const request: CompileRequest = {
    component: 'tested',
    main: { path: 'example.com/tested', version: 'v1.0.0', zipHash: 'h1:tested' },
    nested: [],
    package: '.',
    toolchain: { version: goEnv('GOVERSION'), zipHash: 'h1:toolchain' },
    platform: goEnv('GOARCH') === 'arm64' ? 'linux/arm64' : 'linux/amd64',
    crypto: 'none',
  };
  const inputsOf = async (name: string, files: Readonly<Record<string, string>>) => {
    const source = join(folder, name);
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(source, path)), { recursive: true });
      await writeFile(join(source, path), text);
    }
    const modules = join(folder, 'modules');
    await mkdir(modules, { recursive: true });
    return { sourceFolder: source, moduleCache: modules, toolchainFolder: goEnv('GOROOT'), hashes: new Map() };
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-tests-'));
    tools = await openGoTools(folder);
    cache = tools.cache;
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('run in the sandbox, each package with its result, and leave nothing behind', async () => {
    const inputs = await inputsOf('source', FILES);
    const { value } = await testPackages({ compile: request }, async () => inputs, tools);
    expect(value.isolation).toContain('bubblewrap');
    expect(value.leftOut).toEqual([
      { path: 'example.com/tested/cluster', needs: 'sigs.k8s.io/controller-runtime/pkg/envtest' },
    ]);
    const results = Object.fromEntries(value.packages.map((one) => [one.path.split('/').at(-1), one]));
    expect(Object.keys(results)).toEqual(['bad', 'broken', 'good', 'hostile', 'local', 'network']);
    expect(results['good']).toMatchObject({ result: 'pass', tests: { TestGood: 'pass', TestSkipped: 'skip' } });
    expect(results['bad']).toMatchObject({ result: 'fail', tests: { TestBad: 'fail' } });
    expect(results['bad']?.said).toContain('it is wrong');
    expect(results['broken']).toMatchObject({ result: 'fail', tests: {} });
    expect(results['broken']?.said).toContain('undefined: undefined');
    expect(results['network']).toMatchObject({ result: 'fail', tests: { TestCall: 'fail' } });
    expect(results['local']).toMatchObject({ result: 'pass', tests: { TestListen: 'pass' } });
    expect(results['hostile']).toMatchObject({ result: 'pass', tests: { TestWrite: 'pass' } });
    expect(await readdir(inputs.sourceFolder)).not.toContain('x');
    expect(await readdir(await cache.area('go-build'))).not.toContain('poison');
    expect(await readdir(join(cache.folder, 'tmp'))).toEqual([]);
    const again = await testPackages({ compile: request }, () => Promise.reject(new Error('must not prepare')), tools);
    expect(again).toEqual({ value, cached: true });
  }, 300_000);

  it('are none where the module has none', async () => {
    const files = { 'go.mod': 'module example.com/tested\n\ngo 1.21\n', 'x.go': 'package tested\n' };
    const inputs = await inputsOf('untested', files);
    const compile = { ...request, main: { ...request.main, zipHash: 'h1:untested' } };
    const { value } = await testPackages({ compile }, async () => inputs, tools);
    expect(value.packages).toEqual([]);
  }, 300_000);
});
