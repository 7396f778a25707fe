// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { preAuthEncoding, recordHash, toDsseEnvelope, toPem, verifyInclusion } from '#formats';
import { GITHUB_CLAIMS } from './oidc.ts';
import { type KeyManagement, startKeyManagement } from './kms.ts';
import type { LogEntry } from './transparency-log.ts';
import { type SigningService, startSigningService } from './trusted-root.ts';

const folder = mkdtempSync(join(tmpdir(), 'oakum-signing-'));
let service: SigningService;
beforeAll(async () => {
  service = await startSigningService();
});
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true });
});

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function openssl(...args: readonly string[]): string {
  const result = spawnSync('openssl', args, { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`openssl ${args[0]}: ${result.stderr}`);
  return result.stdout;
}

async function post(url: string, body: object): Promise<Response> {
  return fetch(url, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
}

async function askCertificate(token: string, proven: string): Promise<Response> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return post(`${service.authority.url}/api/v2/signingCert`, {
    credentials: { oidcIdentityToken: token },
    publicKeyRequest: {
      publicKey: { algorithm: 'ECDSA', content: publicKey.export({ type: 'spki', format: 'pem' }) },
      proofOfPossession: sign('sha256', Buffer.from(proven), privateKey).toString('base64'),
    },
  });
}

describe('the test certificate authority', () => {
  it('issues a chain that openssl accepts, with the identity and claims of the token', async () => {
    const response = await askCertificate(service.issuer.token(), GITHUB_CLAIMS.sub);
    const { chain } = (
      (await response.json()) as { signedCertificateEmbeddedSct: { chain: { certificates: string[] } } }
    ).signedCertificateEmbeddedSct;
    const [leaf = '', intermediate = '', root = ''] = chain.certificates;
    const paths = {
      leaf: file('leaf.pem', leaf),
      between: file('between.pem', intermediate),
      root: file('root.pem', root),
    };
    openssl('verify', '-purpose', 'any', '-CAfile', paths.root, '-untrusted', paths.between, paths.leaf);
    expect(new X509Certificate(leaf).subjectAltName).toBe(
      'URI:https://github.com/example-org/oakum/.github/workflows/release.yml@refs/tags/v2.9.2',
    );
    const text = openssl('x509', '-in', paths.leaf, '-noout', '-text');
    expect(text).toContain('CT Precertificate SCTs');
    expect(text).toContain('Signature : ecdsa-with-SHA256');
    expect(text).toContain('https://github.com/example-org/oakum/actions/runs/303/attempts/1');
  });

  it('refuses a token for others, an expired one and a key that the caller does not have', async () => {
    expect((await askCertificate(service.issuer.token(undefined, 'others'), GITHUB_CLAIMS.sub)).status).toBe(401);
    expect((await askCertificate(service.issuer.token({ sub: 'x', exp: 1 }), 'x')).status).toBe(401);
    expect((await askCertificate(service.issuer.token(), 'somebody else')).status).toBe(400);
  });
});

describe('the test timestamp authority', () => {
  it('gives timestamps that openssl verifies against its root', async () => {
    const data = file('data', 'some bytes');
    const query = join(folder, 'query.tsq');
    openssl('ts', '-query', '-data', data, '-sha256', '-cert', '-out', query);
    const { readFileSync } = await import('node:fs');
    const response = await fetch(`${service.timestamps.url}/api/v1/timestamp`, {
      method: 'POST',
      body: readFileSync(query),
      headers: { 'content-type': 'application/timestamp-query' },
    });
    const answer = file('answer.tsr', Buffer.from(await response.arrayBuffer()));
    const root = file('tsa.pem', toPem('CERTIFICATE', service.timestamps.chain[1] ?? Buffer.alloc(0)));
    openssl('ts', '-verify', '-in', answer, '-queryfile', query, '-CAfile', root);
    file('data', 'other bytes');
    expect(() => openssl('ts', '-verify', '-in', answer, '-data', data, '-CAfile', root)).toThrow();
  });
});

describe('the test transparency log', () => {
  const keys = generateKeyPairSync('ed25519');
  const propose = (payload: Buffer, signature = sign(null, preAuthEncoding('text', payload), keys.privateKey)) => ({
    kind: 'dsse',
    apiVersion: '0.0.1',
    spec: {
      proposedContent: {
        envelope: JSON.stringify(toDsseEnvelope('text', payload, signature)),
        verifiers: [Buffer.from(keys.publicKey.export({ type: 'spki', format: 'pem' })).toString('base64')],
      },
    },
  });
  const add = (proposal: object) => post(`${service.log.url}/api/v1/log/entries`, proposal);

  it('proves that an entry is in it, also between others', async () => {
    service.log.fill(5);
    const response = await add(propose(Buffer.from('one')));
    const [entry] = Object.values((await response.json()) as Record<string, LogEntry>);
    const proof = entry?.verification.inclusionProof;
    if (entry === undefined || proof === undefined) throw new Error('no proof');
    const tree = { size: proof.treeSize, root: Buffer.from(proof.rootHash, 'hex') };
    const hashes = proof.hashes.map((hash) => Buffer.from(hash, 'hex'));
    expect(verifyInclusion(tree, proof.logIndex, recordHash(Buffer.from(entry.body, 'base64')), hashes)).toBe(true);
    expect(proof.checkpoint).toContain(`\n${proof.treeSize}\n${tree.root.toString('base64')}\n`);
  });

  it('takes an entry once and names the one it has', async () => {
    const proposal = propose(Buffer.from('two'));
    const first = await add(proposal);
    const second = await add(proposal);
    expect([first.status, second.status]).toEqual([201, 409]);
    const location = second.headers.get('location') ?? '';
    const found = (await (await fetch(`${service.log.url}${location}`)).json()) as object;
    expect(Object.keys(found)).toEqual([location.split('/').at(-1)]);
  });

  it('refuses an envelope that its verifier did not sign', async () => {
    const other = generateKeyPairSync('ed25519').privateKey;
    expect((await add(propose(Buffer.from('x'), sign(null, Buffer.from('x'), other)))).status).toBe(400);
  });
});

describe('the test key management service', () => {
  const services: KeyManagement[] = [];
  afterAll(() => Promise.all(services.map((one) => one.stop())));

  async function signDigest(kms: KeyManagement, digest: Buffer, algorithm: string): Promise<Buffer> {
    const response = await fetch(kms.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'TrentService.Sign',
        authorization: 'AWS4-HMAC-SHA256 Credential=x',
      },
      body: JSON.stringify({
        KeyId: kms.keyId,
        Message: digest.toString('base64'),
        MessageType: 'DIGEST',
        SigningAlgorithm: algorithm,
      }),
    });
    const { Signature } = (await response.json()) as { Signature: string };
    return Buffer.from(Signature, 'base64');
  }

  it.each([
    ['ECC_NIST_P256', 'ECDSA_SHA_256'],
    ['RSA_3072', 'RSASSA_PKCS1_V1_5_SHA_256'],
  ] as const)('signs a digest with %s as openssl understands it', async (keySpec, algorithm) => {
    const kms = await startKeyManagement({ keySpec });
    services.push(kms);
    const key = file('kms.pem', kms.publicKey.export({ type: 'spki', format: 'pem' }));
    for (let round = 0; round < 20; round += 1) {
      const data = randomBytes(50);
      const digest = createHash('sha256').update(data).digest();
      const signature = file('kms.sig', await signDigest(kms, digest, algorithm));
      openssl('dgst', '-sha256', '-verify', key, '-signature', signature, file('kms.data', data));
    }
  });

  it('can be made to hash a digest again, which openssl refuses', async () => {
    const kms = await startKeyManagement({ fault: 'hashes-again' });
    services.push(kms);
    const key = file('kms.pem', kms.publicKey.export({ type: 'spki', format: 'pem' }));
    const digest = createHash('sha256').update('data').digest();
    const signature = file('kms.sig', await signDigest(kms, digest, 'ECDSA_SHA_256'));
    expect(() => openssl('dgst', '-sha256', '-verify', key, '-signature', signature, file('d', 'data'))).toThrow();
  });
});
