// SPDX-License-Identifier: Apache-2.0
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, verify, X509Certificate } from 'node:crypto';
import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttp, digestOf, type RunProcess, systemClock } from '#core';
import { canonicalJson, type Json } from '#formats';
import { createTestClock, GITHUB_CLAIMS, type SigningService, startSigningService } from '#testing';
import { PREDICATES, toStatement } from '../statement.ts';
import { findTokenSource, type TokenSource } from './identity-token.ts';
import { createKeySigner } from './key-signer.ts';
import { createKeylessSigner, type KeylessOptions } from './keyless-signer.ts';
import type { Signer } from './signer.ts';

const clock = systemClock();
// Refused requests are not tried again: most tests want the first answer.
const http = createHttp({ clock: { ...clock, sleep: async () => {} } });
const statement = toStatement(
  { name: 'registry.example/distroless/source-controller', digest: digestOf('an image') },
  PREDICATES.cosignSignature,
  {},
);
const noProcess: RunProcess = () => Promise.reject(new Error('no such program'));

let service: SigningService;
beforeAll(async () => {
  service = await startSigningService();
});
afterAll(() => service.stop());

interface PlainBundle {
  readonly mediaType: string;
  readonly verificationMaterial: {
    readonly publicKey?: { readonly hint: string };
    readonly certificate?: { readonly rawBytes: string };
    readonly tlogEntries?: readonly { readonly kindVersion: { readonly kind: string } }[];
    readonly timestampVerificationData?: object;
  };
  readonly dsseEnvelope: {
    readonly payload: string;
    readonly payloadType: string;
    readonly signatures: readonly { readonly sig: string; readonly keyid?: string }[];
  };
}

async function signed(signer: Signer): Promise<{ bundle: Json; plain: PlainBundle }> {
  const { bundle } = await signer.sign(statement);
  return { bundle, plain: bundle as unknown as PlainBundle };
}

/** What @sigstore/verify says, with the service's trusted root and, for keys, this one. Throws its error. */
function judge(bundle: Json, key?: KeyObject): ReturnType<Verifier['verify']> {
  const found = { publicKey: key ?? generateKeyPairSync('ed25519').publicKey, validFor: () => true };
  const material = toTrustMaterial(TrustedRoot.fromJSON(service.trustedRoot), () => found);
  const parsed = bundleFromJSON(JSON.parse(JSON.stringify(bundle)));
  const tlogs = parsed.verificationMaterial.tlogEntries.length;
  const stamps = parsed.verificationMaterial.timestampVerificationData?.rfc3161Timestamps.length ?? 0;
  const options = {
    tlogThreshold: tlogs,
    timestampThreshold: stamps + tlogs,
    ctlogThreshold: key === undefined ? 1 : 0,
  };
  return new Verifier(material, options).verify(toSignedEntity(parsed));
}

function tokensOf(env: Record<string, string> = service.issuer.environment): Promise<TokenSource | undefined> {
  return findTokenSource({ env, http, run: noProcess, readFile: async () => undefined });
}

async function keyless(options: Partial<KeylessOptions> = {}): Promise<Signer> {
  const tokens = await tokensOf();
  if (tokens === undefined) throw new Error('no token');
  const { authority, log } = service;
  return createKeylessSigner({ http, clock, tokens, fulcioUrl: authority.url, rekorUrl: log.url, ...options });
}

