// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DISTROLESS, FIPS, knownHost, lines, look, sopsYaml, STANDARD } from './__fixtures__/repository.ts';

const SECRET = 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: keys\n  namespace: flux-system\n';

describe('a preflight of kustomizations', () => {
  const remote = `# yaml-language-server: $schema=https://json.schemastore.org/kustomization
resources:
  - ./local
  - github.com/org/repo//deploy?ref=v1
  - "https://example.com/org/repo"
  - &file https://example.com/crd.yaml
bases: [git@host.example.com:org/repo.git]
components:
  - https://example.com/org/component.yaml
configurations: [*file]
patches:
  - path: https://example.com/patch.yaml
configMapGenerator:
  - name: a
    files: [x=https://example.com/file.txt, y=./z]
`;

  it('names what is fetched with git, and what by HTTP, each in its place', async () => {
    expect(lines(await look({ 'a/kustomization.yaml': remote }, DISTROLESS))).toEqual([
      'a/kustomization.yaml:4:5 error remote-base',
      'a/kustomization.yaml:5:5 warning remote-base',
      'a/kustomization.yaml:6:11 note remote-file',
      'a/kustomization.yaml:7:9 error remote-base',
      'a/kustomization.yaml:9:5 error remote-base',
      'a/kustomization.yaml:12:11 note remote-file',
      'a/kustomization.yaml:15:13 note remote-file',
    ]);
  });

  it('finds nothing where the image has git, in other files, and in objects of Flux', async () => {
    expect(lines(await look({ 'kustomization.yaml': remote }, STANDARD))).toEqual([]);
    expect(lines(await look({ 'resources.yaml': remote }))).toEqual([]);
    const object = `apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n${remote}`;
    expect(lines(await look({ 'kustomization.yaml': object }))).toEqual([]);
  });

  it.each(['kustomization.yaml', 'kustomization.yml', 'Kustomization'])('reads %s, as JSON too', async (name) => {
    const text = '\uFEFF{\r\n\t"resources": [\r\n\t\t"github.com\\/org/repo"\r\n\t]\r\n}\r\n';
    expect(lines(await look({ [name]: text }))).toEqual([`${name}:3:3 error remote-base`]);
  });

  it('takes a local file before a repository, as kustomize does, but not a folder', async () => {
    const files = { 'kustomization.yaml': 'resources: [github.com/org/repo]\n' };
    expect(lines(await look({ ...files, 'github.com/org/repo': 'a: b\n' }))).toEqual([]);
    const report = await look({ ...files, 'github.com/org/repo/kustomization.yaml': 'resources: []\n' });
    expect(lines(report)).toEqual(['kustomization.yaml:1:13 error remote-base']);
    expect(report.findings[0]?.fix).toContain('./github.com/org/repo');
    expect(lines(await look({ 'kustomization.yaml': 'resources: [./github.com/org/repo]\n' }))).toEqual([]);
  });

  it('says that Flux inflates no charts, in every channel', async () => {
    const text = 'resources: []\nhelmCharts:\n  - name: podinfo\n    repo: https://charts.example.com\n';
    expect(lines(await look({ 'kustomization.yaml': text }, STANDARD))).toEqual([
      'kustomization.yaml:2:1 warning kustomize-helm',
    ]);
  });
});

