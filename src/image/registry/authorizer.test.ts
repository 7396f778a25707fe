// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it } from 'vitest';
import { createHttp, digestOf } from '#core';
import { createTestClock, startRegistry, type TestRegistry, type TestRegistryOptions } from '#testing';
import { openRegistry } from './client.ts';
import type { Credential } from './credentials.ts';

let registry: TestRegistry | undefined;
afterEach(() => registry?.stop());

const content = Buffer.from('a layer');
const descriptor = { mediaType: 'application/octet-stream', digest: digestOf(content), size: content.length };
const ann = {
  kind: 'password',
  username: 'ann',
  password: 's3cret',
  from: 'config.json',
} as const satisfies Credential;

async function* bytes() {
  yield content;
}

async function setUp(options: TestRegistryOptions, credential?: Credential) {
  const clock = createTestClock();
  registry = await startRegistry({ users: { ann: 's3cret' }, now: () => clock.now().getTime(), ...options });
  const client = openRegistry({ http: createHttp({ clock }), clock, credentials: async () => credential });
  const name = (repository: string) => ({ registry: registry?.host ?? '', repository });
  return {
    registry,
    clock,
    client,
    name,
    put: (repository: string) => client.putBlob(name(repository), descriptor, bytes),
  };
}

const caught = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => new Error('no error'),
    (error: Error) => error,
  );

describe('basic access', () => {
  it('is asked for once and then sent along', async () => {
    const { registry, put } = await setUp({ auth: 'basic' }, ann);
    expect(await put('a')).toBe('uploaded');
    expect(await put('b')).toBe('mounted');
    expect(registry.requests.filter((line) => line.startsWith('HEAD /v2/a'))).toHaveLength(2);
    expect(registry.requests.filter((line) => line.startsWith('HEAD /v2/b'))).toHaveLength(1);
  });

  it('says that no credentials were found, and where to put them', async () => {
    const { name, put } = await setUp({ auth: 'basic' });
    const { registry: host } = name('a');
    expect(await caught(put('a'))).toMatchObject({
      code: 'REGISTRY_UNAUTHORIZED',
      family: 'registry',
      where: `${host}/a`,
      message: expect.stringContaining('none were found'),
      hint: expect.stringContaining(`docker login ${host}`),
    });
  });

  it('says where wrong credentials came from, and not what they are', async () => {
    const { put } = await setUp({ auth: 'basic' }, { ...ann, password: 'wr0ng' });
    const error = await caught(put('a'));
    expect(error).toMatchObject({ code: 'REGISTRY_UNAUTHORIZED', message: expect.stringContaining('config.json') });
    expect(JSON.stringify(error) + error.message).not.toMatch(/wr0ng|YW5u/);
  });

  it('tells denied from unknown', async () => {
    const { put } = await setUp(
      { auth: 'basic', allows: (user, _, action) => user === 'ann' && action === 'pull' },
      ann,
    );
    expect(await caught(put('a'))).toMatchObject({
      code: 'REGISTRY_DENIED',
      message: expect.stringContaining('push to a'),
    });
  });
});