describe('the key signer', () => {
  it.each([
    ['ECDSA P-256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
    ['Ed25519', () => generateKeyPairSync('ed25519').privateKey],
    ['RSA', () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
  ])('makes bundles with %s that @sigstore/verify accepts, alone and witnessed', async (_, make: () => KeyObject) => {
    const key = make();
    const stamped = { http, tsaUrl: `${service.timestamps.url}/api/v1/timestamp` };
    for (const witnesses of [
      undefined,
      { http, rekorUrl: service.log.url },
      stamped,
      { ...stamped, rekorUrl: service.log.url },
    ]) {
      const { bundle, plain } = await signed(createKeySigner(key, witnesses));
      judge(bundle, createPublicKey(key));
      expect(plain.verificationMaterial.tlogEntries?.length ?? 0).toBe(
        witnesses !== undefined && 'rekorUrl' in witnesses ? 1 : 0,
      );
    }
  });

  it('writes bundle v0.3 as cosign wants it: canonical statement, no key id, hint of the key', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { plain } = await signed(createKeySigner(privateKey));
    expect(plain.mediaType).toBe('application/vnd.dev.sigstore.bundle.v0.3+json');
    expect(plain.dsseEnvelope.signatures).toHaveLength(1);
    expect(plain.dsseEnvelope.signatures[0]).not.toHaveProperty('keyid');
    expect(Buffer.from(plain.dsseEnvelope.payload, 'base64').toString()).toBe(
      canonicalJson(JSON.parse(JSON.stringify(statement)) as Json),
    );
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    expect(plain.verificationMaterial).toEqual({
      publicKey: { hint: createHash('sha256').update(spki).digest('base64') },
    });
  });

  it('is not taken for another key, and its bundle for another statement', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { bundle, plain } = await signed(createKeySigner(privateKey));
    expect(() => judge(bundle, generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)).toThrow();
    const payload = Buffer.from(canonicalJson({ other: 'claim' })).toString('base64');
    const moved = { ...plain, dsseEnvelope: { ...plain.dsseEnvelope, payload } };
    expect(() => judge(moved as unknown as Json, publicKey)).toThrow();
  });

  it('signs a payload for cosign 2 with what its annotations hold', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const tsaUrl = `${service.timestamps.url}/api/v1/timestamp`;
    const signer = createKeySigner(privateKey, { http, rekorUrl: service.log.url, tsaUrl });
    const payload = Buffer.from('{"critical":{}}');
    const found = await signer.signPayload(payload);
    expect(verify('sha256', payload, publicKey, Buffer.from(found.signature, 'base64'))).toBe(true);
    expect(Object.keys(found).sort()).toEqual(['rekor', 'signature', 'timestamp']);
    const entry = JSON.parse(found.rekor ?? '') as { Payload: { body: string; logID: string } };
    expect(entry.Payload.logID).toBe(service.log.logId);
    expect(Buffer.from(entry.Payload.body, 'base64').toString()).toContain('"kind":"hashedrekord"');
  });

  it('says that cosign 2 has no logged form for Ed25519', async () => {
    const signer = createKeySigner(generateKeyPairSync('ed25519').privateKey, { http, rekorUrl: service.log.url });
    await expect(signer.signPayload(Buffer.from('x'))).rejects.toMatchObject({ code: 'KEY_UNSUPPORTED' });
  });

  it('reads an entry that the log has already', async () => {
    const signer = createKeySigner(generateKeyPairSync('ed25519').privateKey, { http, rekorUrl: service.log.url });
    const before = service.log.size();
    const first = await signed(signer);
    const second = await signed(signer);
    expect(service.log.size()).toBe(before + 1);
    expect(second.plain.dsseEnvelope).toEqual(first.plain.dsseEnvelope);
  });
});