describe('a preflight of SOPS files', () => {
  const secret = `${SECRET}stringData:\n  a: ENC[AES256_GCM,data:AAAA]\n`;

  it.each([
    ['only OpenPGP', sopsYaml('pgp'), ['a.yaml:10:7 error sops-openpgp']],
    ['OpenPGP and a KMS', sopsYaml('kms', 'pgp'), ['a.yaml:12:7 note sops-openpgp']],
    ['OpenPGP and age', sopsYaml('age', 'pgp'), ['a.yaml:10:7 note sops-age', 'a.yaml:12:7 note sops-openpgp']],
    ['a KMS', sopsYaml('kms'), []],
    ['an empty list of OpenPGP keys', `${sopsYaml('azure_kv')}  pgp: []\n`, []],
  ])('says what %s means', async (_, sops, expected) => {
    expect(lines(await look({ 'a.yaml': secret + sops }))).toEqual(expected);
    expect(lines(await look({ 'a.yaml': secret + sops }, STANDARD))).toEqual([]);
  });

  it.each([
    [1, 'note'],
    [2, 'error'],
    [0, 'error'],
  ])('counts key groups against a threshold of %i', async (threshold, level) => {
    const groups = 'key_groups:\n    - pgp: [{fp: A}]\n      age: []\n    - kms: [{arn: B}]\n      hc_vault: []\n';
    const sops = `sops:\n  ${groups}  shamir_threshold: ${threshold}\n  mac: ENC[AES256_GCM,data:AAAA]\n`;
    expect(lines(await look({ 'a.yaml': secret + sops }))).toEqual([`a.yaml:10:13 ${level} sops-openpgp`]);
  });

  it('reads JSON, binary, dotenv and INI, whatever they are called', async () => {
    const metadata = { pgp: [{ fp: 'A', enc: 'B' }], mac: 'ENC[AES256_GCM,data:AAAA]', version: '3.13.2' };
    const json = JSON.stringify({ data: 'ENC[AES256_GCM,data:AAAA]', sops: metadata }, null, 2);
    const mac = 'ENC[AES256_GCM,data:AAAA]';
    const report = await look({
      'a.json': json,
      'b.enc': json,
      'c.env': `A=${mac}\nsops_mac=${mac}\nsops_pgp__list_0__map_fp=A\n`,
      'd.ini': `[a]\nb = ${mac}\npgp__list_0__map_fp = no\n[sops]\nage__list_0__map_recipient = age1\npgp__list_0__map_fp = A\nmac = ${mac}\n`,
      'e.txt': `sops and ENC[ are only words here\n`,
    });
    expect(lines(report)).toEqual([
      'a.json:5:7 error sops-openpgp',
      'b.enc:5:7 error sops-openpgp',
      'c.env:3:1 error sops-openpgp',
      'd.ini:5:1 note sops-age',
      'd.ini:6:1 note sops-openpgp',
    ]);
  });

  it('reads the rules of .sops.yaml, with groups that merge others', async () => {
    const rules = `creation_rules:
  - path_regex: a
    pgp: >-
      A,B
  - path_regex: b
    age: age1
    pgp: [A]
  - path_regex: c
    age: age1
  - key_groups:
      - merge: [{ pgp: [A] }]
      - kms: [{ arn: B }]
  - path_regex: d
    pgp: ""
`;
    expect(lines(await look({ '.sops.yaml': rules, 'x/.sops.yaml': 'creation_rules: [{pgp: A}]\n' }))).toEqual([
      '.sops.yaml:3:10 warning sops-rule-openpgp',
      '.sops.yaml:7:10 note sops-rule-openpgp',
      '.sops.yaml:11:24 warning sops-rule-openpgp',
      'x/.sops.yaml:1:24 warning sops-rule-openpgp',
    ]);
  });
});

