// SPDX-License-Identifier: Apache-2.0
// cosign 3 and cosign 2 verify what we sign, with keys and keyless, on real registries; and both sides read each other's keys.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttp, digestOf, systemClock } from '#core';
import {
  type Claim,
  createKeylessSigner,
  createKeySigner,
  createKmsSigner,
  type EvidenceStore,
  findTokenSource,
  formatPublicKey,
  generateKey,
  openAwsKms,
  PREDICATES,
  publishEvidence,
  readPrivateKey,
  registryEvidence,
  type Signer,
  toStatement,
} from '#evidence';
import { buildManifest, type Document, openRegistry, toDocument } from '#image';
import { GITHUB_CLAIMS, type SigningService, startKeyManagement, startSigningService } from '#testing';
import { debianJudge, judge, pythonJudge } from '../judges.ts';
import { type RealRegistry, startDistribution, startGoRegistry } from '../registries.ts';

const clock = systemClock();
const http = createHttp({ clock });
const folder = mkdtempSync(join(tmpdir(), 'oakum-signing-judges-'));
const PASSWORD = 'a password with $ign and space';
const IDENTITY = `https://github.com/${GITHUB_CLAIMS.job_workflow_ref}`;

/** Whom cosign 2 trusts, for its own form of signatures. */
const OLD_TRUST = {
  SIGSTORE_ROOT_FILE: join(folder, 'fulcio.pem'),
  SIGSTORE_REKOR_PUBLIC_KEY: join(folder, 'rekor.pub'),
  SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: join(folder, 'ctlog.pub'),
  SIGSTORE_TSA_CERTIFICATE_FILE: join(folder, 'tsa.pem'),
};

let service: SigningService;
let cosign3 = '';
let cosign2: string | undefined;
const root = join(folder, 'trusted-root.json');
beforeAll(async () => {
  cosign3 = await judge('cosign');
  cosign2 = await debianJudge('cosign', 'usr/bin/cosign', 'trixie');
  service = await startSigningService();
  writeFileSync(root, JSON.stringify(service.trustedRoot));
  writeFileSync(join(folder, 'fulcio.pem'), service.authority.chain.map(toCertificate).join(''));
  writeFileSync(join(folder, 'tsa.pem'), service.timestamps.chain.map(toCertificate).join(''));
  writeFileSync(join(folder, 'rekor.pub'), formatPublicKey(service.log.key));
  writeFileSync(join(folder, 'ctlog.pub'), formatPublicKey(service.authority.logKey));
});
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true });
});

/** Runs a program beside us, so that our own servers can answer it. */
function run(program: string, args: readonly string[]): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: folder,
        COSIGN_PASSWORD: PASSWORD,
        ...(program === cosign2 ? OLD_TRUST : {}),
      },
      cwd: folder,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('close', (status) => resolve({ status, output }));
  });
}

async function accepts(program: string, ...args: readonly string[]): Promise<void> {
  const { status, output } = await run(program, args);
  expect(status, `${args.join(' ')}: ${output}`).toBe(0);
}

async function refuses(program: string, ...args: readonly string[]): Promise<void> {
  const { status, output } = await run(program, args);
  expect(status, `${args.join(' ')}: ${output}`).not.toBe(0);
  expect(output).toMatch(/no matching (attestations|signatures)|none of the attestations matched the predicate type/);
}

function toCertificate(der: Buffer): string {
  return new X509Certificate(der).toString();
}

function keyFile(name: string, publicKey: string): string {
  const path = join(folder, `${name}.pub`);
  writeFileSync(path, publicKey);
  return path;
}

/** cosign 2 takes a trusted root for the new form alone; see {@link OLD_TRUST}. */
function withoutRoot(flags: readonly string[]): readonly string[] {
  const at = flags.indexOf('--trusted-root');
  return at < 0 ? flags : [...flags.slice(0, at), ...flags.slice(at + 2)];
}

/** Puts a small image of its own under a tag. */
async function pushImage(store: EvidenceStore): Promise<Document> {
  const layer = toDocument({ layer: randomBytes(8).toString('hex') }, 'application/octet-stream');
  const config = toDocument(
    { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [layer.descriptor.digest] } },
    'application/vnd.oci.image.config.v1+json',
  );
  const manifest = buildManifest({ config: config.descriptor, layers: [layer.descriptor] });
  await store.put({ manifest, blobs: [config, layer] }, 'v1');
  return manifest;
}

const TYPES = {
  slsaprovenance1: [PREDICATES.provenanceV1, { buildDefinition: {}, runDetails: {} }],
  slsaprovenance: [PREDICATES.provenanceV02, { builder: { id: 'https://example.com' }, buildType: 'x' }],
  spdxjson: [PREDICATES.spdx, { spdxVersion: 'SPDX-2.3', name: 'x' }],
  cyclonedx: [PREDICATES.cyclonedx, { bomFormat: 'CycloneDX', specVersion: '1.6' }],
} as const;

