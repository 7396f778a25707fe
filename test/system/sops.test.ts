// SPDX-License-Identifier: Apache-2.0
// The scenario's key management services and its SOPS files, judged by sops itself; and sops on moto's AWS KMS, which is not ours.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { systemClock } from '#core';
import { type Outside, startOutside } from '../../src/compatibility/outside.ts';
import {
  createAgeKey,
  createOpenpgpKey,
  encryptSecret,
  type PlainSecret,
} from '../../src/compatibility/scenario/content/sops.ts';
import {
  type KeyServiceName,
  type KeyServices,
  startKeyServices,
} from '../../src/compatibility/scenario/keys/key-services.ts';
import { judge, pythonWith } from '../judges.ts';

const folder = mkdtempSync(join(tmpdir(), 'oakum-sops-'));
const SECRET: PlainSecret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'sealed' },
  stringData: { password: 'correct horse', user: 'ü' },
};
const MOTO_HEADERS = [
  'content-type: application/x-amz-json-1.1',
  'x-amz-target: TrentService.CreateKey',
  'authorization: AWS4-HMAC-SHA256 Credential=any/20260821/eu-central-1/kms/aws4_request',
];
const AWS_HOST = 'kms.eu-central-1.amazonaws.com';

let sops = '';
let outside: Outside;
let services: KeyServices;
beforeAll(async () => {
  sops = await judge('sops');
  outside = await startOutside(systemClock());
  services = await startKeyServices(outside);
  file('ca.pem', outside.authority.certificate);
}, 900_000);
afterAll(async () => {
  await Promise.all([services.stop(), outside.stop()]);
  rmSync(folder, { recursive: true });
});

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text, { mode: 0o600 });
  return join(folder, name);
}

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a program in the world outside; not in this thread, which serves. */
function runOutside(argv: readonly [string, ...string[]], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const [program, ...args] = argv;
  const reach = { HTTPS_PROXY: outside.proxy, SSL_CERT_FILE: join(folder, 'ca.pem'), SSL_CERT_DIR: folder };
  const child = spawn(program, args, { env: { PATH: process.env['PATH'], HOME: folder, ...reach, ...env } });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code) => resolve({ code: code ?? 1, out, err }));
  });
}

