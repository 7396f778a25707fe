// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createHttp } from '#core';
import { type Notice, openPost, openTargets, type TargetSettings, toNotice } from '#notifications';
import { createCertificate, createTestClock, type Loopback, startLoopback } from '#testing';

const NOW = new Date('2026-08-21T12:00:00Z');
const SECRET = 'T0K3N-that-nobody-may-see';
const certificate = createCertificate(['localhost'], ['127.0.0.1']);

let folder: string;
let receiver: Loopback;
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-notifications-'));
  receiver = await startLoopback(() => ({ status: 200 }));
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});
afterAll(async () => {
  await receiver.stop();
  await rm(folder, { recursive: true });
});

const notice = (name = 'GO-2026-0001', text = 'a <b> & c') =>
  toNotice({ kind: 'finding.new', subject: name, text, data: { release: '2.9.2' }, key: [name] }, NOW);

/** Opens the post of a test, its targets' addresses in variables U0, U1 ... */
async function open(name: string, urls: readonly string[], settings: readonly object[], authorities: string[] = []) {
  const env = Object.fromEntries(urls.map((url, index) => [`U${index}`, url]));
  const all = settings.map((one, index) => ({ url: { env: `U${index}` }, ...one }) as TargetSettings);
  const clock = createTestClock(NOW.toISOString());
  return openPost({
    file: join(folder, `${name}.json`),
    distribution: 'test',
    targets: await openTargets(all, { env, folder }),
    http: createHttp({ clock }),
    clock,
    signal: new AbortController().signal,
    authorities,
  });
}

const lastRequest = () => receiver.requests.at(-1);
const lastBody = () => JSON.parse(lastRequest()?.body.toString() ?? '');

async function tellOne(kind: string, one: Notice): Promise<void> {
  const post = await open(`one-${kind}`, [`${receiver.url}/hook/${SECRET}`], [{ kind }]);
  await post.tell([one]);
  expect(await post.deliver()).toEqual([]);
}

describe('a webhook', () => {
  it('gets a CloudEvent in structured mode', async () => {
    await tellOne('cloudevents', notice());
    expect(lastRequest()?.headers['content-type']).toBe('application/cloudevents+json; charset=UTF-8');
    expect(lastBody()).toEqual({
      specversion: '1.0',
      id: notice().id,
      source: '/oakum/test',
      type: 'dev.oakum.finding.new.v1',
      subject: 'GO-2026-0001',
      time: '2026-08-21T12:00:00.000Z',
      datacontenttype: 'application/json',
      data: { text: 'a <b> & c', release: '2.9.2' },
    });
  });

  it('of Slack gets text with nothing that Slack would take for a link or a mention', async () => {
    await tellOne('slack', notice('X', '<!channel> & <https://example.com|here>'));
    expect(lastBody()).toEqual({
      text: '[test] finding.new: &lt;!channel&gt; &amp; &lt;https://example.com|here&gt;',
    });
  });

  it('of no special kind gets the notice as JSON', async () => {
    await tellOne('json', notice());
    expect(lastBody()).toEqual({ distribution: 'test', ...notice() });
  });

  it('gets its user and password as a header, not in a URL', async () => {
    const post = await open('basic', [receiver.url.replace('//', '//me:p%40ss@')], [{ kind: 'json' }]);
    await post.tell([notice()]);
    await post.deliver();
    expect(lastRequest()?.headers['authorization']).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
  });

  it('that is in trouble for a moment is asked again at once', async () => {
    receiver.answerNext({ status: 503 });
    const before = receiver.requests.length;
    await tellOne('json', notice('again'));
    expect(receiver.requests.length - before).toBe(2);
  });
});

