// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  digestOfLock,
  emptyLock,
  formatLock,
  type LockedModule,
  lockFileOf,
  lockOfRelease,
  parseLock,
  readLock,
  replaceLock,
  writeLock,
} from '#definition';

describe('the lock', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-lock-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is written beside the definition and read back the same, with nothing else left in the folder', async () => {
    const file = lockFileOf(join(folder, 'distribution.yaml'));
    expect(await readLock(file)).toBeUndefined();
    await writeLock(file, emptyLock('gzip x'));
    expect(await readLock(file)).toEqual(emptyLock('gzip x'));
    expect(await readdir(folder)).toEqual(['oakum.lock']);
  });

  it('is not replaced by one that was made from another than it holds now', async () => {
    const file = join(folder, 'shared.lock');
    const [mine, theirs] = [emptyLock('mine'), emptyLock('theirs')];
    await replaceLock(file, undefined, theirs);
    await expect(replaceLock(file, undefined, mine)).rejects.toMatchObject({ code: 'LOCK_CHANGED', where: file });
    await expect(replaceLock(file, mine, mine)).rejects.toMatchObject({ code: 'LOCK_CHANGED' });
    expect(await readLock(file)).toEqual(theirs);
    await replaceLock(file, theirs, mine);
    expect(await readLock(file)).toEqual(mine);
    await rm(file);
  });

  it('has one text, whatever the order its parts were added in', () => {
    const base = { releases: [], packages: {} };
    const text = formatLock({ ...emptyLock('c'), bases: { b: base, a: base } });
    expect(text).toBe(
      formatLock({ bases: { a: base, b: base }, compressor: 'c', releases: {}, toolchains: {}, version: 1 }),
    );
    expect(text.indexOf('"a"')).toBeLessThan(text.indexOf('"b"'));
  });

  it('says where it is broken and that it is not to be written by hand', async () => {
    expect(() => parseLock('{"version": 1,', 'oakum.lock')).toThrow(expect.objectContaining({ code: 'LOCK_INVALID' }));
    const text = formatLock(emptyLock('c')).replace('"version": 1', '"version": 7');
    expect(() => parseLock(text, 'oakum.lock')).toThrow(
      expect.objectContaining({
        code: 'LOCK_INVALID',
        where: 'oakum.lock:6:14',
        hint: expect.stringContaining('oakum lock'),
      }),
    );
    await writeFile(join(folder, 'bad.lock'), '{}');
    await expect(readLock(join(folder, 'bad.lock'))).rejects.toMatchObject({ code: 'LOCK_INVALID' });
  });

  it('gives one release the same digest whatever tools it holds, since no image holds them', () => {
    const hash = `h1:${'A'.repeat(43)}=`;
    const proof = { kind: 'checksum-database', database: 'db', recordId: 1, treeSize: 2 } as const;
    const tool: LockedModule = {
      path: 'example.com/tool',
      version: 'v1.0.0',
      zipHash: hash,
      modHash: hash,
      proof,
    };
    const lock = { ...emptyLock('c'), tools: { govulncheck: tool } };
    expect(parseLock(formatLock(lock), 'oakum.lock')).toEqual(lock);
    const used = { release: '2.9.2', toolchain: 'go1.27.3', bases: [] };
    expect(digestOfLock(lockOfRelease(lock, used))).toBe(digestOfLock(lockOfRelease(emptyLock('c'), used)));
  });
});
