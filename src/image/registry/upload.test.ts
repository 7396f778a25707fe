// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttp, digestOf } from '#core';
import { createTestClock, startRegistry, type TestRegistry, type TestRegistryOptions } from '#testing';
import { openRegistry, type RegistryOptions } from './client.ts';

let registry: TestRegistry | undefined;
afterEach(() => registry?.stop());

const MB = 1 << 20;
const content = randomBytes(3 * MB);
const descriptor = { mediaType: 'application/octet-stream', digest: digestOf(content), size: content.length };

async function* inPieces(bytes: Uint8Array, size = 100_000) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function setUp(options: TestRegistryOptions = {}, client: Partial<RegistryOptions> = {}) {
  registry = await startRegistry(options);
  const clock = createTestClock();
  const open = openRegistry({ http: createHttp({ clock }), clock, credentials: async () => undefined, ...client });
  const name = (repository: string) => ({ registry: registry?.host ?? '', repository });
  const put = (repository = 'a') => open.putBlob(name(repository), descriptor, () => inPieces(content));
  return { registry, clock, client: open, name, put };
}

/** A second client, which knows nothing of what the first did. */
function fresh({ host }: TestRegistry) {
  const clock = createTestClock();
  const client = openRegistry({ http: createHttp({ clock }), clock, credentials: async () => undefined });
  return { client, name: { registry: host, repository: 'a' } };
}

const uploads = ({ requests }: TestRegistry) =>
  requests.filter((line) => /^(POST|PUT|PATCH)/.test(line)).map((line) => line.split(' ', 1)[0]);

describe('the blob upload', () => {
  it('is one POST and one PUT, and nothing when the blob is there', async () => {
    const { registry, put } = await setUp();
    expect(await put()).toBe('uploaded');
    expect(uploads(registry)).toEqual(['POST', 'PUT']);
    const { client, name } = fresh(registry);
    const untouched = () => {
      throw new Error('bytes were opened');
    };
    expect(await client.putBlob(name, descriptor, untouched)).toBe('present');
    expect(uploads(registry)).toEqual(['POST', 'PUT']);
  });

  it('goes in pieces when asked, following each new Location', async () => {
    const { registry, put } = await setUp({}, { chunkBytes: MB });
    expect(await put()).toBe('uploaded');
    expect(uploads(registry)).toEqual(['POST', 'PATCH', 'PATCH', 'PATCH', 'PUT']);
    expect(registry.requests.at(-1)).toContain('_state=at%203145728&digest=sha256%3A');
    expect(registry.blobs('a')).toEqual([descriptor.digest]);
  });

  it('makes pieces at least as large as the registry wants', async () => {
    const { registry, put } = await setUp({ minChunkBytes: 2 * MB }, { chunkBytes: 1000 });
    await put();
    expect(uploads(registry)).toEqual(['POST', 'PATCH', 'PATCH', 'PUT']);
  });

  it('turns to pieces by itself where a registry takes no other', async () => {
    const { registry, put } = await setUp({ chunkedOnly: true });
    expect(await put()).toBe('uploaded');
    expect(uploads(registry)).toContain('PATCH');
    expect(registry.blobs('a')).toEqual([descriptor.digest]);
  });

  it('makes pieces smaller until they pass a size limit', async () => {
    const { registry, put } = await setUp({ maxBodyBytes: MB });
    expect(await put()).toBe('uploaded');
    expect(registry.blobs('a')).toEqual([descriptor.digest]);
    const { put: hopeless } = await setUp({ maxBodyBytes: 1000 });
    await expect(hopeless()).rejects.toMatchObject({
      code: 'REGISTRY_REFUSED',
      message: expect.stringContaining('too large'),
    });
  });

  it('goes on where a broken connection stopped, sending nothing twice', async () => {
    const { registry, put } = await setUp();
    registry.fail({ kind: 'reset', when: /^PUT/, afterBytes: MB });
    expect(await put()).toBe('uploaded');
    expect(uploads(registry)).toEqual(['POST', 'PUT', 'PATCH', 'PUT']);
    expect(registry.received()).toBe(content.length);
    expect(registry.blobs('a')).toEqual([descriptor.digest]);
  });

  it('survives more breaks than the limit as long as it gets on', async () => {
    const { registry, put } = await setUp({}, { chunkBytes: MB });
    registry.fail({ kind: 'reset', when: /^PATCH/, afterBytes: 300_000, times: 8 });
    expect(await put()).toBe('uploaded');
    expect(registry.received()).toBe(content.length);
  });

  it('begins again where a registry forgot the upload', async () => {
    const { registry, put } = await setUp({ resume: false });
    registry.fail({ kind: 'reset', when: /^PUT/, afterBytes: MB });
    expect(await put()).toBe('uploaded');
    expect(uploads(registry)).toEqual(['POST', 'PUT', 'POST', 'PUT']);
    expect(registry.blobs('a')).toEqual([descriptor.digest]);
  });

  it('asks where it stands after a 416', async () => {
    const { registry, put } = await setUp({}, { chunkBytes: MB });
    registry.fail({ kind: 'status', when: /^PATCH.*at%201048576/, status: 416, code: 'BLOB_UPLOAD_INVALID' });
    expect(await put()).toBe('uploaded');
    expect(registry.received()).toBe(content.length);
  });

  it('notices that only the last answer was lost', async () => {
    const { registry, put } = await setUp();
    registry.fail({ kind: 'lose-answer', when: /^PUT/ });
    expect(await put()).toBe('uploaded');
    expect(uploads(registry)).toEqual(['POST', 'PUT']);
    expect(registry.requests.at(-1)).toMatch(/^HEAD/);
  });

  it('waits as long as Retry-After says, then gives up by name', async () => {
    const { registry, clock, put } = await setUp();
    registry.fail({
      kind: 'status',
      when: /^(POST|PUT)/,
      status: 429,
      code: 'TOOMANYREQUESTS',
      retryAfter: 7,
      times: 2,
    });
    expect(await put()).toBe('uploaded');
    expect(clock.slept).toEqual([7000, 7000]);
    registry.fail({
      kind: 'status',
      when: /^POST/,
      status: 429,
      code: 'TOOMANYREQUESTS',
      message: 'slow down',
      times: 99,
    });
    const other = { ...descriptor, digest: digestOf('other') };
    const { client, name } = fresh(registry);
    await expect(client.putBlob(name, other, () => inPieces(content))).rejects.toMatchObject({
      code: 'REGISTRY_THROTTLED',
      family: 'registry',
      message: expect.stringMatching(/after 5 tries \(TOOMANYREQUESTS: slow down\)/),
    });
  });

  it('gives up after several breaks without progress', async () => {
    const { registry, put } = await setUp();
    registry.fail({ kind: 'reset', when: /^(PUT|PATCH)/, afterBytes: 0, times: 99 });
    await expect(put()).rejects.toMatchObject({
      code: 'REGISTRY_DROPPED',
      message: expect.stringContaining('after 5 tries'),
    });
  });

  it.each([
    ['other bytes', randomBytes(content.length), 'BLOB_DIGEST_MISMATCH'],
    ['too few bytes', content.subarray(0, 2 * MB), 'BLOB_SIZE_MISMATCH'],
    ['too many bytes', Buffer.concat([content, Buffer.from('x')]), 'BLOB_SIZE_MISMATCH'],
  ])('never completes %s than the descriptor says', async (_, bytes, code) => {
    for (const chunkBytes of [undefined, MB]) {
      const { registry, client, name } = await setUp({}, chunkBytes === undefined ? {} : { chunkBytes });
      await expect(client.putBlob(name('a'), descriptor, () => inPieces(bytes))).rejects.toMatchObject({ code });
      expect(registry.blobs('a')).toEqual([]);
      expect(registry.received()).toBeLessThan(content.length);
      await registry.stop();
    }
  });

  it('passes on what reading the bytes threw', async () => {
    const { client, name } = await setUp();
    const broken = async function* () {
      yield content.subarray(0, MB);
      throw new Error('the disk is gone');
    };
    await expect(client.putBlob(name('a'), descriptor, broken)).rejects.toThrow('the disk is gone');
  });

  it('uploads what is empty', async () => {
    const { registry, client, name } = await setUp();
    const empty = { mediaType: 'application/octet-stream', digest: digestOf(''), size: 0 };
    expect(await client.putBlob(name('a'), empty, () => inPieces(Buffer.alloc(0)))).toBe('uploaded');
    expect(registry.blobs('a')).toEqual([empty.digest]);
  });
});

