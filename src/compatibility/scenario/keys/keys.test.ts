// SPDX-License-Identifier: Apache-2.0
import { request } from 'node:https';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '#core';
import { type Outside, startOutside } from '../../outside.ts';
import { KEY_SERVICES, type KeyServices, startKeyServices } from './key-services.ts';
import { readMessage, writeMessage } from './protobuf.ts';
import { createSealedBox } from './sealed-box.ts';

let outside: Outside;
let services: KeyServices;
beforeAll(async () => {
  outside = await startOutside(systemClock());
  services = await startKeyServices(outside);
});
afterAll(() => Promise.all([services.stop(), outside.stop()]));

/** Asks the proxy for a place; gives its first line, and the connection. */
function throughProxy(place: string) {
  const socket = connect(Number(new URL(outside.proxy).port), '127.0.0.1');
  return new Promise<{ line: string; socket: typeof socket }>((resolve, reject) => {
    socket.on('error', reject).once('data', (data: Buffer) => {
      resolve({ line: data.toString('latin1').split('\r\n', 1)[0] ?? '', socket });
    });
    socket.write(`CONNECT ${place} HTTP/1.1\r\nhost: ${place}\r\n\r\n`);
  });
}

async function secure(place: string, protocols: readonly string[] = []): Promise<TLSSocket> {
  const { socket } = await throughProxy(place);
  const servername = place.split(':', 1)[0] ?? '';
  const tls = connectTls({ socket, servername, ca: outside.authority.certificate, ALPNProtocols: [...protocols] });
  await new Promise((resolve, reject) => tls.once('secureConnect', () => resolve(undefined)).once('error', reject));
  return tls;
}

interface Answer {
  readonly status: number | undefined;
  readonly text: string;
  readonly challenge: string | undefined;
}

async function ask(place: string, path: string, options: { body?: string; headers?: object } = {}): Promise<Answer> {
  const socket = await secure(place);
  return new Promise((resolve, reject) => {
    const headers = { host: place.replace(':443', ''), ...options.headers };
    const asked = request({ createConnection: () => socket, method: 'POST', path, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode, text, challenge: response.headers['www-authenticate'] });
      });
    });
    asked.on('error', reject).end(options.body ?? '');
  });
}

describe('the world outside', () => {
  it('leads to services under their own names, and nowhere else', async () => {
    expect((await throughProxy('vault.scenario.test:8200')).line).toBe('HTTP/1.1 200 Connection established');
    expect((await throughProxy('example.com:443')).line).toBe('HTTP/1.1 502 Bad Gateway');
    expect((await throughProxy(new URL(outside.proxy).host)).line).toBe('HTTP/1.1 502 Bad Gateway');
  });

  it('has certificates of its authority for these names alone', async () => {
    for (const name of KEY_SERVICES) {
      for (const place of Object.keys(services.of[name].places)) (await secure(place)).destroy();
    }
    const { socket } = await throughProxy('vault.scenario.test:8200');
    const stranger = connectTls({ socket, servername: 'vault.scenario.test' });
    await expect(new Promise((_, reject) => stranger.once('error', reject))).rejects.toThrow(/certificate/);
  });
});

