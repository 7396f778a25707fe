// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProcess, systemClock } from '#core';
import { buildManifest, toDocument } from '#image';
import { BUCKET_OBJECTS, type ScenarioServers, startServers } from './servers.ts';
import { signWebhook } from './sink.ts';

const folder = mkdtempSync(join(tmpdir(), 'oakum-scenario-'));
const searchPath = process.env['PATH'] ?? '';
let servers: ScenarioServers;
const authority = join(folder, 'ca.pem');
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content, { mode: 0o600 });
  return join(folder, name);
};

beforeAll(async () => {
  const tools = { run: runProcess, searchPath, clock: systemClock(), signal: new AbortController().signal };
  servers = await startServers(folder, tools);
  file('ca.pem', servers.identity.authority);
});
afterAll(async () => {
  await servers.stop();
  rmSync(folder, { recursive: true });
});

/** Runs a real client; gives exit code and all that it printed. */
function client(argv: readonly string[], env: Record<string, string> = {}): Promise<{ code: number; text: string }> {
  return new Promise((resolve, reject) => {
    const [program = '', ...rest] = argv;
    const child = spawn(program, rest, { env: { PATH: searchPath, HOME: folder, ...env } });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.on('error', reject).on('close', (code) => resolve({ code: code ?? 1, text }));
  });
}

const curl = (...args: readonly string[]) => client(['curl', '-sS', '--cacert', authority, ...args]);
const user = () => `${servers.login.username}:${servers.login.password}`;
const ssh = () => ({
  GIT_SSH_COMMAND: `ssh -F none -i ${file('identity', servers.gitSsh.identity)} -o IdentitiesOnly=yes -o UserKnownHostsFile=${file('known_hosts', servers.gitSsh.knownHosts)} -o StrictHostKeyChecking=yes`,
});

describe('the Git server over HTTPS', () => {
  const https = () => ({ GIT_SSL_CAINFO: authority, GIT_TERMINAL_PROMPT: '0' });
  const url = (login = user()) => `https://${login}@${servers.gitHttps.host}/https.git`;
  beforeAll(() => servers.repositories.create('https', { 'a/b.txt': 'one\n', 'c d.txt': 'zwei: ü\n' }));

  it('gives what was committed to git, with history', async () => {
    await servers.repositories.commit('https', { 'a/b.txt': 'two\n' }, 'Second\n\nwith a body');
    const target = join(folder, 'clone');
    expect(await client(['git', 'clone', '-q', url(), target], https())).toMatchObject({ code: 0 });
    expect(readFileSync(join(target, 'a/b.txt'), 'utf8')).toBe('two\n');
    const log = await client(['git', '-C', target, 'log', '--format=%s', '--name-status']);
    expect(log.text).toBe('Second\n\nM\ta/b.txt\nD\tc d.txt\nStart\n\nA\ta/b.txt\nA\tc d.txt\n');
  });

  it('takes a push', async () => {
    const target = join(folder, 'pushing');
    await client(['git', 'clone', '-q', url(), target], https());
    writeFileSync(join(target, 'pushed.txt'), 'x'.repeat(2_000_000)); // more than one piece of a chunked body
    const git = (...args: string[]) =>
      client(['git', '-C', target, '-c', 'user.name=t', '-c', 'user.email=t@t.test', ...args], https());
    await git('add', '.');
    await git('commit', '-qm', 'Pushed');
    expect(await git('push', '-q', 'origin', 'main')).toMatchObject({ code: 0 });
    expect(await servers.repositories.git('https', 'log', '-1', '--format=%an %s', 'main')).toBe('t Pushed');
  });

  it('refuses a wrong password, and a client that does not know its CA', async () => {
    const wrong = await client(['git', 'ls-remote', url('oakum:wrong')], https());
    expect(wrong).toMatchObject({ code: 128, text: expect.stringContaining('Authentication failed') });
    const distrust = await client(['git', 'ls-remote', url()], { GIT_TERMINAL_PROMPT: '0' });
    expect(distrust).toMatchObject({ code: 128, text: expect.stringContaining('certificate') });
  });

  it('says so where there is no such repository, and stays', async () => {
    const missing = await client(['git', 'ls-remote', url().replace('https.git', 'none.git')], https());
    expect(missing).toMatchObject({ code: 128, text: expect.stringContaining('not found') });
    expect(await client(['git', 'ls-remote', url()], https())).toMatchObject({ code: 0 });
  });
});

