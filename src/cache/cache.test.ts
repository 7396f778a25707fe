// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { link, mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Cache, measureCache, openCache, pruneCache } from '#cache';
import { type Digest, digestOf } from '#core';

async function* bytesOf(...chunks: string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(bytes)).toString();
}

describe('the cache', () => {
  let folder: string;
  let cache: Cache;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-cache-'));
    cache = await openCache(folder);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('keeps a blob under the digest of its bytes and gives it back', async () => {
    const blob = await cache.blobs.put(bytesOf('he', 'llo'));
    expect(blob).toMatchObject({ digest: digestOf('hello'), size: 5 });
    expect(await textOf(cache.blobs.read(blob.digest))).toBe('hello');
    expect(await cache.blobs.find(digestOf('other'))).toBeUndefined();
  });

  it('refuses bytes that are not what was said, and keeps nothing of them', async () => {
    const wrong = { digest: digestOf('hello') };
    await expect(cache.blobs.put(bytesOf('hell0'), wrong)).rejects.toMatchObject({
      code: 'CACHE_DIGEST_MISMATCH',
      family: 'proof',
    });
    await expect(cache.blobs.put(bytesOf('a'.repeat(10)), { maxBytes: 9 })).rejects.toMatchObject({
      code: 'CACHE_TOO_LARGE',
    });
    await expect(cache.blobs.put(bytesOf('ab'), { size: 3 })).rejects.toMatchObject({ code: 'CACHE_DIGEST_MISMATCH' });
    expect(await readdir(join(folder, 'tmp'))).toEqual([]);
  });

  it('notices a blob that was damaged on disk, removes it and says so', async () => {
    const blob = await cache.blobs.put(bytesOf('hello'));
    await writeFile(blob.path, 'hellO');
    await expect(textOf(cache.blobs.read(blob.digest))).rejects.toMatchObject({ code: 'CACHE_CORRUPT' });
    expect(await cache.blobs.find(blob.digest)).toBeUndefined();
  });

  it('runs a step once per inputs, and again when a blob it stands on is gone', async () => {
    let runs = 0;
    const run = async () => {
      runs += 1;
      return { output: (await cache.blobs.put(bytesOf('made'))).digest };
    };
    const outputs = (value: { output: Digest }) => [value.output];
    const key = { name: 'make', inputs: { a: 1 } };
    const [first, twin] = await Promise.all([cache.step(key, outputs, run), cache.step(key, outputs, run)]);
    expect([first.cached, twin.cached, runs]).toEqual([false, false, 1]);
    expect((await cache.step(key, outputs, run)).cached).toBe(true);
    expect((await cache.step({ ...key, inputs: { a: 2 } }, outputs, run)).cached).toBe(false);
    await cache.blobs.remove(first.value.output);
    expect(await cache.peek(key, outputs)).toBeUndefined();
    expect((await cache.step(key, outputs, run)).cached).toBe(false);
    expect(runs).toBe(3);
  });

  it('does not remember a step that failed, and survives a torn record', async () => {
    const key = { name: 'make', inputs: {} };
    await expect(
      cache.step(
        key,
        () => [],
        () => Promise.reject(new Error('no')),
      ),
    ).rejects.toThrow('no');
    await cache.step(
      key,
      () => [],
      async () => 1,
    );
    const [record] = await readdir(join(folder, 'records/make'));
    await writeFile(join(folder, 'records/make', record ?? ''), '{"inpu');
    expect(
      await cache.step(
        key,
        () => [],
        async () => 2,
      ),
    ).toEqual({ value: 2, cached: false });
  });

  it('makes a folder whole or not at all', async () => {
    const key = { name: 'tree', inputs: { x: 1 }, at: 'areas/go/mod@v1' };
    const failing = cache.tree(key, async (path) => {
      await writeFile(join(path, 'half'), '');
      throw new Error('cut');
    });
    await expect(failing).rejects.toThrow('cut');
    await expect(stat(join(folder, key.at))).rejects.toThrow();
    const made = await cache.tree(key, (path) => writeFile(join(path, 'whole'), 'x'));
    expect(made).toEqual({ path: join(folder, key.at), cached: false });
    expect((await cache.tree(key, () => Promise.reject(new Error('not again')))).cached).toBe(true);
    await cache.dropTree(key);
    expect((await cache.tree(key, async () => {})).cached).toBe(false);
  });

  it('does not trust a folder without a record: a crash may have left it', async () => {
    await mkdir(join(folder, 'areas/x'), { recursive: true });
    await writeFile(join(folder, 'areas/x/stale'), '');
    const made = await cache.tree({ name: 't', inputs: 1, at: 'areas/x' }, (path) => writeFile(join(path, 'new'), ''));
    expect(await readdir(made.path)).toEqual(['new']);
  });

  it('lets two processes make the same folder at once', async () => {
    const other = await openCache(folder);
    const key = { name: 't', inputs: 1 };
    const build = (path: string) => writeFile(join(path, 'f'), 'same');
    const [a, b] = await Promise.all([cache.tree(key, build), other.tree(key, build)]);
    expect(a.path).toBe(b.path);
    expect(await readdir(a.path)).toEqual(['f']);
    expect(await readdir(join(folder, 'tmp'))).toEqual([]);
  });

  it('sweeps what a killed run left, and leaves the scratch of a living one', async () => {
    const child = spawn('sleep', ['60']);
    await writeFile(join(folder, 'tmp', `${child.pid}-alive`), '');
    await mkdir(join(folder, 'tmp', '4194305-dead/deep'), { recursive: true }); // above the largest pid Linux gives
    await openCache(folder);
    expect(await readdir(join(folder, 'tmp'))).toEqual([`${child.pid}-alive`]);
    child.kill();
  });

  it('takes over a plain file, and neither a link nor a file of two names', async () => {
    const plain = join(folder, 'tmp', 'plain');
    await writeFile(plain, 'content');
    await symlink(plain, join(folder, 'tmp', 'symbolic'));
    await expect(cache.blobs.adopt(join(folder, 'tmp', 'symbolic'))).rejects.toMatchObject({ code: 'ELOOP' });
    await link(plain, join(folder, 'tmp', 'second'));
    await expect(cache.blobs.adopt(plain)).rejects.toMatchObject({ code: 'CACHE_DIGEST_MISMATCH' });
    await rm(join(folder, 'tmp', 'second'));
    expect((await cache.blobs.adopt(plain)).size).toBe(7);
  });

  it('prunes what was not used for longest, and counts what it holds', async () => {
    const old = await cache.blobs.put(bytesOf('o'.repeat(100)));
    const fresh = await cache.blobs.put(bytesOf('f'.repeat(100)));
    await utimes(old.path, 1, 1);
    await cache.tree({ name: 'made', inputs: 1 }, (path) => writeFile(join(path, 'f'), 'x'.repeat(50)));
    expect((await measureCache(folder)).map(({ group, bytes }) => [group, bytes])).toEqual([
      ['blobs', 200],
      ['trees/made', 50],
    ]);
    expect(await pruneCache(folder, 150, process.pid)).toEqual({ removed: 1, freedBytes: 100, keptBytes: 150 });
    expect(await cache.blobs.find(old.digest)).toBeUndefined();
    expect(await cache.blobs.find(fresh.digest)).toBeDefined();
  });

  it('does not prune what another living run has used since it began', async () => {
    const child = spawn('sleep', ['60']);
    await writeFile(join(folder, 'runs', String(child.pid)), '');
    await new Promise((resolve) => setTimeout(resolve, 20));
    const blob = await cache.blobs.put(bytesOf('in use'));
    expect((await pruneCache(folder, 0, process.pid)).removed).toBe(0);
    child.kill();
    await new Promise((resolve) => child.on('close', resolve));
    expect((await pruneCache(folder, 0, process.pid)).removed).toBe(1);
    expect(await cache.blobs.find(blob.digest)).toBeUndefined();
  });
});
