// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { array, assert, asyncProperty, boolean, constantFrom, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fixRepository, preflight } from '#consumers';
import { parseAllDocuments } from 'yaml';
import { DISTROLESS, lines, look, sopsYaml, temporaryFolder, writeFiles } from './__fixtures__/repository.ts';

const request = { channel: DISTROLESS, target: '2.9' };

/** Gives a text as `--fix` leaves it, with what is still found. */
async function fix(text: string, name = 'a.yaml') {
  await using folder = await temporaryFolder();
  await writeFiles(folder.path, { [name]: text });
  const before = await preflight(folder.path, request);
  await fixRepository(before);
  const after = await readFile(join(folder.path, name), 'utf8');
  return { before, after, left: lines(await preflight(folder.path, request)) };
}

const V2BETA1 = 'helm.toolkit.fluxcd.io/v2beta1';

describe('API versions', () => {
  it.each([
    ['2.6', 'source.toolkit.fluxcd.io/v1beta2', 'OCIRepository', ['warning api-deprecated']],
    ['2.7', 'source.toolkit.fluxcd.io/v1beta2', 'OCIRepository', ['warning api-deprecated']],
    ['2.8', 'source.toolkit.fluxcd.io/v1beta2', 'OCIRepository', ['error api-removed']],
    ['2.8', 'notification.toolkit.fluxcd.io/v1beta2', 'Receiver', ['warning api-deprecated']],
    ['2.9', 'notification.toolkit.fluxcd.io/v1beta2', 'Receiver', ['error api-removed']],
    ['2.9', 'notification.toolkit.fluxcd.io/v1beta3', 'Receiver', ['error api-removed']],
    ['2.9', 'notification.toolkit.fluxcd.io/v1beta3', 'Alert', []],
    ['2.9', 'notification.toolkit.fluxcd.io/v1', 'Alert', ['error api-removed']],
    ['2.6', 'image.toolkit.fluxcd.io/v1', 'ImagePolicy', ['error api-removed']],
    ['2.6', 'source.toolkit.fluxcd.io/v1', 'ExternalArtifact', ['error api-removed']],
    ['2.9', 'helm.toolkit.fluxcd.io/v2', 'HelmRelease', []],
    ['2.9', 'kustomize.config.k8s.io/v1beta1', 'Kustomization', []],
    ['2.9', 'fluxcd.controlplane.io/v1', 'FluxInstance', []],
  ])('in %s: %s of %s', async (target, apiVersion, kind, expected) => {
    const text = `kind: ${kind}\napiVersion: ${apiVersion}\n`;
    expect(lines(await look({ 'a.yaml': text }, DISTROLESS, target))).toEqual(
      expected.map((one) => `a.yaml:2:13 ${one}`),
    );
  });

  it('of a line that is not known are refused with the lines that are', async () => {
    await expect(look({}, DISTROLESS, '2.5')).rejects.toThrow(
      expect.objectContaining({ code: 'TARGET_UNKNOWN', hint: expect.stringContaining('2.9') }),
    );
  });

  it('are found in many documents, Lists, references, patches, their targets and texts, and not in definitions', async () => {
    const text = `# ${V2BETA1}
apiVersion: v1
kind: List
items:
  - {apiVersion: ${V2BETA1}, kind: HelmRelease}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
spec:
  healthChecks:
    - apiVersion: ${V2BETA1}
      kind: HelmRelease
      name: a
  patches:
    - target: { group: helm.toolkit.fluxcd.io, version: v2beta1, kind: HelmRelease }
      patch: |
        # above

        apiVersion: ${V2BETA1}
        kind: HelmRelease
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec: { group: helm.toolkit.fluxcd.io, example: { apiVersion: ${V2BETA1}, kind: HelmRelease } }
`;
    const places = ['5:18', '11:19', '15:57', '19:21'].map((place) => `a.yaml:${place} error api-removed`);
    expect(lines(await look({ 'a.yaml': text }))).toEqual(places);
    expect((await fix(text)).left).toEqual([]);
  });

  it('are found behind quotes, escapes, anchors, aliases and merge keys', async () => {
    const text = `apiVersion: &v "helm.toolkit.fluxcd.io\\/v2beta1"
kind: HelmRelease
---
a: &a
  apiVersion: ${V2BETA1}
b:
  <<: *a
  kind: HelmRelease
---
- &h { apiVersion: &v ${V2BETA1}, kind: &k HelmRelease }
- { apiVersion: *v, kind: *k }
- *h
`;
    const report = await look({ 'a.yaml': text });
    expect(lines(report)).toEqual(['1:16', '7:3', '10:23', '11:17'].map((at) => `a.yaml:${at} error api-removed`));
    expect(report.findings.map(({ fixable }) => fixable)).toEqual([true, false, true, true]);
  });
});

