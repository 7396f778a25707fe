// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KeyPair } from '../../certificates.ts';
import { sopsTime } from '../content/sops.ts';
import { readRequest, type RunningServer, startHttps } from '../servers/https.ts';
import { GrpcRefusal, startGrpc } from './grpc.ts';
import { type Message, writeMessage } from './protobuf.ts';
import { createSealedBox } from './sealed-box.ts';
import { bearerOf, type KeyService, type KeyServiceKind, sendJson } from './service.ts';

const KMS = 'cloudkms.googleapis.com';
const LOGIN = 'oauth2.googleapis.com';
const KEY = 'projects/oakum-scenario/locations/europe-west3/keyRings/flux/cryptoKeys/sops';
const SERVICE = '/google.cloud.kms.v1.KeyManagementService';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const STATUS = { invalid: 3, notFound: 5, unauthenticated: 16 } as const;

/**
 * A key of Google Cloud KMS: Encrypt and Decrypt of google.cloud.kms.v1 over gRPC, and the token endpoint that gives a service
 * account its token for a JWT that it has signed (RFC 7523).
 */
export const googleKms: KeyServiceKind = { hosts: [KMS, LOGIN], start };

async function start(identity: KeyPair): Promise<KeyService> {
  const box = createSealedBox();
  const account = createAccount();
  let unwrapped = 0;
  const login = await startHttps(identity, account.answer);
  const guarded =
    (answer: (content: Buffer) => Buffer) =>
    (message: Message, headers: IncomingMessage['headers']): Buffer => {
      if (!account.isKnown(bearerOf({ headers }))) {
        throw new GrpcRefusal(STATUS.unauthenticated, 'Request had invalid authentication credentials.');
      }
      const name = message.get(1)?.toString('utf8');
      if (name !== KEY) throw new GrpcRefusal(STATUS.notFound, `CryptoKey ${name} not found.`);
      return answer(message.get(2) ?? Buffer.alloc(0));
    };
  let kms: RunningServer;
  try {
    kms = await startGrpc(identity, {
      [`${SERVICE}/Encrypt`]: guarded((plain) =>
        writeMessage({ 1: `${KEY}/cryptoKeyVersions/1`, 2: box.seal(plain, KEY) }),
      ),
      [`${SERVICE}/Decrypt`]: guarded((sealed) => {
        const plain = openOr(STATUS.invalid, () => box.open(sealed, KEY));
        unwrapped += 1;
        return writeMessage({ 1: plain });
      }),
    });
  } catch (error) {
    await login.stop();
    throw error;
  }
  return {
    places: { [`${KMS}:443`]: kms.host, [`${LOGIN}:443`]: login.host },
    stop: async () => void (await Promise.all([kms.stop(), login.stop()])),
    credentials: { file: 'sops.gcp-kms', text: account.credentials },
    unwrapped: () => unwrapped,
    wrap: (dataKey, now) => ({
      list: 'gcp_kms',
      entry: { resource_id: KEY, created_at: sopsTime(now), enc: box.seal(dataKey, KEY).toString('base64') },
    }),
  };
}

function openOr(status: number, open: () => Buffer): Buffer {
  try {
    return open();
  } catch {
    throw new GrpcRefusal(status, 'Decryption failed: the ciphertext is invalid.');
  }
}

/** A service account: its credentials as Google gives them out, the endpoint of its tokens, and which tokens are its own. */
function createAccount() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const email = 'kustomize-controller@oakum-scenario.iam.gserviceaccount.com';
  const audience = `https://${LOGIN}/token`;
  const tokens = new Set<string>();
  const credentials = JSON.stringify({
    type: 'service_account',
    project_id: 'oakum-scenario',
    private_key_id: randomBytes(20).toString('hex'),
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: email,
    client_id: '1',
    token_uri: audience,
  });
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams((await readRequest(request)).toString('utf8'));
    const claims =
      request.url === '/token' && form.get('grant_type') === GRANT && claimsOf(form.get('assertion') ?? '');
    if (!claims || claims['iss'] !== email || claims['aud'] !== audience) {
      return sendJson(response, 400, { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' });
    }
    const token = randomBytes(24).toString('base64url');
    tokens.add(token);
    sendJson(response, 200, { access_token: token, expires_in: 3599, token_type: 'Bearer' });
  }
  function claimsOf(jwt: string): Readonly<Record<string, unknown>> | undefined {
    const [head = '', body = '', signature = ''] = jwt.split('.');
    const isSigned = verify('sha256', Buffer.from(`${head}.${body}`), publicKey, Buffer.from(signature, 'base64url'));
    return isSigned
      ? (JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as Record<string, unknown>)
      : undefined;
  }
  /** A token that was given out, or one that the account has signed for this API itself (https://google.aip.dev/auth/4111). */
  const isKnown = (token: string) => tokens.has(token) || (token.includes('.') && claimsOf(token)?.['iss'] === email);
  return { credentials, isKnown, answer };
}
