// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttp, digestOf, oneChunk } from '#core';
import { createTestClock, startRegistry, type TestRegistry, type TestRegistryOptions } from '#testing';
import { openRegistry } from './client.ts';

let registry: TestRegistry | undefined;
afterEach(() => registry?.stop());

const content = randomBytes(3 << 20);
const descriptor = { mediaType: 'application/octet-stream', digest: digestOf(content), size: content.length };

async function setUp(options: TestRegistryOptions = {}) {
  registry = await startRegistry(options);
  const clock = createTestClock();
  const client = openRegistry({ http: createHttp({ clock }), clock, credentials: async () => undefined });
  const name = { registry: registry.host, repository: 'a' };
  await client.putBlob(name, descriptor, () => oneChunk(content));
  const { requests } = registry;
  requests.length = 0;
  const get = async () => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of client.blob(name, descriptor)) chunks.push(chunk);
    return Buffer.concat(chunks);
  };
  return { registry, client, name, get };
}

describe('the blob download', () => {
  it('gives the bytes in one request', async () => {
    const { registry, get } = await setUp();
    expect((await get()).equals(content)).toBe(true);
    expect(registry.requests).toHaveLength(1);
  });

  it.each([
    ['a range', {}],
    ['all again, where ranges are not served', { ranges: false }],
  ])('goes on after a break with %s', async (_, options) => {
    const { registry, get } = await setUp(options);
    registry.fail({ kind: 'reset', when: /^GET/, afterBytes: 1_000_000 });
    expect((await get()).equals(content)).toBe(true);
    expect(registry.requests).toHaveLength(2);
  });

  it('starts over where a range is refused', async () => {
    const { registry, get } = await setUp();
    registry.fail({ kind: 'reset', when: /^GET/, afterBytes: 1_000_000 });
    registry.fail({ kind: 'status', when: /^GET/, status: 416, code: 'RANGE_INVALID' });
    expect((await get()).equals(content)).toBe(true);
  });

  it('gives up when it no longer gets on', async () => {
    const { registry, get } = await setUp({ ranges: false });
    registry.fail({ kind: 'reset', when: /^GET/, afterBytes: 1000, times: 99 });
    await expect(get()).rejects.toMatchObject({
      code: 'REGISTRY_DROPPED',
      message: expect.stringMatching(/after [56] tries/),
    });
  });

  it('refuses bytes that are not what was asked for', async () => {
    const { registry, get } = await setUp();
    registry.fail({ kind: 'wrong-bytes', when: /^GET/ });
    await expect(get()).rejects.toMatchObject({ code: 'BLOB_DIGEST_MISMATCH', family: 'proof' });
  });

  it('refuses more bytes than were asked for, without reading them all', async () => {
    const { client, name } = await setUp();
    const smaller = { ...descriptor, size: 1000 };
    const read = async () => {
      for await (const _ of client.blob(name, smaller));
    };
    await expect(read()).rejects.toMatchObject({ code: 'BLOB_SIZE_MISMATCH' });
  });

  it('names what is missing', async () => {
    const { client, name } = await setUp();
    const read = async (repository: string) => {
      for await (const _ of client.blob({ ...name, repository }, { ...descriptor, digest: digestOf('none') }));
    };
    await expect(read('a')).rejects.toMatchObject({ code: 'BLOB_MISSING', where: `${name.registry}/a` });
  });
});