describe('--fix', () => {
  it.each([
    ['quotes and comments', `apiVersion: '${V2BETA1}'   # keep\nkind:   HelmRelease\n\n\n`],
    ['CRLF', `apiVersion: ${V2BETA1}\r\nkind: HelmRelease\r\n`],
    ['a byte order mark', `\uFEFF---\napiVersion: ${V2BETA1}\nkind: HelmRelease`],
    ['kind before apiVersion, and no end of line', `kind: HelmRelease\nmetadata: {name: a}\napiVersion: ${V2BETA1}`],
    [
      'an anchor that all agree on',
      `a: {apiVersion: &v ${V2BETA1}, kind: HelmRelease}\nb: {apiVersion: *v, kind: HelmRelease}\n`,
    ],
    ['flow style', `{apiVersion: ${V2BETA1},kind: HelmRelease}\n`],
    ['JSON', `{\n\t"kind": "HelmRelease",\n\t"apiVersion": "${V2BETA1}"\n}`],
    ['directives', `%YAML 1.2\n---\napiVersion: ${V2BETA1}\nkind: HelmRelease\n...\n%YAML 1.2\n---\na: b\n`],
  ])('keeps %s', async (_, text) => {
    const { after, left } = await fix(text, text.startsWith('{\n') ? 'a.json' : 'a.yaml');
    expect(after).toBe(text.replace('v2beta1', 'v2'));
    expect(left).toEqual([]);
  });

  it.each([
    [
      'a field that is no more',
      `apiVersion: ${V2BETA1}\nkind: HelmRelease\nspec: {chart: {spec: {valuesFile: a}}}\n`,
      'spec.chart.spec.valuesFile is no more',
    ],
    [
      'a field within a list',
      `apiVersion: ${V2BETA1}\nkind: HelmRelease\nspec: {postRenderers: [{kustomize: {patchesJson6902: []}}]}\n`,
      'spec.postRenderers[].kustomize.patchesJson6902',
    ],
    [
      'what SOPS has sealed',
      `apiVersion: ${V2BETA1}\nkind: HelmRelease\n${sopsYaml('age')}`,
      'the checksum of SOPS covers it',
    ],
    [
      'an anchor that something else uses',
      `a: &v ${V2BETA1}\nb: {apiVersion: *v, kind: HelmRelease}\n`,
      'an anchor shares it',
    ],
    [
      'an anchor of two kinds that part',
      `a: {apiVersion: &v notification.toolkit.fluxcd.io/v1beta2, kind: Receiver}\nb: {apiVersion: *v, kind: Alert}\n`,
      'an anchor shares it',
    ],
    ['a quoted text', `a: "apiVersion: ${V2BETA1}\\nkind: HelmRelease\\n"\n`, 'it stands within a quoted text'],
    ['a block', `apiVersion: >-\n  ${V2BETA1}\nkind: HelmRelease\n`, 'it is written as a block'],
    [
      'an escape',
      `apiVersion: "helm.toolkit.fluxcd.io/v2beta\\u0031"\nkind: HelmRelease\n`,
      'it is written with escapes',
    ],
    ['a newer version than the line has', 'apiVersion: helm.toolkit.fluxcd.io/v3\nkind: HelmRelease\n', 'serves v2'],
  ])('leaves %s, and says why', async (_, text, reason) => {
    const { before, after } = await fix(text);
    expect(after).toBe(text);
    expect(before.findings.map(({ fix }) => fix).join('\n')).toContain(reason);
    expect(before.findings.every(({ fixable }) => !fixable)).toBe(true);
  });

  it('rewrites what SOPS has not sealed, where only encrypted values count', async () => {
    const text = `apiVersion: ${V2BETA1}\nkind: HelmRelease\n${sopsYaml('age')}  mac_only_encrypted: true\n`;
    expect((await fix(text)).after).toBe(text.replace('v2beta1', 'v2'));
  });

  it('keeps the mode of a file, and writes nothing where a file has changed meanwhile', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'oakum-fix-'));
    const file = join(folder, 'b.yaml');
    const text = `apiVersion: ${V2BETA1}\nkind: HelmRelease\n`;
    await writeFile(file, text, { mode: 0o600 });
    await writeFile(join(folder, 'a.yaml'), text);
    const report = await preflight(folder, request);
    await writeFile(file, `# longer\n${text}`);
    await expect(fixRepository(report)).rejects.toThrow(expect.objectContaining({ code: 'REPOSITORY_CHANGED' }));
    expect(await readFile(join(folder, 'a.yaml'), 'utf8')).toBe(text);
    await fixRepository(await preflight(folder, request));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await rm(folder, { recursive: true });
  });

  it('changes versions alone, whatever the file looks like, and places are right', async () => {
    const object = record({
      version: constantFrom('helm.toolkit.fluxcd.io/v2beta1', 'helm.toolkit.fluxcd.io/v2', 'v1'),
      kindFirst: boolean(),
      quote: constantFrom('', '"', "'"),
      comment: constantFrom('', ' # v2beta1', '   #'),
      inside: constantFrom(
        '',
        'a: [1,  2]\n',
        'b: |\n  # x\n   y\n',
        'c: "\\u0041 \\\n  d"\n',
        'é: 😀\n',
        '? e\n: f\n',
      ),
    });
    await assert(
      asyncProperty(array(object, { minLength: 1, maxLength: 5 }), constantFrom('\n', '\r\n'), async (objects, end) => {
        const text = objects
          .map(({ version, kindFirst, quote, comment, inside }) => {
            const api = `apiVersion: ${quote}${version}${quote}${comment}\n`;
            return kindFirst ? `kind: HelmRelease\n${inside}${api}` : `${api}${inside}kind: HelmRelease\n`;
          })
          .join('---\n')
          .replaceAll('\n', end);
        const { before, after, left } = await fix(text);
        const old = objects.filter(({ version }) => version.endsWith('v2beta1')).length;
        expect(before.findings).toHaveLength(old);
        expect(left).toEqual([]);
        const values = (from: string) => parseAllDocuments(from).map((one) => one.toJS() as Record<string, unknown>);
        const wanted = values(text).map((one) => ({
          ...one,
          apiVersion: String(one['apiVersion']).replace('v2beta1', 'v2'),
        }));
        expect(values(after)).toEqual(wanted);
        expect(after.length).toBe(text.length - old * 'beta1'.length);
        for (const { place } of before.findings) {
          const at = text.split('\n')[place.line - 1]?.slice(place.column - 1);
          expect(at).toMatch(/^["']?helm\.toolkit\.fluxcd\.io\/v2beta1/);
        }
      }),
      { numRuns: 100 },
    );
  });
});