describe('a blob shared by sibling repositories', () => {
  const siblings = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

  it('travels once, also when all are pushed at once, and is mounted elsewhere', async () => {
    const { registry, put } = await setUp();
    const how = await Promise.all(siblings.map((name) => put(name)));
    expect(how.toSorted()).toEqual([...siblings.slice(1).map(() => 'mounted'), 'uploaded']);
    expect(registry.received()).toBe(content.length);
    for (const name of siblings) expect(registry.blobs(name)).toEqual([descriptor.digest]);
  });

  it('is uploaded to each where a registry mounts nothing, one after the other', async () => {
    const { registry, put } = await setUp({ mount: false });
    await Promise.all(siblings.map((name) => put(name)));
    expect(registry.received()).toBe(content.length * siblings.length);
    expect(uploads(registry)).toEqual(siblings.flatMap(() => ['POST', 'PUT']));
  });

  it('is uploaded where mounting is refused', async () => {
    const { registry, put } = await setUp();
    await put('a');
    registry.fail({ kind: 'status', when: /^POST.*mount=/, status: 405, code: 'UNSUPPORTED' });
    expect(await put('b')).toBe('uploaded');
  });

  it('is uploaded by the next when the first fails', async () => {
    const { registry, put } = await setUp();
    registry.fail({ kind: 'status', when: /^POST \/v2\/a/, status: 403, code: 'DENIED' });
    const [a, b] = await Promise.allSettled([put('a'), put('b')]);
    expect(a).toMatchObject({ status: 'rejected', reason: { code: 'REGISTRY_DENIED' } });
    expect(b).toMatchObject({ status: 'fulfilled', value: 'uploaded' });
  });
});