/** Signs an image and attaches one attestation of each kind, in the new form and in cosign 2's. */
async function publish(store: EvidenceStore, reference: string, signer: Signer): Promise<Document> {
  const image = await pushImage(store);
  const subject = { name: reference, digest: image.descriptor.digest };
  const claims: readonly Claim[] = [
    toStatement(subject, PREDICATES.cosignSignature, {}),
    ...Object.values(TYPES).map(([type, predicate]) => toStatement(subject, type, predicate)),
  ].map((statement) => ({ statement, subjects: [image.descriptor] }));
  const request = { store, claims, signer, created: new Date(0), cosignTags: { ...signer, reference } };
  const published = await publishEvidence(request);
  expect(published.present).toBe(0);
  expect(await publishEvidence(request)).toMatchObject({ added: [], present: claims.length });
  return image;
}

const kinds = [
  { kind: 'distribution 2.8', start: startDistribution },
  { kind: "go-containerregistry's", start: startGoRegistry },
];

describe.each(kinds)('with the registry $kind', ({ start }) => {
  let registry: RealRegistry | undefined;
  let store: EvidenceStore;
  let reference = '';
  beforeAll(async () => {
    registry = await start();
    const client = openRegistry({ http, clock, credentials: async () => undefined });
    const name = { registry: registry?.host ?? '', repository: `flux/${randomBytes(4).toString('hex')}` };
    store = registryEvidence(client, name);
    reference = `${name.registry}/${name.repository}`;
  });
  afterAll(async () => registry?.stop());

  /** All verifications of one image, each of them with other trust too, which must fail. */
  async function judgeAll(image: Document, trust: readonly string[], distrust: readonly string[]): Promise<void> {
    const target = `${reference}@${image.descriptor.digest}`;
    await accepts(cosign3, 'verify', ...trust, target);
    await refuses(cosign3, 'verify', ...distrust, target);
    for (const type of Object.keys(TYPES)) {
      await accepts(cosign3, 'verify-attestation', '--type', type, ...trust, target);
      await refuses(cosign3, 'verify-attestation', '--type', type, ...distrust, target);
    }
    await refuses(cosign3, 'verify-attestation', '--type', 'openvex', ...trust, target);
    if (cosign2 === undefined) return;
    const old = withoutRoot(trust);
    await accepts(cosign2, 'verify', ...old, target);
    for (const type of Object.keys(TYPES)) await accepts(cosign2, 'verify-attestation', '--type', type, ...old, target);
    const oldDistrust = withoutRoot(distrust);
    if (oldDistrust.join() !== old.join()) await refuses(cosign2, 'verify', ...oldDistrust, target);
  }

  it.each(['ecdsa-p256', 'ed25519'] as const)('cosign accepts a %s key, and no other', async (kind) => {
    const files = await generateKey({ kind });
    const other = keyFile('other', (await generateKey({ kind })).publicKey);
    const signer = createKeySigner(await readPrivateKey(files.privateKey, { where: 'key' }));
    const image = await publish(store, reference, signer);
    const trust = (key: string) => ['--key', key, '--insecure-ignore-tlog'];
    await judgeAll(image, trust(keyFile('own', files.publicKey)), trust(other));
  });

  it('cosign accepts a key whose signatures are logged and stamped', async () => {
    const files = await generateKey({ kind: 'ecdsa-p256' });
    const tsaUrl = `${service.timestamps.url}/api/v1/timestamp`;
    const key = await readPrivateKey(files.privateKey, { where: 'key' });
    const image = await publish(store, reference, createKeySigner(key, { http, rekorUrl: service.log.url, tsaUrl }));
    const own = keyFile('logged', files.publicKey);
    const stranger = await startSigningService();
    try {
      const otherRoot = join(folder, 'other-root.json');
      writeFileSync(otherRoot, JSON.stringify(stranger.trustedRoot));
      await judgeAll(image, ['--key', own, '--trusted-root', root], ['--key', own, '--trusted-root', otherRoot]);
    } finally {
      await stranger.stop();
    }
  });

  it.each([
    ['a log', { rekorUrl: true, tsaUrl: false }],
    ['a timestamp', { rekorUrl: false, tsaUrl: true }],
    ['both', { rekorUrl: true, tsaUrl: true }],
  ])('cosign accepts a keyless identity witnessed by %s, and no other', async (_, witnesses) => {
    const tokens = await findTokenSource({
      env: service.issuer.environment,
      http,
      run: () => Promise.reject(new Error('no')),
      readFile: async () => undefined,
    });
    if (tokens === undefined) throw new Error('no token');
    service.log.fill(7);
    const signer = createKeylessSigner({
      http,
      clock,
      tokens,
      fulcioUrl: service.authority.url,
      ...(witnesses.rekorUrl ? { rekorUrl: service.log.url } : {}),
      ...(witnesses.tsaUrl ? { tsaUrl: `${service.timestamps.url}/api/v1/timestamp` } : {}),
    });
    const image = await publish(store, reference, signer);
    const trust = (identity: string) => [
      '--trusted-root',
      root,
      '--certificate-oidc-issuer',
      service.issuer.url,
      '--certificate-identity',
      identity,
      ...(witnesses.rekorUrl ? [] : ['--insecure-ignore-tlog']),
      ...(witnesses.tsaUrl ? ['--use-signed-timestamps'] : []),
    ];
    await judgeAll(image, trust(IDENTITY), trust(`${IDENTITY}x`));
  });

  it('cosign accepts a key in AWS KMS', async () => {
    const kms = await startKeyManagement();
    try {
      const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
      const key = openAwsKms({ http, clock, region: 'eu-central-1', endpoint: kms.url, keyId: kms.keyId, credentials });
      const image = await publish(store, reference, createKmsSigner(key));
      const own = keyFile('kms', formatPublicKey(await key.publicKey()));
      const trust = ['--key', own, '--insecure-ignore-tlog'];
      await accepts(cosign3, 'verify', ...trust, `${reference}@${image.descriptor.digest}`);
      if (cosign2 !== undefined) await accepts(cosign2, 'verify', ...trust, `${reference}@${image.descriptor.digest}`);
    } finally {
      await kms.stop();
    }
  });
});