describe('the key management service', () => {
  it('of AWS refuses what is not signed, or by another', async () => {
    const place = 'kms.eu-central-1.amazonaws.com:443';
    const target = { 'x-amz-target': 'TrentService.Decrypt' };
    expect((await ask(place, '/', { headers: target, body: '{}' })).text).toContain('InvalidSignatureException');
    const scope = 'AKIAOAKUMSCENARIO/20260821/eu-central-1/s3/aws4_request';
    const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=${'0'.repeat(64)}`;
    expect(await ask(place, '/', { headers: { ...target, authorization }, body: '{}' })).toMatchObject({
      status: 400,
      text: expect.stringContaining('SignatureDoesNotMatch'),
    });
  });

  it('of Azure says where to get a token, and gives none for a wrong secret', async () => {
    const vault = await ask('oakum-scenario.vault.azure.net:443', '/keys/sops/1/decrypt');
    expect(vault.status).toBe(401);
    const [, tenant = ''] =
      /authorization="https:\/\/login\.microsoftonline\.com\/([^"]+)"/.exec(vault.challenge ?? '') ?? [];
    const form = 'grant_type=client_credentials&client_id=x&client_secret=y&scope=https://vault.azure.net/.default';
    const login = await ask('login.microsoftonline.com:443', `/${tenant}/oauth2/v2.0/token`, { body: form });
    expect(login).toMatchObject({ status: 401, text: expect.stringContaining('invalid_client') });
  });

  it('of Google gives no token for a JWT that the account has not signed', async () => {
    const claims = Buffer.from('{"iss":"kustomize-controller@oakum-scenario.iam.gserviceaccount.com"}').toString(
      'base64url',
    );
    const body = `grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=e30.${claims}.AAAA`;
    const login = await ask('oauth2.googleapis.com:443', '/token', { body });
    expect(login).toMatchObject({ status: 400, text: expect.stringContaining('invalid_grant') });
  });

  it.each([
    ['Decrypt', Buffer.from('no frame'), '13'],
    ['Decrypt', Buffer.alloc(5), '16'],
    ['Destroy', Buffer.alloc(5), '12'],
  ])('of Google refuses a call of %s without token, or cut, by its status', async (method, frame, status) => {
    const socket = await secure('cloudkms.googleapis.com:443', ['h2']);
    const session = connectHttp2('https://cloudkms.googleapis.com', { createConnection: () => socket });
    const stream = session.request({
      ':method': 'POST',
      ':path': `/google.cloud.kms.v1.KeyManagementService/${method}`,
      'content-type': 'application/grpc',
    });
    const trailers = new Promise<Record<string, unknown>>((resolve) => stream.on('trailers', resolve));
    stream.resume().end(frame);
    expect((await trailers)['grpc-status']).toBe(status);
    session.destroy();
  });

  it('of Vault refuses a stranger, another route and a foreign ciphertext', async () => {
    const place = 'vault.scenario.test:8200';
    const token = { 'x-vault-token': services.of['Vault transit'].credentials.text };
    const path = '/v1/transit/decrypt/sops';
    expect(await ask(place, path, { body: '{}' })).toMatchObject({ status: 403 });
    expect(await ask(place, '/v1/transit/keys', { headers: token })).toMatchObject({ status: 404 });
    const foreign = JSON.stringify({ ciphertext: `vault:v1:${Buffer.alloc(40).toString('base64')}` });
    const refused = await ask(place, path, { headers: token, body: foreign });
    expect(refused).toMatchObject({ status: 400, text: expect.stringContaining('message authentication failed') });
    expect(services.of['Vault transit'].unwrapped()).toBe(0);
  });

  it('of Vault opens what it has wrapped', async () => {
    const vault = services.of['Vault transit'];
    const { entry } = await vault.wrap(Buffer.from('data key'), new Date(0));
    const body = JSON.stringify({ ciphertext: entry['enc'] });
    const headers = { 'x-vault-token': vault.credentials.text };
    const answer = await ask('vault.scenario.test:8200', '/v1/transit/decrypt/sops', { headers, body });
    expect(JSON.parse(answer.text).data).toEqual({ plaintext: Buffer.from('data key').toString('base64') });
    expect(vault.unwrapped()).toBe(1);
  });
});

describe('the sealed box', () => {
  it('opens what it sealed, and nothing changed, cut or bound to another', () => {
    const box = createSealedBox();
    const sealed = box.seal(Buffer.from('data key'), 'key 1');
    expect(box.open(sealed, 'key 1').toString()).toBe('data key');
    expect(() => box.open(sealed, 'key 2')).toThrow();
    expect(() => box.open(sealed.subarray(0, 20), 'key 1')).toThrow(RangeError);
    expect(() => createSealedBox().open(sealed, 'key 1')).toThrow();
  });
});

describe('the reader of protobuf messages', () => {
  it('reads what is written, whatever fields it has', () => {
    const fields = fc.dictionary(fc.integer({ min: 1, max: 100_000 }).map(String), fc.uint8Array({ maxLength: 300 }));
    fc.assert(
      fc.property(fields, (record) => {
        const read = readMessage(writeMessage(record));
        expect([...read].map(([field, value]) => [String(field), [...value]])).toEqual(
          Object.entries(record).map(([field, value]) => [field, [...value]]),
        );
      }),
    );
  });

  it('passes over numbers, and refuses what is cut or endless', () => {
    expect([
      ...readMessage(Buffer.from('08ac02 15 01020304 19 0102030405060708 2201ff'.replaceAll(' ', ''), 'hex')),
    ]).toEqual([[4, Buffer.from([0xff])]]);
    for (const cut of ['0a05ff', '08', '15ff', 'ffffffffffffffffffff01', '0b']) {
      expect(() => readMessage(Buffer.from(cut, 'hex'))).toThrow(RangeError);
    }
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        try {
          readMessage(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});
