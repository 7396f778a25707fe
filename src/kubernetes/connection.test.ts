// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProcess } from '#core';
import { type Cluster, type ConnectionOptions, openCluster } from '#kubernetes';
import { createCertificate, createTestClock, type Loopback, type LoopbackAnswer, startLoopback } from '#testing';

const VERSION = { gitVersion: 'v1.36.3', major: '1', minor: '36', platform: 'linux/amd64' };
const status = (code: number, reason: string, message: string, details = {}): LoopbackAnswer => ({
  status: code,
  body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code, details },
});

let folder: string;
let server: Loopback;
let answer: (path: string) => LoopbackAnswer | Promise<LoopbackAnswer>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-connection-'));
  answer = () => ({ status: 200, body: VERSION });
  server = await startLoopback(({ path }) => answer(path));
});
afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function open(
  options: Partial<ConnectionOptions> = {},
  user = 'token: s3cret-token',
  url = server.url,
): Promise<Cluster> {
  const file = join(folder, 'config');
  await writeFile(
    file,
    `clusters: [{name: k, cluster: {server: "${url}"}}]\nusers: [{name: u, user: {${user}}}]\n` +
      'contexts: [{name: c, context: {cluster: k, user: u}}]\ncurrent-context: c\n',
  );
  return openCluster(
    { files: [file] },
    { clock: createTestClock(), run: runProcess, env: { PATH: process.env['PATH'] ?? '' }, ...options },
  );
}

