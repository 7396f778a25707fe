// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatReleaseDocument, type ReleaseDocument } from '#release';
import { type GoProxyServer, openFinding, releaseDocument, startGoProxy } from '#testing';
import { CALENDARS, inDays, type LifecycleWorld, startLifecycleWorld } from './lifecycle-world.ts';

/** A CustomResourceDefinition of a kind with these versions, the first stored. */
function crd(kind: string, versions: readonly string[]): string {
  const items = versions.map((name, index) => `  - name: ${name}\n    served: true\n    storage: ${index === 0}\n`);
  return `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: ${kind.toLowerCase()}s.source.toolkit.fluxcd.io
spec:
  group: source.toolkit.fluxcd.io
  names: { kind: ${kind}, plural: ${kind.toLowerCase()}s }
  versions:
${items.join('')}`;
}

describe('oakum notes', () => {
  let folder: string;
  let proxy: GoProxyServer;
  let world: LifecycleWorld;

  /** The components' sources as documents name them: path, version and the hash of the zip that the proxy serves. */
  const sources = new Map<string, { readonly path: string; readonly version: string; readonly zipHash: string }>();

  function publish(component: string, version: string, crds: readonly string[]): void {
    const path = `github.com/fluxcd/${component}`;
    const files = crds.map((text, index) => [`config/crd/bases/${index}.yaml`, text] as const);
    const module = proxy.publish({
      path,
      version,
      files: { 'go.mod': `module ${path}\n`, ...Object.fromEntries(files) },
    });
    sources.set(`${component} ${version}`, { path, version, zipHash: module.zipHash });
  }

  /** A document whose images were made from what the proxy serves. */
  function document(revision: string, choice: Parameters<typeof releaseDocument>[1] = {}): ReleaseDocument {
    const made = releaseDocument(revision, choice);
    const channels = Object.entries(made.channels).map(([name, channel]) => [
      name,
      {
        ...channel,
        images: channel.images.map((image) => ({
          ...image,
          source: { ...image.source, ...sources.get(`${image.component} ${image.version}`) },
        })),
      },
    ]);
    return { ...made, channels: Object.fromEntries(channels) as ReleaseDocument['channels'] };
  }

  const keep = (place: string, one: ReleaseDocument) => writeFile(join(folder, place), formatReleaseDocument(one));

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-notes-command-'));
    proxy = await startGoProxy();
    world = await startLifecycleWorld(folder, {
      OAKUM_CACHE: join(folder, 'cache'),
      GOPROXY: proxy.url,
      GOSUMDB: proxy.log.key,
    });
    const shipped = await readFile(resolve(import.meta.dirname, '../distribution.yaml'), 'utf8');
    const own =
      'components:\n  alpha: { module: github.com/fluxcd/alpha }\n  beta: { module: github.com/fluxcd/beta }\n';
    await writeFile(
      join(folder, 'distribution.yaml'),
      shipped.replace(/^lifecycle:\n(?:[ #].*\n)*/m, '').replace(/^components:\n(?:[ #].*\n|\n(?= ))*/m, own),
    );
    publish('alpha', 'v1.8.8', [crd('Bucket', ['v1beta2', 'v1beta1'])]);
    publish('beta', 'v1.8.8', []);
    publish('alpha', 'v1.9.2', [crd('Bucket', ['v1', 'v1beta2']), crd('HelmChart', ['v1'])]);
    publish('beta', 'v1.9.2', []);
    const before = document('2.9.2-r0', { open: [openFinding('GO-2026-0001')] });
    await mkdir(join(folder, 'documents'));
    await keep('documents/a.json', document('2.8.8-r0'));
    await keep('documents/b.json', before);
    await keep('documents/c.json', document('2.9.2-r1', { predecessor: before }));
    expect(await world.take(CALENDARS)).toMatchObject({ exitCode: 0 });
  });
  afterAll(async () => {
    await Promise.all([world.stop(), proxy.stop()]);
    await rm(folder, { recursive: true });
  });

  it('writes the notes of a line, its API compared with that of the line before, both from proved sources', async () => {
    const first = await world.oakum(['notes', '2.9', '--from', 'documents', '--quiet']);
    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(first.stdout).toContain('| Kubernetes | 1.34 <br>1.35 <br>1.36 <br>1.37 <br>1.38 <br>1.39 |');
    expect(first.stdout).toContain(`1.33 until ${inDays(80)}, now in extended support`);
    expect(first.stdout).toContain('compared with those of v2.8, read likewise');
    expect(first.stdout).toContain('| Bucket | `source.toolkit.fluxcd.io/v1beta2` | `source.toolkit.fluxcd.io/v1` |');
    expect(first.stdout).toContain('| HelmChart | new | `source.toolkit.fluxcd.io/v1` |');
    expect(first.stdout).toContain('| Bucket | `source.toolkit.fluxcd.io/v1beta1` |');
    expect(first.stdout).toMatch(
      /^#### 2\.9\.2-r1$[^]*No longer open, without a change: GO-2026-0001\.[^]*^#### 2\.9\.2-r0$/m,
    );
    const again = await world.oakum([
      'notes',
      '2.9',
      '--from',
      'documents/c.json,documents/b.json,documents/a.json',
      '--output',
      'n.md',
    ]);
    expect(again).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await readFile(join(folder, 'n.md'), 'utf8')).toBe(first.stdout);
  });

  it('compares with nothing where a component of the line before is not known', async () => {
    await keep('part.json', document('2.9.2-r0', { components: ['alpha'] }));
    const { stdout, exitCode } = await world.oakum(['notes', '2.9', '--from', 'part.json']);
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain('### Removals');
  });

  it('writes nothing where documents contradict each other, and says in what', async () => {
    await keep('other.json', { ...document('2.9.2-r0'), compressor: 'another' });
    const args = ['notes', '2.9', '--from', 'documents,other.json', '--output', 'never.md'];
    expect(await world.oakum(args)).toMatchObject({
      exitCode: 5,
      stderr: expect.stringMatching(/documents\/b\.json and \S+other\.json hold different documents of 2\.9\.2-r0/),
    });
    expect(
      await world.oakum(['notes', '2.9', '--from', 'other.json,documents/c.json', '--output', 'never.md']),
    ).toMatchObject({
      exitCode: 5,
      stderr: expect.stringMatching(
        /chain is broken: 2\.9\.2-r1 names sha256:\w+ as the document of 2\.9\.2-r0, in \S+other\.json it is/,
      ),
    });
    await expect(readFile(join(folder, 'never.md'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('refuses sources that are not those the document names', async () => {
    const one = document('2.9.2-r0');
    const image = one.channels['fips']?.images[0];
    const zipHash = sources.get('beta v1.9.2')?.zipHash ?? '';
    const swapped = JSON.parse(
      formatReleaseDocument(one).replaceAll(image?.source.zipHash ?? '', zipHash),
    ) as ReleaseDocument;
    await keep('swapped.json', swapped);
    await rm(join(folder, 'cache'), { recursive: true, force: true });
    expect(await world.oakum(['notes', '2.9', '--from', 'swapped.json'])).toMatchObject({
      exitCode: 5,
      stdout: '',
      stderr: expect.stringContaining('github.com/fluxcd/alpha'),
    });
  });

  it.each([
    [['3.1'], 2, /no notes of "3\.1": the feed endoflife knows no such line/],
    [['2.7', '--from', 'documents'], 2, /no notes of "2\.7": no release document and no lock/],
    [['2.9', '--from', 'nowhere'], 2, /there is no such file or folder/],
    [[], 2, /missing required argument 'line'/],
  ])('refuses %j', async (args, exitCode, text) => {
    expect(await world.oakum(['notes', ...args])).toMatchObject({
      exitCode,
      stdout: '',
      stderr: expect.stringMatching(text),
    });
  });
});
