// SPDX-License-Identifier: Apache-2.0
// Upstream's features that need programs: remote bases with git, OpenPGP with gpg, below tini. Real Alpine packages of these are not
// everywhere to be had, so this is shown on a root of the same shape made of Debian's; definitions/standard.yaml has the Alpine one.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DebianBaseDefinition, readDefinition } from '#definition';
import { type CliResult, runCli } from '../outside.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const DEFINITION = join(ROOT, 'definitions/standard-debian.yaml');
const IMAGE = 'oci:out/oci:standard-debian/kustomize-controller:v1.9.3-r0';
const OTHER = 'oci:out/oci:standard-debian/source-controller:v1.9.3-r0';

let folder: string;

function oakum(...args: readonly string[]): Promise<CliResult> {
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value ? [[name, value]] : [])),
  );
  return runCli(args, { cwd: folder, env: { ...env, CI: 'true', OAKUM_DATA: join(folder, 'data') } });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-upstream-'));
  await writeFile(join(folder, 'distribution.yaml'), await readFile(DEFINITION));
  await writeFile(join(folder, 'oakum.lock'), await readFile(join(ROOT, 'oakum.lock')));
  const released = await oakum('release', '2.9.2', '--platform', 'linux/amd64');
  expect(released.stderr + released.stdout).toContain('Revision 2.9.2-r0');
}, 60 * 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the channel with upstream's features", () => {
  it('has programs below kustomize-controller alone, and starts it by tini', async () => {
    const [tools, plain] = await Promise.all(
      [IMAGE, OTHER].map(async (image) => JSON.parse((await oakum('inspect', image, '--json')).stdout).platforms[0]),
    );
    expect(tools.command).toEqual(['/usr/bin/tini', '--', 'kustomize-controller']);
    expect(plain.command).toEqual(['source-controller']);
    const { definition } = await readDefinition(DEFINITION);
    const countOf = (name: string) => (definition.bases[name] as DebianBaseDefinition).packages.length;
    expect(tools.content.packages).toBe(countOf('debian-13-tools'));
    expect(plain.content.packages).toBe(countOf('debian-13'));
  });

  it('says in the release document which image has another base', async () => {
    const document = JSON.parse(await readFile(join(folder, 'out/release.json'), 'utf8'));
    const { base, images } = document.channels['standard-debian'];
    expect(base.name).toBe('debian-13');
    const own = images.filter((image: { base?: object }) => image.base !== undefined);
    expect(own).toMatchObject([{ component: 'kustomize-controller', base: { name: 'debian-13-tools' } }]);
  });

  it('leaves remote bases allowed in its manifests', async () => {
    const text = await readFile(join(folder, 'out/manifests/v2.9.2/install-standard-debian.yaml'), 'utf8');
    expect(text).toContain('kustomize-controller');
    expect(text).not.toContain('--no-remote-bases');
  });

  it('is built again from its provenance alone', { timeout: 20 * 60_000 }, async () => {
    const again = await oakum('reproduce', IMAGE, '--platform', 'linux/amd64', '--warm');
    expect(again).toMatchObject({ exitCode: 0 });
  });

  it('builds a remote base and decrypts OpenPGP in a cluster', { timeout: 60 * 60_000 }, async () => {
    const done = await oakum('compat', 'test', '2.9.2', '--kubernetes', '1.36', '--json');
    const [cell] = JSON.parse(done.stdout || '[]') as readonly {
      readonly steps: readonly { readonly name: string; readonly verdict: string; readonly detail?: string }[];
    }[];
    expect(cell?.steps.filter(({ verdict }) => verdict === 'failed')).toEqual([]);
    const detailOf = (what: RegExp) => cell?.steps.find(({ name }) => what.test(name))?.detail;
    expect(detailOf(/base in another repository/)).toBe('fetched by git, which the image has');
    expect(detailOf(/OpenPGP/)).toBe('decrypted by gpg, which the image has');
  });
});