describe('the recogniser', () => {
  it('knows the own bundles of a key, with the witnesses it wants', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const plain = createKeySigner(privateKey);
    const logging = createKeySigner(privateKey, { http, rekorUrl: service.log.url });
    const { bundle } = await signed(plain);
    const logged = await signed(logging);
    expect(await plain.recognises(bundle)).toBe(true);
    expect(await plain.recognises(logged.bundle)).toBe(true);
    expect(await logging.recognises(logged.bundle)).toBe(true);
    expect(await logging.recognises(bundle)).toBe(false);
    expect(
      await createKeySigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey).recognises(bundle),
    ).toBe(false);
    expect(await plain.recognises({ mediaType: 'other' })).toBe(false);
    const payload = Buffer.from('payload');
    expect(await plain.recognisesPayload(payload, await plain.signPayload(payload))).toBe(true);
    expect(await plain.recognisesPayload(Buffer.from('other'), await plain.signPayload(payload))).toBe(false);
  });

  it('knows bundles of the same identity under another certificate, and of no other identity or authority', async () => {
    const { bundle } = await signed(await keyless());
    const again = await keyless();
    expect(await again.recognises(bundle)).toBe(true);
    const payload = Buffer.from('payload');
    expect(await again.recognisesPayload(payload, await (await keyless()).signPayload(payload))).toBe(true);
    const other = await tokensOf({ SIGSTORE_ID_TOKEN: service.issuer.token({ sub: 'somebody-else' }) });
    if (other === undefined) throw new Error('no token');
    expect(await (await keyless({ tokens: other })).recognises(bundle)).toBe(false);
    const elsewhere = await startSigningService();
    try {
      const tokens = { description: 'test', token: async () => elsewhere.issuer.token() };
      const copy = await keyless({ fulcioUrl: elsewhere.authority.url, tokens });
      expect(await copy.recognises(bundle)).toBe(false);
    } finally {
      await elsewhere.stop();
    }
  });
});

describe('the keyless signer', () => {
  it('makes bundles that @sigstore/verify accepts for the identity of the job', async () => {
    service.log.fill(3);
    const { bundle, plain } = await signed(await keyless());
    expect(judge(bundle).identity?.subjectAlternativeName).toBe(`https://github.com/${GITHUB_CLAIMS.job_workflow_ref}`);
    expect(plain.verificationMaterial.publicKey).toBeUndefined();
    expect(plain.verificationMaterial.tlogEntries?.[0]?.kindVersion.kind).toBe('dsse');
  });

  it('makes bundles with a timestamp alone, or with both', async () => {
    const tsaUrl = `${service.timestamps.url}/api/v1/timestamp`;
    const tokens = (await tokensOf()) as TokenSource;
    const fulcioUrl = service.authority.url;
    judge((await signed(createKeylessSigner({ http, clock, tokens, fulcioUrl, tsaUrl }))).bundle);
    judge((await signed(await keyless({ tsaUrl }))).bundle);
  });

  it('asks for one certificate per release, and for the next when it nears its end', async () => {
    const moving = createTestClock(new Date().toISOString());
    const signer = await keyless({ clock: moving });
    const asked = () => service.authority.requests.length;
    const before = asked();
    const bundles = await Promise.all([signed(signer), signed(signer), signed(signer)]);
    expect(asked()).toBe(before + 1);
    expect(new Set(bundles.map(({ plain }) => plain.verificationMaterial.certificate?.rawBytes)).size).toBe(1);
    moving.advance(9.5 * 60_000);
    await Promise.all([signed(signer), signed(signer)]);
    expect(asked()).toBe(before + 2);
  });

  it('asks again after a failure', async () => {
    const signer = await keyless();
    service.authority.answerNext({ status: 400, body: { message: 'no' } });
    await expect(signer.sign(statement)).rejects.toMatchObject({ code: 'SIGNING_REFUSED' });
    await expect(signer.sign(statement)).resolves.toBeDefined();
  });

  it('wants a witness, and https where a token goes', async () => {
    const tokens = (await tokensOf()) as TokenSource;
    expect(() => createKeylessSigner({ http, clock, tokens, fulcioUrl: 'https://fulcio.example' })).toThrow(
      expect.objectContaining({ code: 'SIGNING_UNWITNESSED' }),
    );
    const insecure = await keyless({ fulcioUrl: 'http://fulcio.example' });
    await expect(insecure.sign(statement)).rejects.toMatchObject({ code: 'SIGNING_INSECURE' });
  });

  it('tries again when a service is busy', async () => {
    service.authority.answerNext({ status: 503 });
    service.log.answerNext({ status: 429 });
    judge((await signed(await keyless())).bundle);
  });
});

