// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'oakum-preflight-command-'));
afterAll(() => rmSync(folder, { recursive: true }));

const OLD = 'apiVersion: helm.toolkit.fluxcd.io/v2beta1 # old\nkind: HelmRelease\n';
const SOPS = 'kind: Secret\nsops:\n  pgp: [{ fp: A }]\n  mac: ENC[AES256_GCM,data:A]\n';

/** A definition with a channel that has git and gnupg, in FIPS mode, and one that has neither. */
const DEFINITION = `version: 1
name: test
vendor: Test
registry: registry.example.com/test
toolchain: go1.27.3
platforms: [linux/amd64]
components: { kustomize-controller: { module: github.com/fluxcd/kustomize-controller } }
channels:
  big: { base: full, crypto: fips140 }
  small: { base: bare }
bases:
  full: { kind: debian, suites: [trixie], packages: [git, gnupg], programs: true }
  bare: { kind: debian, suites: [trixie], packages: [base-files] }
`;

function put(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** Runs `oakum preflight ...` in the folder. */
function oakum(...args: readonly string[]) {
  const program = join(import.meta.dirname, '../src/cli/main.ts');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=oakum-source', program, 'preflight', ...args],
    {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], HOME: folder },
    },
  );
  return { status, stdout, stderr };
}

describe('oakum preflight', () => {
  beforeEach(() => {
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    put({ 'repository/a/release.yaml': OLD, 'repository/a/kustomization.yaml': 'resources: [release.yaml]\n' });
  });

  it('names each place, what to do and why, and ends with 1; after --fix with 0', () => {
    const found = oakum('repository');
    expect(found).toMatchObject({ status: 1, stderr: '' });
    expect(found.stdout).toContain(
      'a/release.yaml:1:13: error: HelmRelease helm.toolkit.fluxcd.io/v2beta1 is not served by Flux 2.9',
    );
    expect(found.stdout).toContain('1 error. --fix mends 1 of them.');
    const dry = oakum('repository', '--fix', '--dry-run');
    expect(dry.stdout).toContain('  1 + apiVersion: helm.toolkit.fluxcd.io/v2 # old');
    expect(dry).toMatchObject({ status: 1 });
    expect(readFileSync(join(folder, 'repository/a/release.yaml'), 'utf8')).toBe(OLD);
    const fixed = oakum('repository', '--fix');
    expect(fixed).toMatchObject({ status: 0 });
    expect(fixed.stdout).toContain('Rewritten: 1 API version in 1 file.');
    expect(readFileSync(join(folder, 'repository/a/release.yaml'), 'utf8')).toBe(OLD.replace('v2beta1', 'v2'));
  });

  it('judges a channel of the definition by its base and crypto, and others by their names', () => {
    put({
      'distribution.yaml': DEFINITION,
      'repository/a/release.yaml': SOPS,
      'repository/kustomization.yaml': 'resources: [github.com/a/b]\n',
    });
    const traits = (channel: string) => JSON.parse(oakum('repository', '--channel', channel, '--json').stdout).channel;
    expect(traits('big')).toEqual({ name: 'big', crypto: 'fips140', git: true, gpg: true });
    expect(traits('small')).toEqual({ name: 'small', crypto: 'none', git: false, gpg: false });
    expect(traits('standard')).toEqual({ name: 'standard', crypto: 'none', git: true, gpg: true });
    expect(oakum('repository', '--channel', 'big')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('Nothing found.'),
    });
    const small = oakum('repository', '--channel', 'small');
    expect(small.stdout).toMatch(/kustomization\.yaml:1:13: error: .*\[remote-base\]/);
    expect(small.stdout).toMatch(/a\/release\.yaml:3:9: error: .*\[sops-openpgp\]/);
    expect(oakum('repository', '--channel', 'other')).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining('Channels: big, small, fips, distroless, standard'),
    });
  });

  it('prints JSON and SARIF, and takes the level that counts from --fail-on', () => {
    const sarif = JSON.parse(oakum('repository', '--sarif').stdout);
    expect(sarif.runs[0].results).toHaveLength(1);
    const json = oakum('repository', '--to', 'v2.6.4', '--json', '--fail-on', 'error');
    expect(json.status).toBe(0);
    expect(JSON.parse(json.stdout)).toMatchObject({
      target: '2.6',
      findings: [
        {
          rule: 'api-deprecated',
          level: 'warning',
          fixable: true,
          place: { file: 'a/release.yaml', line: 1, column: 13 },
        },
      ],
      edits: [],
      written: false,
    });
    expect(oakum('repository', '--to', '2.6').status).toBe(1);
  });

  it.each([
    [['nowhere'], "the repository can't be read"],
    [['repository/a/release.yaml'], "the repository can't be read"],
    [['repository', '--to', 'two'], '--to takes a line of Flux'],
    [['repository', '--to', '1.0'], 'Known lines: 2.6'],
    [['repository', '--dry-run'], '--dry-run goes with --fix'],
    [['repository', '--json', '--sarif'], 'cannot be used with'],
    [['repository', '--fail-on', 'all'], 'Allowed choices'],
  ])('refuses %j with a sentence', (args, sentence) => {
    const result = oakum(...args);
    expect(result).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining(sentence) });
    expect(result.stderr).not.toMatch(/^\s+at /m);
  });

  it('lets nothing of a repository steer the terminal', () => {
    put({ 'repository/kustomization.yaml': 'resources: ["github.com/a/b\\e[31m\\u202e"]\n' });
    expect(oakum('repository').stdout).not.toMatch(/[\u001b\u202e]/);
  });
});