describe('the Git server over SSH', () => {
  const url = () => `ssh://git@${servers.gitSsh.host}/ssh.git`;
  beforeAll(() => servers.repositories.create('ssh', { 'a.txt': 'one\n' }));

  it('serves git with the known host and the key', async () => {
    const target = join(folder, 'ssh-clone');
    expect(await client(['git', 'clone', '-q', url(), target], ssh())).toMatchObject({ code: 0, text: '' });
    expect(readFileSync(join(target, 'a.txt'), 'utf8')).toBe('one\n');
  });

  it('refuses another key', async () => {
    await client(['ssh-keygen', '-q', '-t', 'ecdsa', '-N', '', '-f', join(folder, 'other')]);
    const env = { GIT_SSH_COMMAND: ssh().GIT_SSH_COMMAND.replace('/identity', '/other') };
    const refused = await client(['git', 'ls-remote', url()], env);
    expect(refused).toMatchObject({ code: 128, text: expect.stringContaining('Permission denied (publickey)') });
  });

  it.each(['echo hello', "git-upload-pack '../../etc.git'", "git-upload-pack 'a.git'; id", 'git-shell'])(
    'runs nothing but git on a repository: not %s',
    async (command) => {
      const options = ssh().GIT_SSH_COMMAND.split(' ');
      const [address = '', port = ''] = servers.gitSsh.host.split(':');
      const refused = await client([...options, '-p', port, `git@${address}`, command]);
      expect(refused.code).not.toBe(0);
      expect(refused.text).not.toMatch(/hello|uid=/);
    },
  );
});

describe('the bucket', () => {
  const unsigned = ['-H', 'x-amz-content-sha256: UNSIGNED-PAYLOAD'];
  const signing = ['-w', '\n%{http_code}', ...unsigned, '--aws-sigv4', 'aws:amz:us-east-1:s3'];
  const signed = (path: string, secretKey = servers.bucket.credential.secretKey) =>
    curl(
      ...signing,
      '--user',
      `${servers.bucket.credential.accessKey}:${secretKey}`,
      `https://${servers.bucket.host}${path}`,
    );

  it('lists its keys, in pages', async () => {
    const all = await signed('/oakum/?encoding-type=url&list-type=2');
    expect(all.text).toContain('<EncodingType>url</EncodingType>'); // without it, minio-go takes names as they are
    expect(all.text).toContain('<Key>notes%20with%20blanks%20%26%20more.txt</Key>');
    const first = await signed('/oakum/?list-type=2&max-keys=1');
    expect(first.text).toContain('<IsTruncated>true</IsTruncated>');
    const second = await signed('/oakum/?continuation-token=deploy%2Fsettings.yaml&list-type=2&max-keys=1');
    expect(second.text).toContain('<IsTruncated>false</IsTruncated>');
    expect(second.text).toContain('<Key>notes with blanks &#38; more.txt</Key>');
  });

  it('gives an object, and tells of its place', async () => {
    const object = await signed('/oakum/deploy/settings.yaml');
    expect(object.text).toBe(`${BUCKET_OBJECTS['deploy/settings.yaml']}\n200`);
    expect((await signed('/oakum/?location=')).text).toContain('>us-east-1</LocationConstraint>');
  });

  it('answers with the codes of S3 where there is nothing', async () => {
    expect((await signed('/oakum/none')).text).toContain('<Code>NoSuchKey</Code>');
    expect((await signed('/other/')).text).toContain('<Code>NoSuchBucket</Code>');
  });

  it('refuses a wrong secret, and no signature', async () => {
    expect((await signed('/oakum/?list-type=2', 'wrong')).text).toMatch(/SignatureDoesNotMatch.*\n403$/s);
    expect((await curl(`https://${servers.bucket.host}/oakum/?list-type=2`)).text).toContain('AccessDenied');
  });
});