describe('a preflight of secrets', () => {
  const kustomization = (name: string, namespace: string) =>
    `apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: a\n  namespace: ${namespace}\nspec:\n  decryption:\n    provider: sops\n    secretRef: { name: ${name} }\n`;
  const asc = `${SECRET}stringData:\n  identity.agekey: AGE\n  key.asc: ENC[x]\n`;

  it('judges OpenPGP keys by what the secret is for', async () => {
    const at = async (files: Record<string, string>) => lines(await look({ 'z.yaml': asc, ...files }, DISTROLESS));
    expect(await at({})).toEqual(['z.yaml:8:3 warning decryption-openpgp-key']);
    expect(await at({ 'a.yaml': kustomization('keys', 'flux-system') })).toEqual([
      'z.yaml:8:3 error decryption-openpgp-key',
    ]);
    expect(await at({ 'a.yaml': kustomization('keys', 'other') })).toEqual([
      'z.yaml:8:3 warning decryption-openpgp-key',
    ]);
    const verify =
      'apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nspec: {verify: {secretRef: {name: keys}}}\n';
    expect(await at({ 'a.yaml': verify })).toEqual([]);
    expect(lines(await look({ 'z.yaml': asc }, STANDARD))).toEqual([]);
  });

  it('leaves out public keys and the key that signs commits, and finds keys of a secretGenerator', async () => {
    const block = (kind: string) => `|\n    -----BEGIN PGP ${kind} KEY BLOCK-----\n`;
    const text = `${SECRET}stringData:\n  git.asc: ${block('PRIVATE')}  author.asc: ${block('PUBLIC')}`;
    expect(lines(await look({ 'a.yaml': text }, DISTROLESS))).toEqual([]);
    const generator = 'secretGenerator:\n  - name: keys\n    files: [identity.asc=./x]\n';
    expect(lines(await look({ 'kustomization.yaml': generator }, DISTROLESS))).toEqual([
      'kustomization.yaml:3:13 warning decryption-openpgp-key',
    ]);
  });

  it.each([
    ['ssh-rsa alone', [knownHost('ssh-rsa')], ['8:5 note']],
    ['ssh-rsa beside others', [knownHost('ssh-ed25519'), knownHost('ssh-rsa')], ['9:5 warning']],
    ['ssh-dss alone', [knownHost('ssh-dss')], ['8:5 error']],
    ['ssh-dss beside others', [knownHost('ssh-dss'), knownHost('ecdsa-sha2-nistp256')], ['8:5 warning']],
    ['a short RSA key', ['# comment', knownHost('ssh-rsa', 1024)], ['9:5 warning']],
    ['good keys', [knownHost('ssh-ed25519'), knownHost('ecdsa-sha2-nistp521')], []],
    ['a revoked key, a broken line', [`@revoked ${knownHost('ssh-dss')}`, 'x y z', '@cert-authority *'], []],
  ])('reads known_hosts with %s', async (_, hosts, expected) => {
    const text = `${SECRET}stringData:\n  known_hosts: |\n    ${hosts.join('\n    ')}\n`;
    const found = expected.map((one) => `a.yaml:${one} ssh-host-key`);
    expect(lines(await look({ 'a.yaml': text }))).toEqual(found);
    expect(lines(await look({ 'a.yaml': text.replaceAll('\n', '\r\n') }))).toEqual(found);
    expect(lines(await look({ 'a.yaml': text }, DISTROLESS))).toEqual([]);
  });

  it('reads known_hosts in base64, in a List, in JSON, and as a file of its own', async () => {
    const data = Buffer.from(`${knownHost('ssh-dss')}\n`).toString('base64');
    const secret = { kind: 'Secret', apiVersion: 'v1', data: { known_hosts: data } };
    const report = await look({
      'a.json': JSON.stringify({ kind: 'List', apiVersion: 'v1', items: [secret] }, null, 1),
      'b/known_hosts': `\n${knownHost('ssh-dss')}\n`,
    });
    expect(lines(report)).toEqual(['a.json:9:20 error ssh-host-key', 'b/known_hosts:2:1 error ssh-host-key']);
  });

  it('lets SSH be in a channel with BoringCrypto, which restricts TLS alone', async () => {
    const boring = { ...FIPS, crypto: 'boring' } as const;
    const text = `${SECRET}stringData:\n  known_hosts: ${knownHost('ssh-dss')}\n${sopsYaml('age')}`;
    expect(lines(await look({ 'a.yaml': text }, boring))).toEqual(['a.yaml:10:7 note sops-age']);
  });

  it('names private keys that are too short, or DSA', async () => {
    const rsa = (bits: number) =>
      generateKeyPairSync('rsa', {
        modulusLength: bits,
        privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
        publicKeyEncoding: { type: 'spki', format: 'pem' },
      }).privateKey;
    const secret = (key: string) => ({
      'a.yaml': `${SECRET}data:\n  identity: ${Buffer.from(key).toString('base64')}\n`,
    });
    expect(lines(await look(secret(rsa(1024))))).toEqual(['a.yaml:7:13 warning ssh-private-key']);
    expect(lines(await look(secret(rsa(2048))))).toEqual([]);
    expect(lines(await look(secret('-----BEGIN DSA PRIVATE KEY-----\nAAAA\n')))).toEqual([
      'a.yaml:7:13 error ssh-private-key',
    ]);
    const inner = Buffer.from(knownHost('ssh-rsa', 1024).split(' ')[2] ?? '', 'base64');
    const field = (text: Buffer | string) =>
      Buffer.concat([Buffer.from([0, 0, text.length >> 8, text.length & 255]), Buffer.from(text)]);
    const openssh = Buffer.concat([
      Buffer.from('openssh-key-v1\0'),
      ...['none', 'none', ''].map(field),
      Buffer.from([0, 0, 0, 1]),
      field(inner),
    ]);
    const pem = `-----BEGIN OPENSSH PRIVATE KEY-----\n${openssh.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`;
    expect(lines(await look(secret(pem)))).toEqual(['a.yaml:7:13 warning ssh-private-key']);
  });
});

