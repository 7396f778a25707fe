// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KeyPair } from '../../certificates.ts';
import { sopsTime } from '../content/sops.ts';
import { readRequest, startHttps } from '../servers/https.ts';
import { signatureFault } from '../servers/aws-signature.ts';
import { createSealedBox } from './sealed-box.ts';
import { type KeyService, type KeyServiceKind, memberOf, sendJson } from './service.ts';

const REGION = 'eu-central-1';
/** The second is asked where AWS_USE_FIPS_ENDPOINT is set. */
const HOSTS = [`kms.${REGION}.amazonaws.com`, `kms-fips.${REGION}.amazonaws.com`];
const TYPE = 'application/x-amz-json-1.1';

/**
 * A key of AWS KMS: Encrypt and Decrypt of its API reference, in JSON 1.1, without encryption context and grants. A request
 * whose Signature Version 4 does not fit is refused.
 */
export const awsKms: KeyServiceKind = { hosts: HOSTS, start };

async function start(identity: KeyPair): Promise<KeyService> {
  const arn = `arn:aws:kms:${REGION}:111122223333:key/${randomUUID()}`;
  const credential = { accessKey: 'AKIAOAKUMSCENARIO', secretKey: randomBytes(30).toString('base64') };
  const box = createSealedBox();
  let unwrapped = 0;
  const operations: Readonly<Record<string, (body: Buffer) => object>> = {
    'TrentService.Encrypt': (body) => ({
      CiphertextBlob: box.seal(Buffer.from(memberOf(body, 'Plaintext'), 'base64'), arn).toString('base64'),
    }),
    'TrentService.Decrypt': (body) => {
      const plain = box.open(Buffer.from(memberOf(body, 'CiphertextBlob'), 'base64'), memberOf(body, 'KeyId'));
      unwrapped += 1;
      return { Plaintext: plain.toString('base64') };
    },
  };
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readRequest(request);
    const payload = createHash('sha256').update(body).digest('hex');
    const fault = signatureFault(request, credential, { service: 'kms', payload });
    if (fault !== undefined) return refuse(response, 'InvalidSignatureException', fault);
    const operation = operations[String(request.headers['x-amz-target'])];
    if (operation === undefined) return refuse(response, 'UnknownOperationException', 'neither Encrypt nor Decrypt');
    if (memberOf(body, 'KeyId') !== arn) return refuse(response, 'NotFoundException', `there is only ${arn}`);
    try {
      const answer = { ...operation(body), KeyId: arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' };
      sendJson(response, 200, answer, TYPE);
    } catch {
      refuse(response, 'InvalidCiphertextException', 'not encrypted with this key');
    }
  }
  const server = await startHttps(identity, handle);
  const text = { aws_access_key_id: credential.accessKey, aws_secret_access_key: credential.secretKey };
  return {
    ...server,
    places: Object.fromEntries(HOSTS.map((host) => [`${host}:443`, server.host])),
    credentials: { file: 'sops.aws-kms', text: JSON.stringify(text) },
    unwrapped: () => unwrapped,
    wrap: (dataKey, now) => ({
      list: 'kms',
      entry: { arn, created_at: sopsTime(now), enc: box.seal(dataKey, arn).toString('base64'), aws_profile: '' },
    }),
  };
}

function refuse(response: ServerResponse, code: string, message: string): void {
  sendJson(response, 400, { __type: code, message }, TYPE);
}