describe('the signing client', () => {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

  async function logAnswer(change: (entry: Record<string, Json>) => Json): Promise<Json> {
    const { bundle } = await signed(createKeySigner(key, { http, rekorUrl: service.log.url }));
    expect(bundle).toBeDefined();
    return {
      id: change(JSON.parse(JSON.stringify(service.log.entry(service.log.size() - 1))) as Record<string, Json>),
    };
  }

  it.each<[string, (entry: Record<string, Json>) => Json]>([
    ['an entry about another signature', (entry) => entry],
    ['an entry without proof', (entry) => ({ ...entry, verification: {} })],
    ['an entry whose index is a text', (entry) => ({ ...entry, logIndex: '5' })],
    [
      'an entry of another kind',
      (entry) => ({
        ...entry,
        body: Buffer.from('{"kind":"rekord","apiVersion":"0.0.1","spec":{}}').toString('base64'),
      }),
    ],
    ['no entry', () => 'none'],
  ])('refuses %s', async (_, change) => {
    const body = (await logAnswer(change)) as object;
    service.log.answerNext({ status: 201, body });
    const signer = createKeySigner(key, { http, rekorUrl: service.log.url });
    await expect(signer.sign(statement)).rejects.toMatchObject({ code: 'SIGNING_ANSWER_INVALID' });
  });

  it.each<[string, () => Buffer]>([
    ['a timestamp of something else', () => service.timestamps.stamp(lastQuery(1))],
    ['a rejection', () => Buffer.from('30053003020102', 'hex')],
    ['a cut answer', () => service.timestamps.stamp(lastQuery(0)).subarray(0, 200)],
    ['an empty answer', () => Buffer.alloc(0)],
  ])('refuses %s', async (_, body) => {
    const tsaUrl = `${service.timestamps.url}/api/v1/timestamp`;
    const signer = createKeySigner(key, { http, tsaUrl });
    await signed(signer);
    await signed(signer);
    service.timestamps.answerNext({ status: 201, body: body() });
    await expect(signer.sign(statement)).rejects.toMatchObject({ code: 'SIGNING_ANSWER_INVALID' });
  });

  it('refuses an older timestamp of the same signature', async () => {
    const tsaUrl = `${service.timestamps.url}/api/v1/timestamp`;
    const signer = createKeySigner(generateKeyPairSync('ed25519').privateKey, { http, tsaUrl });
    await signed(signer);
    service.timestamps.answerNext({ status: 201, body: service.timestamps.stamp(lastQuery(0)) });
    await expect(signer.sign(statement)).rejects.toThrow('it answers an older request');
  });

  it('refuses a certificate for another key, and an answer without one', async () => {
    const other = service.authority.issue(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey, {
      issuer: 'x',
      subject: { kind: 'uri', value: 'https://example.com' },
    });
    const chain = { certificates: [new X509Certificate(other).toString()] };
    for (const body of [{ signedCertificateEmbeddedSct: { chain } }, { signedCertificateDetachedSct: { chain } }, {}]) {
      service.authority.answerNext({ status: 200, body });
      await expect((await keyless()).sign(statement)).rejects.toMatchObject({ code: 'SIGNING_ANSWER_INVALID' });
    }
  });

  function lastQuery(back: number): Buffer {
    return service.timestamps.requests.at(-1 - back)?.body ?? Buffer.alloc(0);
  }
});

