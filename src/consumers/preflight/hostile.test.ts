// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert, asyncProperty, constantFrom, string, stringMatching, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { preflight } from '#consumers';
import { FIPS, lines, look, temporaryFolder, writeFiles } from './__fixtures__/repository.ts';

const OLD = 'apiVersion: helm.toolkit.fluxcd.io/v2beta1\nkind: HelmRelease\n';

/** Looks at a folder, and gives the megabytes of heap it grew by. */
async function measure(files: Readonly<Record<string, string>>) {
  const before = process.memoryUsage().heapUsed;
  const report = await look(files);
  return { report, megabytes: (process.memoryUsage().heapUsed - before) / 1e6 };
}

describe('a preflight of what was made to harm', () => {
  it('expands no alias', async () => {
    const levels = Array.from(
      { length: 40 },
      (_, level) => `a${level + 1}: &a${level + 1} [${`*a${level},`.repeat(9)}]\n`,
    ).join('');
    const text = `${OLD}a0: &a0 [x]\n${levels}spec: { chart: *a40, postRenderers: *a40 }\n`;
    const { report } = await measure({
      'a.yaml': text,
      'kustomization.yaml': `${text.replace(OLD, '')}resources: *a40 # https://\n`,
    });
    expect(lines(report)).toEqual(['a.yaml:1:13 error api-removed']);
  });

  // What grows with the square of the size does not end within the time.
  it.each([
    ['dots', 'a.'],
    ['letters', 'a'],
    ['flags', '--ssh-kex-algos '],
    ['spaces after a flag', ' ', 'a: --ssh-kex-algos'],
    ['groups', 'group: '],
    ['documents', '---\n'],
    ['directives', '%A\n---\n'],
    ['blank lines after a directive', '\n', '%A'],
    ['signs of a kustomization', '@: #'],
  ])(
    'is not slow for a file of %s',
    async (_, part, head = '') => {
      const text = `${head}${part.repeat((1 << 20) / part.length)}\n# sops ENC[ fluxcd.io/v1 known_hosts Secret kind: HelmRelease\n`;
      const { report } = await measure({ 'a.yaml': text, 'kustomization.yaml': text });
      expect(report.files.read).toBe(2);
    },
    120_000,
  );

  it('goes round no circle of anchors', async () => {
    const rules = 'creation_rules:\n  - key_groups: &g\n      - &m { pgp: [A], merge: [*m, *m, *m], <<: *m }\n';
    expect(
      lines(await look({ '.sops.yaml': rules, 'a.yaml': `${OLD}spec: &s { chart: *s, postRenderers: &l [*l] }\n` })),
    ).toEqual(['.sops.yaml:3:19 warning sops-rule-openpgp', 'a.yaml:1:13 error api-removed']);
  });

  it.each([
    ['brackets', `${OLD}a: ${'['.repeat(100_000)}`],
    ['closed brackets', `${OLD}a: ${'['.repeat(50_000)}${']'.repeat(50_000)}`],
    ['maps', OLD + Array.from({ length: 1000 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('')],
    ['sequences', `${OLD}a:\n${'- '.repeat(50_000)}x`],
  ])('survives deep %s', async (_, text) => {
    const [line] = lines(await look({ 'a.yaml': text }));
    expect(line).toMatch(/^a\.yaml:\d+:\d+ (?:warning not-checked|error api-removed)$/);
  });

  it('says which files are too large or no text, and reads on', async () => {
    await using folder = await temporaryFolder();
    await writeFiles(folder.path, {
      'b.yaml': '',
      'c.yaml': new Uint8Array([0x61, 0xff, 0xfe]),
      'd.yaml': new Uint8Array([0, 1]),
      'e.yaml': OLD,
    });
    await truncate(join(folder.path, 'b.yaml'), 100 << 20);
    const report = await preflight(folder.path, { channel: FIPS, target: '2.9' });
    expect(lines(report)).toEqual([
      'b.yaml:1:1 warning not-checked',
      'c.yaml:1:1 warning not-checked',
      'e.yaml:1:13 error api-removed',
    ]);
    expect(report.skipped.map(({ path, reason }) => `${path} ${reason}`)).toEqual([
      'b.yaml too large',
      'c.yaml not UTF-8',
    ]);
    expect(report.files).toEqual({ read: 1, templates: 0, binary: 1 });
  });

  it('reads a file of a million lines that names nothing, and one document of it that is too long is named', async () => {
    const many = 'a: b\n'.repeat(1_000_000);
    const { report, megabytes } = await measure({
      'a.yaml': many,
      'b.yaml': `${many}---\n${OLD}`,
      'c.yaml': OLD + many,
    });
    expect(lines(report)).toEqual(['b.yaml:1000002:13 error api-removed', 'c.yaml:1:1 warning not-checked']);
    expect(megabytes).toBeLessThan(200);
  }, 30_000);

  it('follows no link, and opens no pipe', async () => {
    await using outside = await temporaryFolder();
    await using folder = await temporaryFolder();
    await writeFile(join(outside.path, 'x.yaml'), OLD);
    await writeFiles(folder.path, { 'a/b.yaml': 'a: b\n' });
    await symlink('..', join(folder.path, 'a/loop'));
    await symlink('self', join(folder.path, 'self'));
    await symlink(join(outside.path, 'x.yaml'), join(folder.path, 'out.yaml'));
    execFileSync('mkfifo', [join(folder.path, 'pipe.yaml')]);
    const report = await preflight(folder.path, { channel: FIPS, target: '2.9' });
    expect(lines(report)).toEqual([]);
    expect(report.skipped.map(({ path, reason }) => `${path} ${reason}`).sort()).toEqual(
      ['a/loop link', 'out.yaml link out of the repository', 'pipe.yaml special', 'self link'].sort(),
    );
  });

  it('leaves out .git, node_modules and charts’ templates, and says how many templates', async () => {
    const report = await look({
      '.git/a.yaml': OLD,
      'node_modules/a.yaml': OLD,
      'chart/Chart.yaml': 'name: a\n',
      'chart/templates/a.yaml': `${OLD}{{ if }}`,
      'chart/templates/deep/b.yaml': OLD,
      'templates/c.yaml': OLD,
      'd.yaml': `${OLD}{{- range .x }}\n{{ end }}\n`,
    });
    expect(lines(report)).toEqual(['templates/c.yaml:1:13 error api-removed']);
    expect(report.files.templates).toBe(3);
  });

  it('says where a file is broken that would have mattered, and nothing of others', async () => {
    const report = await look({ 'a.yaml': `${OLD}a: [\n`, 'b.yaml': 'a: [\n', 'c.json': '{"a":' });
    expect(lines(report)).toEqual(['a.yaml:4:1 warning not-checked']);
  });

  it('refuses what is no folder', async () => {
    await using folder = await temporaryFolder();
    await writeFiles(folder.path, { a: '' });
    for (const path of [join(folder.path, 'a'), join(folder.path, 'nothing')]) {
      const refusal = expect.objectContaining({ code: 'REPOSITORY_UNREADABLE', hint: expect.any(String) });
      await expect(preflight(path, { channel: FIPS, target: '2.9' })).rejects.toThrow(refusal);
    }
  });

  it('never fails on any content', async () => {
    const names = constantFrom('kustomization.yaml', '.sops.yaml', 'a.yaml', 'a.json', 'a.env', 'a.ini', 'known_hosts');
    const word =
      '(?:sops|ENC\\[|known_hosts|Secret|\\.asc|fluxcd\\.io/v1beta2|pgp|https://|helmCharts|kind|&a |\\*a|<<|[ :\\-\\n{}\\[\\],"\'|>%\\\\]){0,30}';
    await assert(
      asyncProperty(
        names,
        stringMatching(new RegExp(`^${word}$`)),
        string(),
        uint8Array({ maxLength: 50 }),
        async (name, likely, any, bytes) => {
          await expect(look({ [name]: likely + any, [`x/${name}`]: bytes })).resolves.toBeDefined();
        },
      ),
      { numRuns: 200 },
    );
  });
});