interface Access {
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

type Fields = Readonly<Record<string, string>>;

/** What sops is told of a key, and who it is: its own environment variables, which kustomize-controller's files stand for. */
const ACCESS: Readonly<Record<KeyServiceName, (entry: Fields, text: string) => Access>> = {
  'AWS KMS': ({ arn = '' }, text) => {
    const { aws_access_key_id: id = '', aws_secret_access_key: secret = '' } = JSON.parse(text) as Fields;
    return { flags: ['--kms', arn], env: { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } };
  },
  'Azure Key Vault': ({ vault_url: url, name, version }, text) => {
    const { tenantId = '', clientId = '', clientSecret = '' } = JSON.parse(text) as Fields;
    return {
      flags: ['--azure-kv', `${url}/keys/${name}/${version}`],
      env: { AZURE_TENANT_ID: tenantId, AZURE_CLIENT_ID: clientId, AZURE_CLIENT_SECRET: clientSecret },
    };
  },
  'Google Cloud KMS': ({ resource_id: id = '' }, text) => ({
    flags: ['--gcp-kms', id],
    env: { GOOGLE_CREDENTIALS: text },
  }),
  'Vault transit': ({ vault_address: address, engine_path: engine, key_name: key }, text) => ({
    flags: ['--hc-vault-transit', `${address}/v1/${engine}/keys/${key}`],
    env: { VAULT_TOKEN: text },
  }),
};

async function access(name: KeyServiceName): Promise<Access> {
  const service = services.of[name];
  const { entry } = await service.wrap(Buffer.alloc(32), new Date(0));
  return ACCESS[name](entry, service.credentials.text);
}

const PLAIN_FILE = 'kind: Secret\nstringData:\n  password: of sops\n';
const encryptWith = (flags: readonly string[], env: Access['env']) =>
  runOutside([sops, 'encrypt', ...flags, '--encrypted-regex', '^stringData$', file('plain.yaml', PLAIN_FILE)], env);
const decrypt = (text: string, env: Access['env']) => runOutside([sops, 'decrypt', file('sealed.yaml', text)], env);

describe.each(['AWS KMS', 'Azure Key Vault', 'Google Cloud KMS', 'Vault transit'] as const)('sops with %s', (name) => {
  it('decrypts what the scenario has encrypted, and finds its hash right', async () => {
    const { env } = await access(name);
    const opened = await decrypt(await encryptSecret(SECRET, [services.of[name]], new Date()), env);
    expect(opened).toMatchObject({ code: 0, err: '' });
    expect(parse(opened.out)).toEqual(SECRET);
  });

  it('encrypts and decrypts by the same service', async () => {
    const { flags, env } = await access(name);
    const sealed = await encryptWith(flags, env);
    expect(sealed).toMatchObject({ code: 0 });
    expect(sealed.out).not.toContain('of sops');
    const before = services.of[name].unwrapped();
    expect(await decrypt(sealed.out, env)).toMatchObject({ code: 0, out: PLAIN_FILE.replaceAll('\n  ', '\n    ') });
    expect(services.of[name].unwrapped()).toBe(before + 1);
  });

  it('is refused with other credentials, and for a key that another made', async () => {
    const { env } = await access(name);
    const wrong = Object.fromEntries(
      Object.entries(env).map(([key, value]) => [
        key,
        /SECRET|TOKEN/.test(key) ? `${value}x` : value.replace('"client_email":"k', '"client_email":"q'),
      ]),
    );
    const sealed = await encryptSecret(SECRET, [services.of[name]], new Date());
    expect(await decrypt(sealed, wrong)).toMatchObject({ code: 128, out: '' });
    const others = await startKeyServices({ authority: outside.authority, lead: () => {} });
    const foreign = await encryptSecret(SECRET, [others.of[name]], new Date()).finally(() => others.stop());
    expect(await decrypt(foreign, env)).toMatchObject({ code: 128, out: '' });
  });
});

describe("sops with AWS KMS's FIPS endpoint", () => {
  it('is led there by the variable that the SDK has for it', async () => {
    const { env } = await access('AWS KMS');
    const sealed = await encryptSecret(SECRET, [services.of['AWS KMS']], new Date());
    const fips = { ...env, AWS_USE_FIPS_ENDPOINT: 'true' };
    expect(await decrypt(sealed, fips)).toMatchObject({ code: 0 });
    outside.lead('kms-fips.eu-central-1.amazonaws.com:443', '127.0.0.1:1');
    expect(await decrypt(sealed, env)).toMatchObject({ code: 0 });
    const lost = await decrypt(sealed, { ...fips, AWS_MAX_ATTEMPTS: '1' });
    expect(lost).toMatchObject({ code: 128, err: expect.stringContaining('kms-fips.eu-central-1.amazonaws.com') });
  });
});

describe('sops with a key in a file', () => {
  it('decrypts what the scenario has encrypted with age', async () => {
    const key = await createAgeKey();
    const opened = await decrypt(await encryptSecret(SECRET, [key], new Date()), { SOPS_AGE_KEY: key.secret });
    expect(parse(opened.out)).toEqual(SECRET);
  });

  it('decrypts with the one key at hand a file that several have keys to', async () => {
    const [lost, age] = [await createOpenpgpKey(), await createAgeKey()];
    const opened = await decrypt(await encryptSecret(SECRET, [lost, age], new Date()), { SOPS_AGE_KEY: age.secret });
    expect(parse(opened.out)).toEqual(SECRET);
  });

  it('decrypts what the scenario has encrypted with OpenPGP, by gpg', async () => {
    const key = await createOpenpgpKey();
    const home = mkdtempSync(join(tmpdir(), 'gpg-')); // the agent's socket needs a short path
    try {
      const env = { GNUPGHOME: home };
      const imported = await runOutside(['gpg', '--batch', '--import', file('key.asc', key.secret)], env);
      expect(imported.err).toContain('secret key imported');
      const opened = await decrypt(await encryptSecret(SECRET, [key], new Date()), env);
      expect(parse(opened.out)).toEqual(SECRET);
    } finally {
      await runOutside(['gpgconf', '--kill', 'all'], { GNUPGHOME: home });
      rmSync(home, { recursive: true, force: true });
    }
  });
});

describe("sops with moto's AWS KMS", () => {
  let moto: ChildProcess | undefined;
  let isThere = false;
  beforeAll(async () => {
    const python = await pythonWith('moto', ['moto[server,kms]==5.2.5']);
    if (python === undefined) return;
    const own = outside.authority.issue({ kind: 'server', name: 'moto', names: [AWS_HOST], addresses: [] });
    const tls = ['-s', '-c', file('moto.pem', own.certificate), '-k', file('moto.key', own.key)];
    const child = spawn(python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', '0', ...tls], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    moto = child;
    outside.lead(`${AWS_HOST}:443`, await listening(child));
    isThere = true;
  }, 300_000);
  afterAll(async () => {
    outside.lead(`${AWS_HOST}:443`, services.of['AWS KMS'].places[`${AWS_HOST}:443`] ?? '');
    if (moto?.kill('SIGTERM')) await new Promise((resolve) => moto?.once('exit', resolve));
  });

  it('speaks as the scenario has it: encrypts, decrypts, and names a foreign ciphertext', async (context) => {
    context.skip(!isThere, 'there is no Python here to run moto');
    const env = { AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'any' };
    const made = await runOutside(
      [
        'curl',
        '-sS',
        '--cacert',
        join(folder, 'ca.pem'),
        ...MOTO_HEADERS.flatMap((header) => ['-H', header]),
        '-d',
        '{}',
        `https://${AWS_HOST}/`,
      ],
      { https_proxy: outside.proxy },
    );
    const arn: string = JSON.parse(made.out).KeyMetadata.Arn;
    const sealed = await encryptWith(['--kms', arn], env);
    expect(sealed).toMatchObject({ code: 0 });
    expect(await decrypt(sealed.out, env)).toMatchObject({ code: 0, out: PLAIN_FILE.replaceAll('\n  ', '\n    ') });
    const foreign = await decrypt(await encryptSecret(SECRET, [services.of['AWS KMS']], new Date()), env);
    expect(foreign).toMatchObject({
      code: 128,
      err: expect.stringMatching(/InvalidCiphertextException|NotFoundException|AccessDenied/),
    });
  });
});

/** Waits until moto says where it listens. */
function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.once('exit', (code) => reject(new Error(`moto ended with ${code}: ${text.slice(-500)}`)));
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const [, port] = /127\.0\.0\.1:(\d+)/.exec(text) ?? [];
      if (port !== undefined) resolve(`127.0.0.1:${port}`);
    });
  });
}
