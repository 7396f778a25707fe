// SPDX-License-Identifier: Apache-2.0
import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KeyPair } from '../../certificates.ts';
import { sopsTime } from '../content/sops.ts';
import { readRequest, startHttps } from '../servers/https.ts';
import { createSealedBox } from './sealed-box.ts';
import { type KeyService, type KeyServiceKind, memberOf, sendJson } from './service.ts';

const HOST = 'vault.scenario.test';
const PLACE = `${HOST}:8200`;
const ENGINE = 'transit';
const KEY = 'sops';
const PREFIX = 'vault:v1:';

/** The transit engine of HashiCorp Vault (or OpenBao) with one key: encrypt and decrypt of its API, for one token. */
export const vaultTransit: KeyServiceKind = { hosts: [HOST], start };

async function start(identity: KeyPair): Promise<KeyService> {
  const token = `hvs.${randomBytes(18).toString('base64url')}`;
  const box = createSealedBox();
  const seal = (plain: Uint8Array) => `${PREFIX}${box.seal(plain).toString('base64')}`;
  let unwrapped = 0;
  const operations: Readonly<Record<string, (body: Buffer) => object>> = {
    [`/v1/${ENGINE}/encrypt/${KEY}`]: (body) => ({
      ciphertext: seal(Buffer.from(memberOf(body, 'plaintext'), 'base64')),
      key_version: 1,
    }),
    [`/v1/${ENGINE}/decrypt/${KEY}`]: (body) => {
      const ciphertext = memberOf(body, 'ciphertext');
      if (!ciphertext.startsWith(PREFIX)) throw new RangeError('no prefix');
      const plain = box.open(Buffer.from(ciphertext.slice(PREFIX.length), 'base64'));
      unwrapped += 1;
      return { plaintext: plain.toString('base64') };
    },
  };
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readRequest(request);
    if (request.headers['x-vault-token'] !== token) return refuse(response, 403, 'permission denied');
    const operation = operations[request.url ?? ''];
    if (operation === undefined || !['PUT', 'POST'].includes(request.method ?? '')) {
      return refuse(response, 404, `no handler for route "${request.url}"`);
    }
    try {
      sendJson(response, 200, { request_id: randomUUID(), ...EMPTY, data: operation(body) });
    } catch {
      refuse(response, 400, 'cipher: message authentication failed');
    }
  }
  const server = await startHttps(identity, handle);
  return {
    ...server,
    places: { [PLACE]: server.host },
    credentials: { file: 'sops.vault-token', text: token },
    unwrapped: () => unwrapped,
    wrap: (dataKey, now) => ({
      list: 'hc_vault',
      entry: {
        vault_address: `https://${PLACE}`,
        engine_path: ENGINE,
        key_name: KEY,
        created_at: sopsTime(now),
        enc: seal(dataKey),
      },
    }),
  };
}

/** What each answer of Vault has beside its data. */
const EMPTY = { lease_id: '', renewable: false, lease_duration: 0, wrap_info: null, warnings: null, auth: null };

function refuse(response: ServerResponse, status: number, message: string): void {
  sendJson(response, status, { errors: [message] });
}