describe('the registry', () => {
  it('lists tags in pages and refuses strangers', async () => {
    for (const tag of ['b', 'a', 'c']) {
      servers.registry.put('one/two', tag, { config: { mediaType: 'x/y', bytes: Buffer.from(tag) }, layers: [] });
    }
    const url = `https://${servers.registry.host}/v2/one/two/tags/list`;
    expect(JSON.parse((await curl('-u', user(), url)).text)).toEqual({ name: 'one/two', tags: ['a', 'b', 'c'] });
    const page = await curl('-i', '-u', user(), `${url}?n=2`);
    expect(page.text).toMatch(/link: <\/v2\/one\/two\/tags\/list\?n=2&last=b>; rel="next"/);
    expect((await curl('-u', user(), `${url}?n=2&last=b`)).text).toContain('["c"]');
    expect((await curl('-i', url)).text).toContain('HTTP/1.1 401');
  });

  it('gives a copied artifact as it was, and lists what refers to it', async () => {
    const config = toDocument({}, 'application/vnd.oci.empty.v1+json');
    const manifest = buildManifest({ config: config.descriptor, layers: [] });
    const subject = manifest.descriptor;
    const referrer = buildManifest({ config: config.descriptor, layers: [], subject, artifactType: 'x/signature' });
    const signature = { manifest: referrer, blobs: [config] };
    servers.registry.copy('copied', 'v1', { manifest, blobs: [config], referrers: [signature] });
    const get = async (path: string) =>
      (await curl('-u', user(), `https://${servers.registry.host}/v2/copied/${path}`)).text;
    expect(await get('manifests/v1')).toBe(manifest.bytes.toString());
    expect(await get(`manifests/${referrer.descriptor.digest}`)).toBe(referrer.bytes.toString());
    expect(await get(`blobs/${config.descriptor.digest}`)).toBe('{}');
    expect(await get(`referrers/${subject.digest}`)).toContain(referrer.descriptor.digest);
    expect(JSON.parse(await get(`referrers/${referrer.descriptor.digest}`))).toMatchObject({ manifests: [] });
  });
});

describe('the Helm repository', () => {
  it('gives files to its user only', async () => {
    servers.charts.put('x/index.yaml', 'entries: {}\n');
    const url = `https://${servers.charts.host}/x/index.yaml`;
    expect((await curl('-u', user(), url)).text).toBe('entries: {}\n');
    expect((await curl('-o', '/dev/null', '-w', '%{http_code}', url)).text).toBe('401');
  });
});

describe('the alert sink', () => {
  const send = (signature: string, body: string) =>
    curl('-w', '%{http_code}', '-H', `X-Signature: ${signature}`, '-d', body, `https://${servers.sink.host}/`);

  it('keeps what is signed, and refuses the rest', async () => {
    const body = '{"reason":"Tested"}';
    expect((await send(signWebhook(body, servers.sink.secret), body)).text).toBe('200');
    expect((await send(signWebhook(body, 'wrong'), body)).text).toContain('403');
    expect((await send('', body)).text).toContain('403');
    expect(servers.sink.events).toEqual([{ reason: 'Tested' }]);
    expect(servers.sink.refused()).toBe(2);
  });

  it('answers with an error to what is no JSON, and to what is too large', async () => {
    expect((await send(signWebhook('no', servers.sink.secret), 'no')).text).toContain('500');
    const large = file('large', 'x'.repeat(2 << 20));
    const answer = await curl('-w', '%{http_code}', '--data-binary', `@${large}`, `https://${servers.sink.host}/`);
    expect(answer.text).toContain('500');
  });
});
