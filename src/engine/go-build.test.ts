// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProcess } from '#core';
import { openWorkshop } from './__fixtures__/workshop.ts';
import { openOutput } from './outputs.ts';
import type { SandboxStep } from './step.ts';

let shop: Awaited<ReturnType<typeof openWorkshop>>;

beforeAll(async () => {
  shop = await openWorkshop(process.env);
});

afterAll(async () => {
  await shop.close();
});

function compiling(goroot: string, source: string, output: string, cache: string): SandboxStep {
  const off = Object.fromEntries(['GOENV', 'GOPROXY', 'GOTELEMETRY', 'GOWORK'].map((name) => [name, 'off']));
  const env = {
    ...off,
    PATH: '/go/bin',
    HOME: '/tmp',
    GOROOT: '/go',
    GOCACHE: '/cache',
    GOTOOLCHAIN: 'local',
    CGO_ENABLED: '0',
  };
  return {
    argv: ['/go/bin/go', 'build', '-trimpath', '-buildvcs=false', '-o', '/out/tiny', '.'],
    env,
    cwd: '/src',
    mounts: [
      { kind: 'read', from: goroot, to: '/go' },
      { kind: 'read', from: source, to: '/src' },
      { kind: 'write', from: cache, to: '/cache', shared: true },
      { kind: 'write', from: output, to: '/out' },
    ],
    limits: {
      wallMilliseconds: 240_000,
      memoryBytes: 2 * 1024 ** 3,
      processes: 1_024,
      fileBytes: 256 << 20,
      outputBytes: 1024 ** 3,
    },
  };
}

describe('the sandbox', () => {
  it('runs the real Go compiler and linker, offline, with the same result as a second time and without it', async () => {
    const goroot = execFileSync('go', ['env', 'GOROOT'], { encoding: 'utf8' }).trim();
    const source = shop.makeFolder();
    writeFileSync(join(source, 'go.mod'), 'module tiny\n\ngo 1.22\n');
    writeFileSync(join(source, 'main.go'), 'package main\n\nfunc main() { println("it works") }\n');
    const cache = shop.makeFolder();
    const binaries: Buffer[] = [];
    for (const engine of [shop.engine, shop.engine, shop.bare]) {
      const output = shop.makeFolder();
      const outcome = await engine.run(compiling(goroot, source, output, cache));
      expect(outcome).toMatchObject({ exitCode: 0, limit: undefined, stderr: '' });
      const binary = await openOutput(output, 'tiny');
      expect(binary.executable).toBe(true);
      binaries.push(await binary.handle.readFile());
      await binary.handle.close();
    }
    expect(binaries[1]?.equals(binaries[0] as Buffer)).toBe(true);
    expect(binaries[2]?.equals(binaries[0] as Buffer)).toBe(true);
    const path = join(shop.makeFolder(), 'tiny');
    writeFileSync(path, binaries[0] as Buffer, { mode: 0o755 });
    expect((await runProcess({ argv: [path], env: {} })).stderr).toBe('it works\n');
  }, 300_000);
});
