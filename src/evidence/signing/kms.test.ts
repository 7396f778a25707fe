// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createHttp, digestOf, systemClock } from '#core';
import { preAuthEncoding } from '#formats';
import { type KeyManagement, type KeyManagementOptions, startKeyManagement } from '#testing';
import { PREDICATES, STATEMENT_MEDIA_TYPE, toStatement } from '../statement.ts';
import { openAwsKms, parseAwsKeyReference } from './aws-kms.ts';
import { signAwsRequest } from './aws-request.ts';
import { formatPublicKey } from './key-file.ts';
import { createKmsSigner, type KeyService } from './kms-signer.ts';

const clock = systemClock();
const http = createHttp({ clock });
const folder = mkdtempSync(join(tmpdir(), 'oakum-kms-'));
const statement = toStatement({ name: 'image', digest: digestOf('image') }, PREDICATES.cosignSignature, {});
const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

let running: KeyManagement | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});
afterAll(() => rmSync(folder, { recursive: true }));

async function open(options: KeyManagementOptions = {}, keyId?: string): Promise<KeyService> {
  running = await startKeyManagement(options);
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: SECRET, sessionToken: 'session-token-value' };
  return openAwsKms({
    http,
    clock,
    region: 'eu-central-1',
    endpoint: running.url,
    keyId: keyId ?? 'alias/oakum',
    credentials,
  });
}

/** OpenSSL's verdict on a signature. */
function opensslAccepts(publicKey: string, data: Buffer, signature: Buffer): boolean {
  const paths = ['key.pem', 'data', 'sig'].map((name) => join(folder, name));
  const [key = '', file = '', sig = ''] = paths;
  writeFileSync(key, publicKey);
  writeFileSync(file, data);
  writeFileSync(sig, signature);
  return spawnSync('openssl', ['dgst', '-sha256', '-verify', key, '-signature', sig, file]).status === 0;
}

describe('the signer of AWS requests', () => {
  // get-vanilla and post-vanilla of the AWS Signature Version 4 test suite.
  const scope = {
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: SECRET },
    region: 'us-east-1',
    service: 'service',
    now: new Date('2015-08-30T12:36:00Z'),
  };

  it.each([
    ['GET', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['POST', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  ])('signs %s as the test suite has it', (method, signature) => {
    const request = { method, url: 'https://example.amazonaws.com/', headers: {}, body: '' };
    expect(signAwsRequest(request, scope)['authorization']).toBe(
      `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    );
  });
});

describe('the KMS signer', () => {
  it.each(['ECC_NIST_P256', 'RSA_3072'] as const)('signs with %s what openssl accepts', async (keySpec) => {
    const service = await open({ keySpec });
    const { bundle } = await createKmsSigner(service).sign(statement);
    const { dsseEnvelope } = JSON.parse(JSON.stringify(bundle)) as {
      dsseEnvelope: { payload: string; signatures: [{ sig: string }] };
    };
    const data = preAuthEncoding(STATEMENT_MEDIA_TYPE, Buffer.from(dsseEnvelope.payload, 'base64'));
    const signature = Buffer.from(dsseEnvelope.signatures[0].sig, 'base64');
    expect(opensslAccepts(formatPublicKey(await service.publicKey()), data, signature)).toBe(true);
    expect(opensslAccepts(formatPublicKey(await service.publicKey()), Buffer.from('other'), signature)).toBe(false);
  });

  it('asks for the key once, and for each signature with a digest', async () => {
    const signer = createKmsSigner(await open());
    await Promise.all([signer.sign(statement), signer.signPayload(Buffer.from('payload'))]);
    expect(await signer.recognises((await signer.sign(statement)).bundle)).toBe(true);
    const targets = running?.requests.map(({ headers }) => headers['x-amz-target']).sort();
    const sign = 'TrentService.Sign';
    expect(targets).toEqual(['TrentService.GetPublicKey', sign, sign, sign]);
  });

  it('finds out a service that hashes the digest again', async () => {
    const signer = createKmsSigner(await open({ fault: 'hashes-again' }));
    await expect(signer.sign(statement)).rejects.toMatchObject({ code: 'KMS_SIGNATURE_WRONG' });
  });

  it('tells what the service said, and no credential', async () => {
    const service = await open({}, 'alias/unknown');
    await expect(service.publicKey()).rejects.toMatchObject({
      code: 'SIGNING_REFUSED',
      message: expect.stringContaining("answered 400: NotFoundException: Key 'alias/unknown' does not exist") as string,
    });
    running?.answerNext({ status: 400, body: { __type: 'X', message: `${SECRET} session-token-value AKIDEXAMPLE` } });
    const echo = await service.publicKey().catch((caught: unknown) => caught as Error);
    const text = JSON.stringify(echo, Object.getOwnPropertyNames(echo));
    for (const secret of [SECRET, 'session-token-value', 'AKIDEXAMPLE']) expect(text).not.toContain(secret);
  });

  it('refuses an answer without key or signature', async () => {
    const service = await open();
    running?.answerNext({ status: 200, body: {} });
    await expect(service.publicKey()).rejects.toMatchObject({ code: 'SIGNING_ANSWER_INVALID' });
    running?.answerNext({ status: 200, body: { PublicKey: 'AAAA' } });
    await expect(service.publicKey()).rejects.toMatchObject({ code: 'SIGNING_ANSWER_INVALID' });
    running?.answerNext({ status: 200, body: 'text' });
    await expect(service.signDigest(Buffer.alloc(32), 'ecdsa-sha256')).rejects.toMatchObject({
      code: 'SIGNING_ANSWER_INVALID',
    });
  });
});

describe('the reader of AWS KMS references', () => {
  it.each([
    ['awskms:///alias/oakum', { keyId: 'alias/oakum' }],
    ['awskms:///1234abcd-12ab-34cd-56ef-1234567890ab', { keyId: '1234abcd-12ab-34cd-56ef-1234567890ab' }],
    [
      'awskms:///arn:aws:kms:eu-central-1:111122223333:key/1234',
      { keyId: 'arn:aws:kms:eu-central-1:111122223333:key/1234', region: 'eu-central-1' },
    ],
    ['awskms://kms.example:4599/alias/x', { keyId: 'alias/x', endpoint: 'https://kms.example:4599' }],
    ['awskms://', undefined],
    ['gcpkms://x/y', undefined],
    ['awskms:///a b', undefined],
  ])('reads %s', (text, expected) => {
    expect(parseAwsKeyReference(text)).toEqual(expected);
  });
});