describe('the connection to an API server', () => {
  it('refuses at once when nothing listens, naming address and context', async () => {
    const cluster = await open();
    await server.stop();
    await expect(cluster.version()).rejects.toMatchObject({
      code: 'CLUSTER_UNREACHABLE',
      family: 'network',
      where: `${server.url} (context c)`,
    });
  });

  it('waits for a server that has answered before, and gives up when its patience is over', async () => {
    const clock = createTestClock();
    const cluster = await open({ clock, patienceMilliseconds: 30_000 });
    await cluster.version();
    await server.stop();
    await expect(cluster.version()).rejects.toMatchObject({ code: 'CLUSTER_UNREACHABLE' });
    const waited = clock.slept.reduce((sum, one) => sum + one, 0);
    expect(waited).toBeGreaterThanOrEqual(30_000);
    expect(waited).toBeLessThan(40_000);
  });

  it('goes on when a server that was overloaded or starting answers again, as soon as it said', async () => {
    const clock = createTestClock();
    const cluster = await open({ clock });
    await cluster.version();
    server.answerNext({ ...status(429, 'TooManyRequests', 'slow down'), headers: { 'retry-after': '7' } });
    server.answerNext(status(503, 'ServiceUnavailable', 'starting'));
    server.answerNext(status(403, 'Forbidden', 'namespaces "a" is forbidden: not yet ready to handle request'));
    expect((await cluster.version()).minor).toBe(36);
    expect(clock.slept[0]).toBe(7000);
    expect(clock.slept).toHaveLength(3);
  });

  it('gives up on a server that never answers', async () => {
    answer = () => new Promise(() => {});
    const cluster = await open({ attemptMilliseconds: 100 });
    await expect(cluster.version()).rejects.toMatchObject({ code: 'CLUSTER_TIMED_OUT' });
  });

  it('stops when the run is stopped, with its reason', async () => {
    answer = () => new Promise(() => {});
    const stop = new AbortController();
    const cluster = await open({ signal: stop.signal });
    setTimeout(() => stop.abort(new Error('stopped by hand')), 50);
    await expect(cluster.version()).rejects.toThrow('stopped by hand');
  });

  it.each([
    [status(401, 'Unauthorized', 'Unauthorized'), 'CLUSTER_UNAUTHENTICATED'],
    [
      status(403, 'Forbidden', 'deployments.apps "a" is forbidden: User "me" cannot patch resource'),
      'CLUSTER_FORBIDDEN',
    ],
    [status(404, 'NotFound', 'not found'), 'CLUSTER_NOT_FOUND'],
    [status(409, 'Conflict', 'the object has been modified'), 'CLUSTER_CONFLICT'],
    [status(410, 'Expired', 'too old'), 'CLUSTER_GONE'],
    [status(422, 'Invalid', 'wrong'), 'CLUSTER_INVALID'],
    [{ status: 418, body: '<html>teapot' }, 'CLUSTER_REFUSED'],
    [{ status: 200, body: '<html>log in' }, 'CLUSTER_REFUSED'],
    [{ status: 302, headers: { location: 'https://login.example.com/' } }, 'CLUSTER_REFUSED'],
  ] satisfies [LoopbackAnswer, string][])('tells %j as %s', async (given, code) => {
    answer = () => given;
    await expect((await open()).version()).rejects.toMatchObject({ code, hint: expect.stringMatching(/\w/) });
  });

  it('names who owns the fields of a conflict', async () => {
    answer = (path) =>
      path.startsWith('/api/v1?') || path === '/api/v1'
        ? { status: 200, body: { resources: [{ name: 'configmaps', kind: 'ConfigMap', namespaced: true, verbs: [] }] } }
        : status(409, 'Conflict', 'Apply failed with 1 conflict', {
            causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "kubectl" using v1', field: '.data.a' }],
          });
    const applied = (await open()).apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'n' } },
      { manager: 'oakum' },
    );
    await expect(applied).rejects.toMatchObject({
      code: 'CLUSTER_CONFLICT',
      causes: [{ field: '.data.a', manager: 'kubectl' }],
      hint: expect.stringContaining('kubectl owns these fields'),
    });
  });

  it('does not create twice what may have been created', async () => {
    const cluster = await open();
    await cluster.version();
    answer = (path) =>
      path === '/api/v1'
        ? { status: 200, body: { resources: [{ name: 'configmaps', kind: 'ConfigMap', namespaced: true, verbs: [] }] } }
        : status(504, 'Timeout', 'no answer from etcd');
    await expect(
      cluster.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }),
    ).rejects.toMatchObject({ status: 504 });
    expect(server.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  it('shows no credential in any error', async () => {
    answer = () => status(403, 'Forbidden', 'no: Bearer s3cret-token');
    const error: unknown = await (await open()).version().catch((caught: unknown) => caught);
    const { message, hint, where } = error as { message: string; hint: string; where: string };
    expect(server.requests[0]?.headers.authorization).toBe('Bearer s3cret-token');
    expect(`${message}${hint}${where}`).not.toContain('s3cret');
  });

  it('asks a plugin for credentials, and again when they are no longer taken', async () => {
    const count = join(folder, 'count');
    const plugin = join(folder, 'plugin');
    await writeFile(
      plugin,
      `#!/bin/sh\nn=$(($(cat ${count} 2>/dev/null || echo 0)+1)); echo $n > ${count}\n` +
        'echo "{\\"apiVersion\\":\\"client.authentication.k8s.io/v1\\",\\"kind\\":\\"ExecCredential\\",\\"status\\":{\\"token\\":\\"t$n\\"}}"\n',
      { mode: 0o755 },
    );
    server.answerNext(status(401, 'Unauthorized', 'Unauthorized'));
    const cluster = await open({}, `exec: {apiVersion: client.authentication.k8s.io/v1, command: ${plugin}}`);
    expect((await cluster.version()).gitVersion).toBe('v1.36.3');
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer t1', 'Bearer t2']);
  });

  it.each([
    ['false', 'failed'],
    ['echo', 'ExecCredential'],
    ['/nonexistent/plugin', 'did not start'],
  ])('says what is wrong with a plugin: %s', async (command, words) => {
    const cluster = await open({}, `exec: {apiVersion: client.authentication.k8s.io/v1, command: "${command}"}`);
    await expect(cluster.version()).rejects.toMatchObject({
      code: 'CREDENTIAL_UNUSABLE',
      message: expect.stringContaining(words),
    });
  });

  it('does not believe a certificate that the kubeconfig does not vouch for, and does not try again', async () => {
    const { key, certificate } = createCertificate(['localhost'], ['127.0.0.1']);
    const tls = createTlsServer({ key, cert: certificate }, (_, response) => response.end(JSON.stringify(VERSION)));
    await new Promise<void>((resolve) => {
      tls.listen(0, '127.0.0.1', resolve);
    });
    try {
      const url = `https://127.0.0.1:${(tls.address() as AddressInfo).port}`;
      await expect((await open({}, 'token: x', url)).version()).rejects.toMatchObject({
        code: 'CLUSTER_UNTRUSTED',
        family: 'proof',
      });
      const ca = Buffer.from(certificate).toString('base64');
      const trusted = await open({}, 'token: x', `${url}", certificate-authority-data: "${ca}`);
      expect((await trusted.version()).minor).toBe(36);
    } finally {
      tls.close();
      tls.closeAllConnections();
    }
  });

  it('lists page by page, and from the start when the server has forgotten the list', async () => {
    const item = (name: string) => ({ metadata: { name } });
    const pages = [
      { metadata: { resourceVersion: '1', continue: 'next' }, items: [item('a')] },
      undefined,
      { metadata: { resourceVersion: '2', continue: 'next' }, items: [item('a')] },
      { metadata: { resourceVersion: '2' }, items: [item('b')] },
    ];
    answer = (path) => {
      if (path === '/api/v1')
        return { status: 200, body: { resources: [{ name: 'secrets', kind: 'Secret', namespaced: true, verbs: [] }] } };
      const page = pages.shift();
      return page === undefined ? status(410, 'Expired', 'gone') : { status: 200, body: page };
    };
    const found = await (await open()).list({ apiVersion: 'v1', kind: 'Secret' });
    expect(found.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual(['Secret a', 'Secret b']);
  });

  it('says what a wait was for when it takes too long', async () => {
    answer = (path) => (path === '/api/v1' ? { status: 200, body: { resources: [] } } : status(404, 'NotFound', 'no'));
    const waited = (await open()).waitFor(
      { apiVersion: 'v1', kind: 'Pod', name: 'p', namespace: 'n' },
      (pod) => pod !== undefined,
      {
        what: 'there',
        timeoutMilliseconds: 5000,
      },
    );
    await expect(waited).rejects.toMatchObject({ code: 'WAIT_TIMED_OUT', message: 'Pod n/p is not there after 5 s' });
  });
});
