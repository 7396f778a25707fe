// SPDX-License-Identifier: Apache-2.0
import { constants, generateKeyPairSync, privateDecrypt, publicEncrypt, randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KeyPair } from '../../certificates.ts';
import { sopsTime } from '../content/sops.ts';
import { readRequest, startHttps } from '../servers/https.ts';
import { bearerOf, type KeyService, type KeyServiceKind, memberOf, sendJson } from './service.ts';

const VAULT = 'oakum-scenario.vault.azure.net';
const LOGIN = 'login.microsoftonline.com';
const KEY = 'sops';
const RESOURCE = 'https://vault.azure.net';
const SCOPE = `${RESOURCE}/.default`;
const ALGORITHM = 'RSA-OAEP-256';
const PADDING = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' } as const;

/**
 * An RSA key of Azure Key Vault (REST API 7.x: get, encrypt, decrypt), and the part of Microsoft Entra that gives an application
 * its token by client secret (OAuth 2.0 client credentials). A request without token is answered with where to get one.
 */
export const azureKeyVault: KeyServiceKind = { hosts: [VAULT, LOGIN], start };

async function start(identity: KeyPair): Promise<KeyService> {
  const entra = createEntra();
  const key = createKey();
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readRequest(request);
    const { pathname } = new URL(request.url ?? '/', 'https://azure');
    if (request.headers.host === LOGIN) return entra.answer(pathname, body, response);
    if (!entra.tokens.has(bearerOf(request))) {
      response.setHeader(
        'www-authenticate',
        `Bearer authorization="https://${LOGIN}/${entra.tenant}", resource="${RESOURCE}"`,
      );
      return refuse(response, 401, 'Unauthorized', 'AKV10000: Request is missing a Bearer or PoP token.');
    }
    key.answer(`${request.method} ${pathname}`, body, response);
  }
  const { tenant, clientId, clientSecret } = entra;
  const server = await startHttps(identity, handle);
  return {
    ...server,
    places: { [`${VAULT}:443`]: server.host, [`${LOGIN}:443`]: server.host },
    credentials: { file: 'sops.azure-kv', text: JSON.stringify({ tenantId: tenant, clientId, clientSecret }) },
    unwrapped: key.unwrapped,
    wrap: (dataKey, now) => ({
      list: 'azure_kv',
      entry: {
        vault_url: `https://${VAULT}`,
        name: KEY,
        version: key.version,
        created_at: sopsTime(now),
        enc: key.encrypt(dataKey).toString('base64url'),
      },
    }),
  };
}

function createKey() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const version = randomBytes(16).toString('hex');
  const kid = `https://${VAULT}/keys/${KEY}/${version}`;
  const encrypt = (plain: Uint8Array) => publicEncrypt({ key: publicKey, ...PADDING }, plain);
  let unwrapped = 0;
  const operations: Readonly<Record<string, (value: Buffer) => Buffer>> = {
    encrypt,
    decrypt(value) {
      const plain = privateDecrypt({ key: privateKey, ...PADDING }, value);
      unwrapped += 1;
      return plain;
    },
  };
  function answer(route: string, body: Buffer, response: ServerResponse): void {
    if (route === `GET /keys/${KEY}/` || route === `GET /keys/${KEY}` || route === `GET /keys/${KEY}/${version}`) {
      const { n, e } = publicKey.export({ format: 'jwk' });
      const parts = { kid, kty: 'RSA', key_ops: ['encrypt', 'decrypt'], n, e };
      return sendJson(response, 200, { key: parts, attributes: { enabled: true } });
    }
    const [, name = ''] = new RegExp(`^POST /keys/${KEY}/${version}/(encrypt|decrypt)$`).exec(route) ?? [];
    const operation = operations[name];
    if (operation === undefined) return refuse(response, 404, 'KeyNotFound', `there is only ${kid}`);
    if (memberOf(body, 'alg') !== ALGORITHM) return refuse(response, 400, 'BadParameter', `only ${ALGORITHM} is known`);
    try {
      const value = operation(Buffer.from(memberOf(body, 'value'), 'base64url')).toString('base64url');
      sendJson(response, 200, { kid, value });
    } catch {
      refuse(response, 400, 'BadParameter', 'not encrypted with this key');
    }
  }
  return { version, encrypt, answer, unwrapped: () => unwrapped };
}

function createEntra() {
  const tenant = randomUUID();
  const clientId = randomUUID();
  const clientSecret = randomBytes(24).toString('base64url');
  const tokens = new Set<string>();
  const base = `https://${LOGIN}/${tenant}`;
  const configuration = {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    issuer: `${base}/v2.0`,
  };
  const isOurs = (form: URLSearchParams) =>
    form.get('grant_type') === 'client_credentials' &&
    form.get('client_id') === clientId &&
    form.get('client_secret') === clientSecret &&
    (form.get('scope') ?? '').split(' ').includes(SCOPE);
  function answer(path: string, body: Buffer, response: ServerResponse): void {
    if (path === '/common/discovery/instance') {
      const hosts = { preferred_network: LOGIN, preferred_cache: LOGIN, aliases: [LOGIN] };
      return sendJson(response, 200, {
        tenant_discovery_endpoint: `${base}/v2.0/.well-known/openid-configuration`,
        metadata: [hosts],
      });
    }
    if (path === `/${tenant}/v2.0/.well-known/openid-configuration`) return sendJson(response, 200, configuration);
    if (path !== `/${tenant}/oauth2/v2.0/token` || !isOurs(new URLSearchParams(body.toString('utf8')))) {
      const error = { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid client secret provided.' };
      return sendJson(response, 401, error);
    }
    const token = randomBytes(24).toString('base64url');
    tokens.add(token);
    sendJson(response, 200, { token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599, access_token: token });
  }
  return { tenant, clientId, clientSecret, tokens, answer };
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  sendJson(response, status, { error: { code, message } });
}