describe('the post', () => {
  it('tells the same thing once, also after a restart', async () => {
    const first = await open('once', [receiver.url], [{ kind: 'json' }]);
    expect((await first.tell([notice(), notice()])).length).toBe(1);
    await first.deliver();
    const before = receiver.requests.length;
    const second = await open('once', [receiver.url], [{ kind: 'json' }]);
    expect(await second.tell([notice()])).toEqual([]);
    await second.deliver();
    expect(receiver.requests.length).toBe(before);
  });

  it('keeps what could not be delivered, says why without the secret address, and sends it next time', async () => {
    receiver.answerNext({ status: 403 });
    const first = await open('kept', [`${receiver.url}/${SECRET}`], [{ kind: 'json' }]);
    await first.tell([notice()]);
    const failures = await first.deliver();
    expect(failures).toEqual([{ target: 'json U0', notice: notice().id, reason: 'json U0: it answered 403' }]);
    expect(await first.deliver()).toEqual(failures); // not tried twice by one round
    expect(await readFile(join(folder, 'kept.json'), 'utf8')).not.toContain(SECRET);
    const before = receiver.requests.length;
    expect(await (await open('kept', [receiver.url], [{ kind: 'json' }])).deliver()).toEqual([]);
    expect(receiver.requests.length).toBe(before + 1);
  });

  it('does not let one target that is away hold up another', async () => {
    const gone = await startLoopback(() => ({ status: 200 }));
    await gone.stop();
    const before = receiver.requests.length;
    const post = await open('two', [`${gone.url}/${SECRET}`, receiver.url], [{ kind: 'slack' }, { kind: 'json' }]);
    await post.tell([notice()]);
    const failures = await post.deliver();
    expect(failures.map(({ target }) => target)).toEqual(['slack U0']);
    expect(JSON.stringify(failures)).not.toContain(SECRET);
    expect(receiver.requests.length).toBe(before + 1);
  });

  it('tells a target only what it wants', async () => {
    const before = receiver.requests.length;
    const post = await open('events', [receiver.url], [{ kind: 'json', events: ['fix.published'] }]);
    expect((await post.tell([notice()])).length).toBe(1);
    await post.deliver();
    expect(receiver.requests.length).toBe(before);
  });

  it('does not take a damaged record for an empty one', async () => {
    await writeFile(join(folder, 'damaged.json'), '{"version":1,"told":');
    await expect(open('damaged', [], [])).rejects.toMatchObject({ code: 'OUTBOX_DAMAGED' });
  });
});

describe('an address', () => {
  it('that is missing is named by its variable or file', async () => {
    const places = { env: {}, folder };
    const of = (url: TargetSettings['url']) => openTargets([{ kind: 'slack', url }], places);
    await expect(of({ env: 'HOOK' })).rejects.toMatchObject({ code: 'SECRET_MISSING', where: 'HOOK' });
    await expect(of({ file: 'hook' })).rejects.toMatchObject({ code: 'SECRET_MISSING', where: 'hook' });
    await writeFile(join(folder, 'hook'), 'https://example.com/x\n');
    expect((await of({ file: 'hook' }))[0]?.url.href).toBe('https://example.com/x');
  });

  it('without TLS is refused, unless it is said to be so', async () => {
    const places = { env: { HOOK: `http://example.com/${SECRET}` }, folder };
    const url = { env: 'HOOK' };
    const refused = await openTargets([{ kind: 'json', url }], places).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'ADDRESS_INVALID' });
    expect(JSON.stringify(refused)).not.toContain(SECRET);
    expect(await openTargets([{ kind: 'json', url, insecure: true }], places)).toHaveLength(1);
  });
});

interface Mail {
  readonly to: readonly string[];
  readonly text: string;
  readonly user: string | undefined;
  readonly secure: boolean;
}

