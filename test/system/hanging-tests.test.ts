// SPDX-License-Identifier: Apache-2.0
// A test of upstream that never ends, for as long as the definition lets a step run.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { testPackages } from '#build';
import { goEnv, openGoTools } from '../../src/build/__fixtures__/go-tools.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-hanging-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('a test that hangs is stopped, and it and its package have no result', async () => {
  const [source, modules] = [join(folder, 'source'), join(folder, 'modules')];
  for (const one of [source, modules]) await mkdir(one);
  await writeFile(join(source, 'go.mod'), 'module example.com/tested\n\ngo 1.21\n');
  await writeFile(
    join(source, 'x_test.go'),
    'package tested\n\nimport (\n\t"testing"\n\t"time"\n)\n\nfunc TestHang(t *testing.T) { time.Sleep(time.Hour) }\n',
  );
  const tools = await openGoTools(folder);
  const { value } = await testPackages(
    {
      compile: {
        component: 'tested',
        main: { path: 'example.com/tested', version: 'v1.0.0', zipHash: 'h1:hanging' },
        nested: [],
        package: '.',
        toolchain: { version: goEnv('GOVERSION'), zipHash: 'h1:toolchain' },
        platform: goEnv('GOARCH') === 'arm64' ? 'linux/arm64' : 'linux/amd64',
        crypto: 'none',
      },
    },
    async () => ({ sourceFolder: source, moduleCache: modules, toolchainFolder: goEnv('GOROOT'), hashes: new Map() }),
    { ...tools, limits: { ...tools.limits, milliseconds: 60_000 } },
  );
  expect(value.packages).toMatchObject([
    { path: 'example.com/tested', result: 'stopped', tests: { TestHang: 'stopped' } },
  ]);
});