describe('bearer access', () => {
  it('fetches one token per set of rights, shared by those who ask at once', async () => {
    const { registry, client, name, put } = await setUp({ auth: 'bearer' }, ann);
    await Promise.all([put('a'), put('a'), put('a')]);
    for await (const _ of client.blob(name('a'), descriptor));
    const scopes = registry.tokenRequests.map((request) => request.scopes.join(' '));
    expect(scopes).toEqual(['repository:a:pull,push']); // which covers the download too
  });

  it('asks for the right to read where a blob is mounted from', async () => {
    const { registry, put } = await setUp({ auth: 'bearer' }, ann);
    await put('a');
    expect(await put('b')).toBe('mounted');
    expect(registry.tokenRequests.at(-1)?.scopes).toEqual(['repository:b:pull,push', 'repository:a:pull']);
  });

  it('renews a token before it ends, and one that was revoked at once', async () => {
    const { registry, clock, client, name } = await setUp({ auth: 'bearer', tokenSeconds: 100 }, ann);
    const ask = () => client.resolve({ ...name('a'), tag: 't' });
    await ask();
    await ask();
    expect(registry.tokenRequests).toHaveLength(1);
    clock.advance(91_000);
    await ask();
    expect(registry.tokenRequests).toHaveLength(2);
    expect(registry.requests.filter((line) => line.startsWith('HEAD'))).toHaveLength(4); // one 401, at the very first
    registry.revokeTokens();
    expect(await ask()).toBeUndefined();
    expect(registry.tokenRequests).toHaveLength(3);
  });

  it('works for nobody where nobody may read', async () => {
    const { registry, client, name, put } = await setUp({
      auth: 'bearer',
      allows: (user, _, action) => action === 'pull' || user !== undefined,
    });
    expect(await client.resolve({ ...name('a'), tag: 't' })).toBeUndefined();
    expect(registry.tokenRequests).toEqual([{ method: 'GET', scopes: ['repository:a:pull'], user: undefined }]);
    expect(await caught(put('a'))).toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
  });

  it('changes an identity token into a bearer token by POST, keeping it out of addresses', async () => {
    const { registry, put } = await setUp(
      { auth: 'bearer', identityTokens: { refresh: 'ann' } },
      { kind: 'identity-token', token: 'refresh', from: 'docker-credential-x' },
    );
    expect(await put('a')).toBe('uploaded');
    expect(registry.tokenRequests[0]).toEqual({ method: 'POST', scopes: ['repository:a:pull,push'], user: 'ann' });
    expect(registry.requests.join(' ')).not.toContain('refresh');
  });

  it('says where credentials came from that the token service refuses', async () => {
    const { put } = await setUp({ auth: 'bearer' }, { ...ann, password: 'wr0ng' });
    const error = await caught(put('a'));
    expect(error).toMatchObject({
      code: 'REGISTRY_UNAUTHORIZED',
      message: expect.stringMatching(/credentials from config.json.*wrong password/),
    });
    expect(error.message).not.toContain('wr0ng');
  });

  it('waits for a throttled token service', async () => {
    const { registry, clock, put } = await setUp({ auth: 'bearer' }, ann);
    registry.fail({ kind: 'status', when: /token/, status: 429, retryAfter: 3 });
    expect(await put('a')).toBe('uploaded');
    expect(clock.slept).toEqual([3000]);
  });
});

describe('a challenge', () => {
  const answering = (challenge: string, credentials?: Credential) => {
    const clock = createTestClock();
    const asked: string[] = [];
    const client = openRegistry({
      clock,
      credentials: async () => credentials,
      http: async ({ url }) => {
        asked.push(url);
        const headers = new Headers({ 'www-authenticate': challenge });
        return { status: 401, headers, url, body: (async function* () {})() };
      },
    });
    return { asked, ask: () => client.resolve({ registry: 'r.example.com', repository: 'a', tag: 't' }) };
  };

  it('never leads credentials from HTTPS to a token service without TLS', async () => {
    const { asked, ask } = answering('Bearer realm="http://evil.example.com/token"', ann);
    await expect(ask()).rejects.toMatchObject({
      code: 'REGISTRY_REFUSED',
      message: expect.stringContaining('without TLS'),
    });
    expect(asked.every((url) => url.startsWith('https://r.example.com/'))).toBe(true);
  });

  it('of an unknown kind is a refusal, not a loop', async () => {
    const { asked, ask } = answering('Negotiate', ann);
    await expect(ask()).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
    expect(asked).toHaveLength(1);
  });

  it('without a token service is no registry', async () => {
    await expect(answering('Bearer realm="/token"').ask()).rejects.toMatchObject({ code: 'REGISTRY_NOT_OCI' });
  });
});
