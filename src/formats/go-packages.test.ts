// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ReadAt, readGoPackages } from '#formats';

const PROGRAM = `package main

import ("crypto/md5"; "slices")

type pair[T any] struct{ a, b T }

func (p *pair[T]) sum(f func(T, T) T) T { return f(p.a, p.b) }

func main() {
	p := &pair[int]{1, 2}
	words := []string{"b", "a"}
	slices.SortFunc(words, func(a, b string) int { return len(a) - len(b) })
	println(p.sum(func(a, b int) int { return a + b }), len(md5.New().Sum([]byte(words[0]))))
}
`;

describe('the packages of a Go program', () => {
  let folder: string;
  let program: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-packages-'));
    await writeFile(join(folder, 'go.mod'), 'module example.com/dotted.v1\n\ngo 1.21\n');
    await writeFile(join(folder, 'main.go'), PROGRAM);
    program = join(folder, 'program');
    execFileSync('go', ['build', '-trimpath', '-ldflags=-s -w', '-o', program], { cwd: folder });
  }, 300_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const reading = async (path: string) => {
    const file = await open(path);
    const readAt: ReadAt = async (offset, length) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    };
    return { readAt, close: () => file.close() };
  };

  it('are those that the go command links; what the runtime does for others may be there besides', async () => {
    const { readAt, close } = await reading(program);
    const packages = (await readGoPackages(readAt)) ?? [];
    await close();
    const listed = execFileSync('go', ['list', '-deps'], { cwd: folder, encoding: 'utf8' }).trim().split('\n');
    const known = new Set(['main', ...listed, 'os/signal', 'runtime/debug']);
    expect(packages).toEqual(expect.arrayContaining(['main', 'crypto/md5', 'runtime', 'slices', 'internal/abi']));
    expect(packages.filter((path) => !known.has(path))).toEqual([]);
  });

  it('are not told of a file that is no Go program, or a cut one', async () => {
    const { readAt, close } = await reading(process.execPath);
    expect(await readGoPackages(readAt)).toBeUndefined();
    await close();
    const bytes = await readFile(program);
    for (const length of [0, 63, 200, 4096]) {
      const cut: ReadAt = async (offset, size) => bytes.subarray(0, length).subarray(offset, offset + size);
      expect(await readGoPackages(cut)).toBeUndefined();
    }
  });
});