describe('the token finder', () => {
  it('takes the token of GitHub Actions for the audience sigstore', async () => {
    const source = await tokensOf();
    expect(source?.description).toBe('GitHub Actions');
    expect(service.issuer.read((await source?.token()) ?? '', 'sigstore')).toMatchObject({ iss: service.issuer.url });
  });

  it("takes GitLab's token, a file, Buildkite's, or finds none", async () => {
    const token = service.issuer.token();
    const given = await tokensOf({ SIGSTORE_ID_TOKEN: ` ${token}\n` });
    expect(await given?.token()).toBe(token);
    const fromFile = await findTokenSource({
      env: { SIGSTORE_ID_TOKEN_FILE: '/token' },
      http,
      run: noProcess,
      readFile: async (path) => (path === '/token' ? `${token}\n` : undefined),
    });
    expect(await fromFile?.token()).toBe(token);
    const calls: unknown[] = [];
    const agent: RunProcess = async (request) => {
      calls.push(request);
      return { exitCode: 0, signal: undefined, timedOut: false, stdout: `${token}\n`, stderr: '' };
    };
    const env = { BUILDKITE: 'true', BUILDKITE_AGENT_ACCESS_TOKEN: 'a', PATH: '/bin', OTHER_SECRET: 's' };
    const buildkite = await findTokenSource({ env, http, run: agent, readFile: async () => undefined });
    expect(await buildkite?.token()).toBe(token);
    expect(calls).toMatchObject([
      {
        argv: ['buildkite-agent', 'oidc', 'request-token', '--audience', 'sigstore'],
        env: { BUILDKITE: 'true', BUILDKITE_AGENT_ACCESS_TOKEN: 'a', PATH: '/bin' },
      },
    ]);
    expect(JSON.stringify(calls)).not.toContain('OTHER_SECRET');
    expect(await tokensOf({})).toBeUndefined();
  });

  it('refuses what is no token, and one whose e-mail address nobody verified', async () => {
    const bad = await tokensOf({ SIGSTORE_ID_TOKEN: 'not-a-token-but-a-secret' });
    await expect(bad?.token()).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
    const unverified = service.issuer.token({ sub: 'x', email: 'a@example.com', email_verified: false });
    const signer = await keyless({ tokens: { description: 't', token: async () => unverified } });
    await expect(signer.sign(statement)).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
    const verified = service.issuer.token({ sub: 'x', email: 'a@example.com', email_verified: true });
    const { bundle } = await signed(await keyless({ tokens: { description: 't', token: async () => verified } }));
    expect(judge(bundle).identity?.subjectAlternativeName).toBe('a@example.com');
  });
});

describe('a signing error', () => {
  /** Message, details, stack and causes. */
  async function textOf(work: Promise<unknown>): Promise<string> {
    const parts: string[] = [];
    for (let one = await work.catch((error: unknown) => error); one instanceof Error; one = one.cause) {
      parts.push(String(one.stack), JSON.stringify(one, Object.getOwnPropertyNames(one)));
    }
    if (parts.length === 0) throw new Error('nothing was thrown');
    return parts.join('\n');
  }

  it('holds no token, not even when the authority repeats it', async () => {
    const expired = service.issuer.token({ sub: 'x', exp: 1 });
    const text = await textOf(
      (await keyless({ tokens: { description: 't', token: async () => expired } })).sign(statement),
    );
    expect(text).toContain(
      'the certificate authority answered 401: There was an error processing the identity token: ***',
    );
    for (const part of [expired, ...expired.split('.')]) expect(text).not.toContain(part);
  });

  it("holds no request token of GitHub's, and no token that is none", async () => {
    const env = { ...service.issuer.environment, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request-token-value' };
    service.issuer.answerNext({ status: 401, body: { message: 'bad: request-token-value' } });
    const text = await textOf((await tokensOf(env))?.token() ?? Promise.resolve());
    expect(text).toContain('answered 401: bad: ***');
    expect(text).not.toContain('request-token-value');
    expect(
      await textOf((await tokensOf({ SIGSTORE_ID_TOKEN: 'half.a-secret' }))?.token() ?? Promise.resolve()),
    ).not.toContain('half.a-secret');
  });
});
