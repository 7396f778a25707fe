// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parsePolicy, readPolicy } from './policy.ts';
import { formatMatch, isAnchored, readMatch } from './text-match.ts';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const FILES: Readonly<Record<string, string>> = {
  'oakum.pub': publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  'oakum.key': privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  'root.json': '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}',
};

async function read(path: string): Promise<string> {
  const content = FILES[path];
  if (content === undefined) throw new Error('no such file');
  return content;
}

function parse(text: string) {
  return parsePolicy(text, 'policy.yaml', { read });
}

/** Gives the faults of a policy as they are shown. */
async function faultsOf(text: string): Promise<string> {
  const error: unknown = await parse(text).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: 'POLICY_INVALID', family: 'definition' });
  const { where = '', message } = error as { where?: string; message: string };
  return `${where} ${message}`;
}

describe('the policy reader', () => {
  it('reads keys, certificates and demands, with their defaults', async () => {
    const policy = await parse(
      [
        'version: 1',
        'identities:',
        '  - key: oakum.pub',
        '  - { identityPattern: "^https://github\\\\.com/fluxcd/.*$", issuer: https://token.example, signs: [signature, provenance] }',
        'trustedRoot: root.json',
        'require:',
        '  attestations: [slsaprovenance1, https://example.com/type]',
        '  slsa: { builders: [{ id: https://builder, level: 2 }] }',
        '  maximumAge: 30d',
      ].join('\n'),
    );
    expect(policy.identities).toMatchObject([
      { kind: 'key', name: 'key oakum.pub', transparency: 'none', signs: undefined },
      {
        kind: 'certificate',
        transparency: 'log',
        certificateLog: true,
        signs: ['signature', 'https://slsa.dev/provenance/v1', 'https://slsa.dev/provenance/v0.2'],
      },
    ]);
    expect(policy.require).toMatchObject({
      signature: 'root',
      embedded: false,
      slsa: { minimumLevel: 1 },
      maximumAgeMilliseconds: 30 * 86_400_000,
    });
    expect(policy.require.attestations[1]).toEqual({
      name: 'https://example.com/type',
      types: ['https://example.com/type'],
    });
    expect(policy.warnings).toEqual([]);
  });

  it('warns of an expression that is not anchored', async () => {
    const policy = await parse(
      'version: 1\nidentities: [{ identityPattern: fluxcd, issuer: https://x }]\ntrustedRoot: root.json\n',
    );
    expect(policy.warnings).toEqual([expect.stringContaining('"fluxcd" is not anchored')]);
  });

  it('tells every fault at once, each with its place', async () => {
    const faults = await faultsOf(
      [
        'version: 2',
        'identities:',
        '  - key: oakum.pub',
        '    issuer: x',
        '  - identityPattern: "("',
        'requires: {}',
      ].join('\n'),
    );
    expect(faults).toMatch(/policy\.yaml:1:10: version: /);
    expect(faults).toMatch(/policy\.yaml:5:22: identities\.1\.identityPattern: must be a regular expression/);
    expect(faults).toMatch(/policy\.yaml:6:1: unknown key "requires"/);
  });

  it.each([
    ['a certificate with no proof of time', '[{ identity: a, issuer: b, transparency: none }]', /lives for minutes/],
    ['a key that has an issuer', '[{ key: oakum.pub, issuer: b }]', /belongs to a certificate/],
    ['an identity without an issuer', '[{ identity: a }]', /exactly one of issuer, issuerPattern/],
    ['both a key and an identity', '[{ key: oakum.pub, identity: a, issuer: b }]', /exactly one of key, identity/],
    ['a certificate without a trusted root', '[{ identity: a, issuer: b }]', /needs a trustedRoot/],
    ['a private key', '[{ key: oakum.key }]', /private key; name its public half/],
    ['a file that is not there', '[{ key: none.pub }]', /policy\.yaml:2:21 .*no such file/],
    ['nobody', '[]', /identities/],
  ])('refuses %s', async (_, identities, text) => {
    expect(await faultsOf(`version: 1\nidentities: ${identities}\n`)).toMatch(text);
  });

  it('refuses a policy that demands nothing', async () => {
    expect(await faultsOf('version: 1\nidentities: [{ key: oakum.pub }]\nrequire: { signature: none }\n')).toMatch(
      /policy\.yaml:3:10 .*nothing is required/,
    );
  });

  it('refuses a key given twice and broken YAML', async () => {
    expect(await faultsOf('version: 1\nversion: 1\n')).toMatch(/policy\.yaml:2:1/);
  });

  describe('on disk', () => {
    const folder = mkdtempSync(join(tmpdir(), 'oakum-policy-'));
    afterAll(() => rmSync(folder, { recursive: true }));

    it('reads files relative to the policy, and another root where it is told to', async () => {
      for (const [name, content] of Object.entries(FILES)) writeFileSync(join(folder, name), content);
      const file = join(folder, 'policy.yaml');
      writeFileSync(file, 'version: 1\nidentities: [{ key: oakum.pub }]\ntrustedRoot: public\n');
      expect((await readPolicy(file)).trustedRoot).toBe('public');
      const trustedRoot = join(folder, 'root.json');
      expect((await readPolicy(file, { trustedRoot })).trustedRoot).toMatchObject({ mediaType: expect.any(String) });
      await expect(readPolicy(join(folder, 'none.yaml'))).rejects.toMatchObject({ code: 'POLICY_UNREADABLE' });
    });
  });
});

describe('a text match', () => {
  it('takes an exact text for itself alone', () => {
    expect(readMatch({ kind: 'exact', text: 'a.c' }, 'abc')).toBe('differs');
    expect(readMatch({ kind: 'exact', text: 'a.c' }, 'a.c')).toBe('matches');
  });

  it.each([
    ['^https://github\\.com/fluxcd/.*$', 'https://github.com/fluxcd/x', 'matches'],
    ['https://github\\.com/fluxcd/', 'https://github.com/fluxcd/x', 'partly'],
    ['fluxcd', 'https://evil.example/fluxcd', 'partly'],
    ['^a$|^b', 'bad', 'partly'],
    ['^a$|b$', 'evil-b', 'partly'],
    ['^a$', 'b', 'differs'],
    ['^.*$', 'x'.repeat(5000), 'differs'],
  ])('reads %s against %s: %s', (source, text, reading) => {
    expect(readMatch({ kind: 'pattern', source }, text)).toBe(reading);
  });

  it.each([
    ['^a$', true],
    ['a$', false],
    ['^a', false],
    ['^a\\$', false],
    ['^a\\\\$', true],
    ['^a$|^b$', false],
    ['^(a|b)$', true],
    ['^[|]$', true],
  ])('says whether %s is anchored: %s', (source, anchored) => {
    expect(isAnchored(source)).toBe(anchored);
  });

  it('is shown as an expression or as it is', () => {
    expect([formatMatch({ kind: 'exact', text: 'a' }), formatMatch({ kind: 'pattern', source: '^a$' })]).toEqual([
      'a',
      '/^a$/',
    ]);
  });
});
