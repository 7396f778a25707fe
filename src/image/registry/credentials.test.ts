// SPDX-License-Identifier: Apache-2.0
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ProcessRequest, runProcess } from '#core';
import { dockerConfigFiles, readDockerCredentials } from './credentials.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-credentials-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
async function config(value: unknown): Promise<string> {
  const path = join(folder, `config-${(files += 1)}.json`);
  await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
}

/** Writes a real helper program that answers what it is told, by a shell script. */
async function helper(name: string, script: string): Promise<void> {
  await writeFile(join(folder, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, `docker-credential-${name}`), 0o755);
}

function source(paths: readonly string[], seen: ProcessRequest[] = []) {
  return readDockerCredentials({
    files: paths,
    env: { PATH: `${folder}:/usr/bin:/bin` },
    run: (request) => {
      seen.push(request);
      const [program, ...args] = request.argv;
      return runProcess({ ...request, argv: [join(folder, program), ...args] });
    },
  });
}

const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
const at = (registry: string, repository = 'flux/x') => ({ registry, repository });

describe('the Docker credentials', () => {
  it('come from auths, by host, with or without a scheme, and know a colon in a password', async () => {
    const path = await config({
      auths: { 'r.example.com': auth('ann:a:b'), 'https://s.example.com/v2/': { username: 'bob', password: 'c' } },
    });
    const find = source([path]);
    expect(await find(at('r.example.com'))).toEqual({ kind: 'password', username: 'ann', password: 'a:b', from: path });
    expect(await find(at('s.example.com'))).toMatchObject({ username: 'bob', password: 'c' });
    expect(await find(at('t.example.com'))).toBeUndefined();
    expect(await find(at('r.example.com:5000'))).toBeUndefined();
  });

  it('prefer the most specific path, as Podman writes it', async () => {
    const path = await config({
      auths: {
        'r.example.com': auth('host:1'),
        'r.example.com/flux': auth('group:2'),
        'r.example.com/flux/x': auth('one:3'),
      },
    });
    const find = source([path]);
    expect(await find(at('r.example.com', 'flux/x'))).toMatchObject({ username: 'one' });
    expect(await find(at('r.example.com', 'flux/y'))).toMatchObject({ username: 'group' });
    expect(await find(at('r.example.com', 'fluxx'))).toMatchObject({ username: 'host' });
  });

  it('find the default public registry under its old address', async () => {
    const hub = 'docker.io';
    const find = source([await config({ auths: { [`https://index.${hub}/v1/`]: auth('ann:x') } })]);
    expect(await find(at(hub))).toMatchObject({ username: 'ann' });
  });

  it('know identity tokens and registry tokens', async () => {
    const find = source([
      await config({ auths: { 'a.example.com': { identitytoken: 'i' }, 'b.example.com': { registrytoken: 'r' } } }),
    ]);
    expect(await find(at('a.example.com'))).toMatchObject({ kind: 'identity-token', token: 'i' });
    expect(await find(at('b.example.com'))).toMatchObject({ kind: 'registry-token', token: 'r' });
  });

  it('ask a real helper over stdin, once, with nothing secret in its arguments', async () => {
    await helper(
      'one',
      'read server; echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"for $server\\",\\"Secret\\":\\"s3cret\\"}"',
    );
    const seen: ProcessRequest[] = [];
    const find = source(
      [await config({ credHelpers: { 'h.example.com': 'one' }, auths: { 'h.example.com': {} } })],
      seen,
    );
    expect(await find(at('h.example.com'))).toEqual({
      kind: 'password',
      username: 'for h.example.com',
      password: 's3cret',
      from: 'docker-credential-one',
    });
    await find(at('h.example.com', 'other'));
    expect(seen.map(({ argv }) => argv)).toEqual([['docker-credential-one', 'get']]);
  });

  it('take <token> as an identity token, and go past a store that knows nothing', async () => {
    await helper('token', 'echo \'{"Username":"<token>","Secret":"refresh"}\'');
    await helper('empty', 'echo "credentials not found in native keychain"; exit 1');
    const find = source([
      await config({
        credHelpers: { 'h.example.com': 'token' },
        credsStore: 'empty',
        auths: { 'r.example.com': auth('ann:x') },
      }),
    ]);
    expect(await find(at('h.example.com'))).toMatchObject({ kind: 'identity-token', token: 'refresh' });
    expect(await find(at('r.example.com'))).toMatchObject({ username: 'ann' });
    expect(await find(at('n.example.com'))).toBeUndefined();
  });

  it('look into the next file when the first does not know, and pass over absent ones', async () => {
    const first = await config({ auths: { 'a.example.com': auth('ann:x') } });
    const second = await config({ auths: { 'a.example.com': auth('late:x'), 'b.example.com': auth('bob:x') } });
    const find = source([join(folder, 'absent.json'), first, second]);
    expect(await find(at('a.example.com'))).toMatchObject({ username: 'ann' });
    expect(await find(at('b.example.com'))).toMatchObject({ username: 'bob', from: second });
  });

  it.each([
    ['no JSON', '{"auths": {"x": "s3cret', 'not JSON'],
    ['wrong types', { auths: { x: { auth: 7 } } }, 'auths.x.auth'],
    ['no colon', { auths: { 'r.example.com': { auth: Buffer.from('s3cret').toString('base64') } } }, 'user:password'],
  ])('refuse a file with %s without quoting it', async (_, value, why) => {
    const error: Error = await source([await config(value)])(at('r.example.com')).then(
      () => new Error('accepted'),
      (caught: Error) => caught,
    );
    expect(error).toMatchObject({ code: 'CREDENTIALS_INVALID' });
    expect(error.message).toContain(why);
    expect(JSON.stringify(error) + error.message).not.toContain('s3cret');
  });

  it.each([
    ['fails', 'echo s3cret; echo s3cret >&2; exit 3', 'exit code 3'],
    ['talks nonsense', 'echo s3cret', 'did not answer with JSON'],
  ])('name the helper that %s without quoting it', async (name, script, why) => {
    await helper('bad', script);
    const error: Error = await source([await config({ credsStore: 'bad' })])(at('r.example.com')).then(
      () => new Error(name),
      (caught: Error) => caught,
    );
    expect(error.message).toContain(why);
    expect(error.message + String(error.cause)).not.toContain('s3cret');
  });

  it('refuse a helper whose name is a path, and say when one is not installed', async () => {
    await expect(source([await config({ credsStore: '../evil' })])(at('r.example.com'))).rejects.toThrow('not allowed');
    await expect(source([await config({ credsStore: 'absent' })])(at('r.example.com'))).rejects.toThrow(
      'could not be started',
    );
  });

  it('are sought where the environment says, the most explicit first', () => {
    expect(dockerConfigFiles({}, '/home/ann')).toEqual(['/home/ann/.docker/config.json']);
    expect(
      dockerConfigFiles({ REGISTRY_AUTH_FILE: '/a', DOCKER_CONFIG: '/d', XDG_RUNTIME_DIR: '/run' }, '/home/ann'),
    ).toEqual(['/a', '/d/config.json', '/run/containers/auth.json']);
  });
});