/** sigstore-python has no command that verifies an envelope alone, but a function. */
const PYTHON = `
import sys
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity
root, bundle, identity, issuer = sys.argv[1:]
verifier = Verifier(trusted_root=TrustedRoot.from_file(root))
with open(bundle) as file:
    print(verifier.verify_dsse(Bundle.from_json(file.read()), Identity(identity=identity, issuer=issuer))[1].decode())
`;

describe('sigstore-python', () => {
  it('accepts a keyless bundle with log and timestamp, and no other identity', async ({ skip }) => {
    const python = await pythonJudge('sigstore', ['sigstore==4.5.1']);
    if (python === undefined) {
      skip('there is no Python');
      return;
    }
    const { issuer, authority, log, timestamps } = service;
    const tokens = { description: 'test', token: async () => issuer.token() };
    const tsaUrl = `${timestamps.url}/api/v1/timestamp`;
    const signer = createKeylessSigner({ http, clock, tokens, fulcioUrl: authority.url, rekorUrl: log.url, tsaUrl });
    const statement = toStatement({ name: 'x', digest: digestOf('image') }, PREDICATES.provenanceV1, { a: 1 });
    const paths = { script: join(folder, 'verify.py'), bundle: join(folder, 'python.sigstore.json') };
    writeFileSync(paths.script, PYTHON);
    writeFileSync(paths.bundle, JSON.stringify((await signer.sign(statement)).bundle));
    const verify = (identity: string) => python(paths.script, [root, paths.bundle, identity, issuer.url]);
    const accepted = verify(IDENTITY);
    expect(accepted.status, accepted.stderr).toBe(0);
    expect(JSON.parse(accepted.stdout)).toEqual(statement);
    expect(verify(`${IDENTITY}x`).stderr).toContain('SANs do not match');
  });
});

describe('key files', () => {
  const versions = () => [cosign3, cosign2].filter((one) => one !== undefined);

  it("we read cosign's, with the right password alone", async () => {
    for (const [index, cosign] of versions().entries()) {
      await accepts(cosign, 'generate-key-pair', '--output-key-prefix', `made-${index}`);
      const where = join(folder, `made-${index}.key`);
      const key = await readPrivateKey(readFileSync(where), { where, password: PASSWORD });
      expect(formatPublicKey(key)).toBe(readFileSync(join(folder, `made-${index}.pub`), 'utf8'));
      await expect(readPrivateKey(readFileSync(where), { where, password: 'x' })).rejects.toMatchObject({
        code: 'KEY_PASSWORD_WRONG',
      });
    }
  });

  it.each(['ecdsa-p256', 'ed25519'] as const)('cosign reads our %s keys, and signs with them', async (kind) => {
    const files = await generateKey({ kind, password: PASSWORD });
    const path = join(folder, `ours-${kind}.key`);
    writeFileSync(path, files.privateKey, { mode: 0o600 });
    for (const cosign of versions()) {
      const { output } = await run(cosign, ['public-key', '--key', path]);
      expect(output).toBe(files.publicKey);
    }
    const blob = join(folder, 'blob');
    writeFileSync(blob, 'data');
    const bundle = join(folder, `${kind}.sigstore.json`);
    const signing = [
      'sign-blob',
      '--yes',
      '--key',
      path,
      '--bundle',
      bundle,
      '--use-signing-config=false',
      '--tlog-upload=false',
    ];
    await accepts(cosign3, ...signing, blob);
    if (kind === 'ed25519') return; // cosign 3.1.3 does not verify the blob bundle that it writes with such a key
    const own = keyFile(`ours-${kind}`, files.publicKey);
    await accepts(cosign3, 'verify-blob', '--key', own, '--bundle', bundle, '--insecure-ignore-tlog', blob);
  });

  it('openssl reads our plain keys', async () => {
    for (const kind of ['ecdsa-p256', 'ed25519'] as const) {
      const files = await generateKey({ kind });
      const { stdout } = spawnSync('openssl', ['pkey', '-pubout'], { input: files.privateKey, encoding: 'utf8' });
      expect(stdout).toBe(files.publicKey);
    }
  });
});
