// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ReadAt, readElf, readGoBuildInfo } from '#formats';

async function withFile<T>(path: string, use: (readAt: ReadAt) => Promise<T>): Promise<T> {
  const file = await open(path);
  try {
    return await use(async (offset, length) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    });
  } finally {
    await file.close();
  }
}

const ofBytes =
  (bytes: Buffer): ReadAt =>
  async (offset, length) =>
    bytes.subarray(offset, offset + length);

describe('the build info reader', () => {
  let folder: string;
  let binary: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'oakum-elf-'));
    binary = join(folder, 'program');
    writeFileSync(join(folder, 'go.mod'), 'module example.com/program\n\ngo 1.21\n');
    writeFileSync(join(folder, 'main.go'), 'package main\n\nfunc main() { println("x") }\n');
    const env = { ...process.env, CGO_ENABLED: '0', GOARCH: 'arm64', GOOS: 'linux', GOFLAGS: '', GOWORK: 'off' };
    execFileSync('go', ['build', '-trimpath', '-buildvcs=false', '-ldflags=-s -w -X main.a=b', '-o', binary, '.'], {
      cwd: folder,
      env,
    });
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it('reads a stripped program of another architecture as `go version -m` does', async () => {
    const info = await withFile(binary, readGoBuildInfo);
    const said = execFileSync('go', ['version', '-m', binary], { encoding: 'utf8' });
    expect(said).toContain(`: ${info?.goVersion}\n`);
    const settings = said.split('\n').filter((line) => line.startsWith('\tbuild\t'));
    expect(settings).toHaveLength(info?.settings.size ?? 0);
    expect(info?.settings.get('GOARCH')).toBe('arm64');
    expect(info?.settings.get('-trimpath')).toBe('true');
    expect(info).toMatchObject({
      path: 'example.com/program',
      main: { path: 'example.com/program', version: '(devel)' },
      dependencies: [],
    });
  });

  it('sees a static program as static and a dynamic one as dynamic', async () => {
    expect(await withFile(binary, readElf)).toMatchObject({ machine: 'arm64', interpreter: undefined, dynamic: false });
    expect(await withFile('/bin/sh', readElf)).toMatchObject({
      dynamic: true,
      interpreter: expect.stringContaining('/ld-linux'),
    });
  });

  it('reads the dependencies and replacements of a real program', async () => {
    const node = await withFile(process.execPath, readGoBuildInfo);
    expect(node).toBeUndefined();
    const go = execFileSync('go', ['env', 'GOROOT'], { encoding: 'utf8' }).trim();
    const info = await withFile(join(go, 'bin/go'), readGoBuildInfo);
    expect(info?.path).toBe('cmd/go');
  });

  it('gives undefined, and does not throw, for anything else', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('\x7fELF'), Buffer.alloc(100, 0xff)]) {
      expect(await readGoBuildInfo(ofBytes(bytes))).toBeUndefined();
    }
    const cut = Buffer.alloc(64, 0xff);
    cut.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
    expect(await readGoBuildInfo(ofBytes(cut))).toBeUndefined();
  });
});
