// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { signBytes, verifyBytes } from './algorithm.ts';
import { formatPublicKey, generateKey, readPrivateKey, readPublicKey } from './key-file.ts';
import { openLocalKey } from './local-key.ts';

const folder = mkdtempSync(join(tmpdir(), 'oakum-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));
const PASSWORD = 'correct horse battery';

function openssl(args: readonly string[], input = ''): string {
  const result = spawnSync('openssl', args, { encoding: 'utf8', input });
  if (result.status !== 0) throw new Error(`openssl ${args[0]}: ${result.stderr}`);
  return result.stdout;
}

/** Everything an error shows: message, details, cause. */
async function errorOf(work: Promise<unknown>): Promise<{ code: string; text: string }> {
  try {
    await work;
  } catch (error) {
    const parts: string[] = [];
    for (let one: unknown = error; one instanceof Error; one = one.cause) {
      parts.push(String(one.stack), JSON.stringify(one, Object.getOwnPropertyNames(one)));
    }
    return { code: (error as { code: string }).code, text: parts.join('\n') };
  }
  throw new Error('nothing was thrown');
}

describe('the key reader', () => {
  const ec = openssl(['ecparam', '-name', 'prime256v1', '-genkey', '-noout']); // SEC 1
  const forms: readonly (readonly [string, string, string | undefined])[] = [
    ['SEC 1', ec, undefined],
    ['PKCS #8', openssl(['pkcs8', '-topk8', '-nocrypt'], ec), undefined],
    ['encrypted PKCS #8', openssl(['pkcs8', '-topk8', '-passout', `pass:${PASSWORD}`], ec), PASSWORD],
    ['encrypted SEC 1', openssl(['ec', '-aes256', '-passout', `pass:${PASSWORD}`], ec), PASSWORD],
  ];

  it.each(forms)('reads %s as openssl writes it', async (_, pem, password) => {
    const key = await readPrivateKey(pem, { where: 'key.pem', ...(password === undefined ? {} : { password }) });
    expect(formatPublicKey(key)).toBe(openssl(['ec', '-pubout'], ec));
  });

  it.each([
    ['Ed25519', () => generateKeyPairSync('ed25519').privateKey],
    ['RSA with 2048 bits', () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
    ['P-384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
  ])('reads %s', async (_, make: () => KeyObject) => {
    const pem = make().export({ type: 'pkcs8', format: 'pem' }).toString();
    const key = await readPrivateKey(Buffer.from(pem), { where: 'k' });
    const data = Buffer.from('data');
    expect(verifyBytes(readPublicKey(formatPublicKey(key), 'p'), data, signBytes(key, data))).toBe(true);
  });

  it.each([
    ['a short RSA key', () => generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey],
    ['a curve that cosign does not know', () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey],
    ['a key that can not sign', () => generateKeyPairSync('x25519').privateKey],
  ])('refuses %s', async (_, make: () => KeyObject) => {
    const pem = make().export({ type: 'pkcs8', format: 'pem' }).toString();
    expect((await errorOf(readPrivateKey(pem, { where: 'k' }))).code).toBe('KEY_UNSUPPORTED');
  });

  it.each([
    ['nothing', ''],
    ['a public key', openssl(['ec', '-pubout'], ec)],
    ['a cut key', ec.slice(0, 120)],
    ['a cut key with its end', ec.replace(/.{20}\n/, '\n')],
    ['a huge file', ec + 'x'.repeat(100_000)],
    ['JSON that is no key', sealed({})],
    ['a key that wants all memory', sealed({ N: 2 ** 40 })],
    ['a cost that scrypt does not have', sealed({ N: 1000 })],
    ['another cipher', sealed({ cipher: 'none' })],
    ['a short nonce', sealed({ nonce: 'AAAA' })],
  ])('refuses %s', async (_, pem) => {
    expect((await errorOf(readPrivateKey(pem, { where: 'k' }))).code).toBe('KEY_UNREADABLE');
  });

  it('tells neither key nor password when the password is wrong or missing', async () => {
    const { privateKey } = await generateKey({ kind: 'ecdsa-p256', password: PASSWORD });
    for (const pem of [privateKey, forms[2]?.[1] ?? '', forms[3]?.[1] ?? '']) {
      for (const options of [{ where: 'k', password: 'wrong horse' }, { where: 'k' }]) {
        const { code, text } = await errorOf(readPrivateKey(pem, options));
        expect(code).toBe('KEY_PASSWORD_WRONG');
        for (const secret of [
          'wrong horse',
          PASSWORD,
          ...pem.split('\n').filter((line) => /^[\w+/=]{20,}$/.test(line)),
        ]) {
          expect(text).not.toContain(secret);
        }
      }
    }
  });

  it('refuses a private key where a public one is wanted', () => {
    expect(() => readPublicKey(ec, 'k')).toThrow(expect.objectContaining({ code: 'KEY_UNREADABLE' }));
  });
});

/** A file in cosign's form with numbers of one's own; never one that opens. */
function sealed(parts: { N?: number; cipher?: string; nonce?: string }): string {
  const json = {
    kdf: { name: 'scrypt', params: { N: parts.N ?? 16, r: 8, p: 1 }, salt: 'AAAA' },
    cipher: { name: parts.cipher ?? 'nacl/secretbox', nonce: parts.nonce ?? Buffer.alloc(24).toString('base64') },
    ciphertext: Object.keys(parts).length === 0 ? undefined : 'AAAA',
  };
  const text = Buffer.from(JSON.stringify(json)).toString('base64');
  return `-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\n${text}\n-----END ENCRYPTED COSIGN PRIVATE KEY-----\n`;
}

describe('the key maker', () => {
  it.each(['ecdsa-p256', 'ed25519'] as const)(
    'makes %s keys, plain and encrypted, that it reads again',
    async (kind) => {
      for (const request of [{ kind }, { kind, password: PASSWORD }, { kind, format: 'cosign' as const }]) {
        const { privateKey, publicKey } = await generateKey(request);
        const key = await readPrivateKey(privateKey, {
          where: 'k',
          ...('password' in request ? { password: PASSWORD } : {}),
        });
        expect(formatPublicKey(key)).toBe(publicKey);
      }
    },
  );

  it('leaves no key in the clear when there is a password, even in PKCS #8', async () => {
    const { privateKey } = await generateKey({ kind: 'ed25519', format: 'pkcs8', password: PASSWORD });
    expect(privateKey).toContain('BEGIN ENCRYPTED SIGSTORE PRIVATE KEY');
  });
});

describe('the local key', () => {
  it('is made once, by whoever comes first, for its owner alone', async () => {
    const data = join(folder, 'first');
    const opened = await Promise.all(Array.from({ length: 12 }, () => openLocalKey(data)));
    expect(opened.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(opened.map(({ privateKey }) => formatPublicKey(privateKey))).size).toBe(1);
    const [{ path, publicPath } = { path: '', publicPath: '' }] = opened;
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(data, 'keys')).mode & 0o777).toBe(0o700);
    const again = await openLocalKey(data);
    expect(again.created).toBe(false);
    expect(createPublicKey(again.privateKey).equals(createPublicKey(readFileSync(publicPath, 'utf8')))).toBe(true);
  });

  it('is not made when that was not wanted', async () => {
    const { code } = await errorOf(openLocalKey(join(folder, 'none'), { create: false }));
    expect(code).toBe('KEY_MISSING');
  });

  it('is refused when others may read it, or it is no key', async () => {
    const data = join(folder, 'open');
    const { path } = await openLocalKey(data);
    chmodSync(path, 0o640);
    expect((await errorOf(openLocalKey(data))).code).toBe('KEY_EXPOSED');
    chmodSync(path, 0o600);
    writeFileSync(path, 'half a key');
    expect((await errorOf(openLocalKey(data))).code).toBe('KEY_UNREADABLE');
  });
});
