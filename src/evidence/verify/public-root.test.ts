// SPDX-License-Identifier: Apache-2.0
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson, type Json } from '#formats';
import { fetchPublicRoot } from './public-root.ts';

const TARGET = canonicalJson({
  mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  tlogs: [],
  certificateAuthorities: [],
  ctlogs: [],
  timestampAuthorities: [],
});
const pair = generateKeyPairSync('ed25519');
const tufKey = {
  keytype: 'ed25519',
  scheme: 'ed25519',
  keyval: { public: pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex') },
};
const keyid = createHash('sha256').update(canonicalJson(tufKey)).digest('hex');

/** Gives a role's metadata, signed (theupdateframework.github.io/specification, "File formats"). */
function metadata(type: string, members: { readonly [key: string]: Json }, expires = '2099-01-01T00:00:00Z'): string {
  const signed = { _type: type, spec_version: '1.0.31', version: 1, expires, ...members };
  const sig = sign(null, Buffer.from(canonicalJson(signed)), pair.privateKey).toString('hex');
  return canonicalJson({ signatures: [{ keyid, sig }], signed });
}

function repository(expires?: string): Readonly<Record<string, string>> {
  const role = { keyids: [keyid], threshold: 1 };
  const roles = { root: role, targets: role, snapshot: role, timestamp: role };
  const hashes = { sha256: createHash('sha256').update(TARGET).digest('hex') };
  return {
    '/root.json': metadata('root', { consistent_snapshot: false, keys: { [keyid]: tufKey }, roles }),
    '/timestamp.json': metadata('timestamp', { meta: { 'snapshot.json': { version: 1 } } }, expires),
    '/snapshot.json': metadata('snapshot', { meta: { 'targets.json': { version: 1 } } }),
    '/targets.json': metadata('targets', { targets: { 'trusted_root.json': { length: TARGET.length, hashes } } }),
    '/targets/trusted_root.json': TARGET,
  };
}

describe('the public trusted root', () => {
  const folder = mkdtempSync(join(tmpdir(), 'oakum-tuf-'));
  let files: Record<string, string> = {};
  const server = createServer((request, response) => {
    const content = files[request.url ?? ''];
    response.writeHead(content === undefined ? 404 : 200).end(content);
  });
  let mirror = '';
  beforeAll(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    writeFileSync(join(folder, 'root.json'), repository()['/root.json'] ?? '');
  });
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  function fetchRoot(name: string): Promise<unknown> {
    return fetchPublicRoot({ folder: join(folder, name), mirror, rootFile: join(folder, 'root.json') });
  }

  it('is what the TUF repository holds', async () => {
    files = repository();
    expect(await fetchRoot('good')).toMatchObject({ mediaType: JSON.parse(TARGET).mediaType });
  });

  it.each([
    [
      'is not what the metadata says',
      () => ({ ...repository(), '/targets/trusted_root.json': TARGET.replace('0.1', '0.2') }),
    ],
    ['comes with metadata that has expired', () => repository('2020-01-01T00:00:00Z')],
    [
      'comes with metadata that nobody signed',
      () => ({
        ...repository(),
        '/targets.json': metadata('targets', { targets: {} }).replace(/"sig":"../, '"sig":"00'),
      }),
    ],
    ['is not there', () => ({})],
  ])('is refused where it %s', async (name, make) => {
    files = make();
    await expect(fetchRoot(name.replaceAll(' ', '-'))).rejects.toMatchObject({ code: 'TRUSTED_ROOT_UNAVAILABLE' });
  });
});