describe('a preflight of objects of Flux', () => {
  it('reads flags of SSH algorithms in patches, in one argument or two, but not in comments', async () => {
    const patch = `patches:
  - target: { kind: Deployment, name: source-controller }
    patch: |
      - op: add
        path: /spec/template/spec/containers/0/args/-
        value: --ssh-kex-algos=curve25519-sha256,ecdh-sha2-nistp256
      # --ssh-kex-algos=curve25519-sha256
      - op: add
        value: --ssh-hostkey-algos=rsa-sha2-512,ssh-ed25519
`;
    const args = `args: ["--ssh-hostkey-algos", "ssh-rsa"]\nmore:\n  - --ssh-kex-algos\n  - diffie-hellman-group14-sha256\n`;
    expect(lines(await look({ 'kustomization.yaml': patch, 'z.yaml': args }))).toEqual([
      'kustomization.yaml:6:32 warning ssh-algorithms',
      'z.yaml:1:32 error ssh-algorithms',
      'z.yaml:4:5 error ssh-algorithms',
    ]);
    expect(lines(await look({ 'z.yaml': args }, DISTROLESS))).toEqual([]);
  });

  it('names OpenPGP in verification and signing, and removed fields of templates', async () => {
    const automation = (key: string, template: string) =>
      `kind: ImageUpdateAutomation\napiVersion: image.toolkit.fluxcd.io/v1\nspec:\n  git:\n    commit:\n      messageTemplate: '${template}'\n      signingKey: ${key}\n`;
    const report = await look({
      'a.yaml': 'kind: GitRepository\napiVersion: source.toolkit.fluxcd.io/v1\nspec:\n  verify:\n    mode: HEAD\n',
      'b.yaml': automation('{ secretRef: { name: a } }', '{{range .Updated.Images}}{{end}}'),
      'c.yaml': automation('{ type: ssh, secretRef: { name: a } }', '{{ .Changed.Objects }}'),
    });
    expect(lines(report)).toEqual([
      'a.yaml:5:5 note git-verify-openpgp',
      'b.yaml:6:24 error template-field-removed',
      'b.yaml:7:19 note commit-signing-openpgp',
    ]);
    const older = await look({ 'b.yaml': automation('{}', '{{ .Updated }}') }, FIPS, '2.8');
    expect(lines(older)).toEqual(['b.yaml:7:19 note commit-signing-openpgp']);
  });
});