async function startMail(
  options: SMTPServerOptions = {},
  address = '127.0.0.1',
): Promise<{ port: number; mails: Mail[] }> {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    logger: false,
    authOptional: true,
    onAuth: ({ username, password }, _session, done) =>
      password === 'p@ss' ? done(null, { user: username }) : done(new Error('no')),
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const to = session.envelope.rcptTo.map(({ address }) => address);
        const user = typeof session.user === 'string' ? session.user : undefined;
        mails.push({ to, text: Buffer.concat(chunks).toString(), user, secure: session.secure });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => {}); // a client that refuses the certificate
  await new Promise<void>((resolve) => void server.listen(0, address, resolve));
  stops.push(() => new Promise((resolve) => server.close(resolve)));
  return { port: (server.server.address() as AddressInfo).port, mails };
}

const EMAIL = { kind: 'email', from: 'oakum@example.com', to: ['a@example.com', 'b@example.com'] };

describe('mail', () => {
  it('goes to all its receivers over TLS, with a login', async () => {
    const { port, mails } = await startMail({ secure: true, key: certificate.key, cert: certificate.certificate });
    const url = `smtps://me:p%40ss@localhost:${port}`;
    const post = await open('mail', [url], [EMAIL], [certificate.certificate]);
    await post.tell([notice('GO-2026-0001\r\nBcc: x@example.com')]);
    expect(await post.deliver()).toEqual([]);
    expect(mails).toMatchObject([{ to: EMAIL.to, user: 'me', secure: true }]);
    expect(mails[0]?.text).toMatch(/^Subject: \[test\] finding\.new: GO-2026-0001 Bcc: x@example\.com$/m);
    expect(mails[0]?.text).toContain('a <b> & c');
  });

  it('is raised to TLS by STARTTLS', async () => {
    const { port, mails } = await startMail({ key: certificate.key, cert: certificate.certificate });
    const post = await open('starttls', [`smtp://localhost:${port}`], [EMAIL], [certificate.certificate]);
    await post.tell([notice()]);
    expect(await post.deliver()).toEqual([]);
    expect(mails).toMatchObject([{ secure: true }]);
  });

  it('is not sent to a server whose certificate nobody vouches for', async () => {
    const { port, mails } = await startMail({ secure: true, key: certificate.key, cert: certificate.certificate });
    const post = await open('untrusted', [`smtps://me:p%40ss@localhost:${port}`], [EMAIL]);
    await post.tell([notice()]);
    const [failure] = await post.deliver();
    expect(failure?.reason).toMatch(/certificate/);
    expect(failure?.reason).not.toContain('p@ss');
    expect(mails).toEqual([]);
  });

  it('is not sent in the clear to another machine, whose server offers no TLS', async () => {
    const { port, mails } = await startMail({ disabledCommands: ['STARTTLS'] }, '127.0.0.2'); // not what counts as this machine
    const post = await open('clear', [`smtp://127.0.0.2:${port}`], [EMAIL]);
    await post.tell([notice()]);
    expect((await post.deliver())[0]?.reason).toMatch(/STARTTLS/);
    expect(mails).toEqual([]);
  });

  it('that the server refuses for good stays in the outbox, and is not tried again in this round', async () => {
    let connections = 0;
    const { port } = await startMail({
      disabledCommands: ['STARTTLS'],
      onMailFrom: (_address, _session, done) => {
        connections += 1;
        done(Object.assign(new Error('not you'), { responseCode: 550 }));
      },
    });
    const post = await open('refused', [`smtp://127.0.0.1:${port}`], [EMAIL]);
    await post.tell([notice()]);
    expect((await post.deliver())[0]?.reason).toMatch(/550 not you/);
    expect(connections).toBe(1);
  });

  it('that the server can not take now is tried again', async () => {
    let refusals = 1;
    const { port, mails } = await startMail({
      disabledCommands: ['STARTTLS'],
      onMailFrom: (_address, _session, done) =>
        done(refusals-- > 0 ? Object.assign(new Error('busy'), { responseCode: 451 }) : null),
    });
    const post = await open('busy', [`smtp://127.0.0.1:${port}`], [EMAIL]);
    await post.tell([notice()]);
    expect(await post.deliver()).toEqual([]);
    expect(mails).toHaveLength(1);
  });
});
