// SPDX-License-Identifier: Apache-2.0
// BoringCrypto in a real controller, source-watcher of Flux 2.9.2: released beside the fips channel, proved from the image's bytes, trusted,
// and built again from its provenance with nothing shared.
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../outside.ts';

const HOME = resolve(import.meta.dirname, '../..');
const IMAGE = 'oci:out/oci:boring/source-watcher:v2.2.2';

let folder: string;

function oakum(...args: readonly string[]) {
  const go = ['GOPROXY', 'GOSUMDB'].flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []));
  const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', CI: 'true' };
  const own = { OAKUM_CACHE: join(folder, 'cache'), OAKUM_DATA: join(folder, 'data') };
  return runCli(args, { cwd: folder, env: { ...env, ...Object.fromEntries(go), ...own } });
}

describe('source-watcher 2.2.2 with BoringCrypto', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-boring-release-'));
    await copyFile(join(HOME, 'oakum.lock'), join(folder, 'oakum.lock'));
    const shipped = await readFile(join(HOME, 'distribution.yaml'), 'utf8');
    const channel = 'channels:\n  boring:\n    base: debian-13\n    crypto: boring\n';
    await writeFile(join(folder, 'distribution.yaml'), shipped.replace('channels:\n', channel));
    const place = ['--component', 'source-watcher', '--platform', 'linux/amd64'];
    const released = await oakum('release', '2.9.2', '--channel', 'boring,fips', ...place);
    expect(released.stderr).toMatch(/FIPS 140-2 certificates of BoringCrypto .* historical since 2026-09-21/);
    expect(released.stdout).toContain('Revision 2.9.2-r0');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is proved from its bytes, and says the same as the report that is attached', async () => {
    const { exitCode, stdout } = await oakum('fips', 'report', IMAGE, '--run', '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'proved',
      platforms: [
        {
          programs: [{ mode: 'boring', boring: { version: 'fips-20220613' }, selfTest: { verdict: 'passed' } }],
          attested: { there: true, differences: [] },
        },
      ],
    });
    const fips = await oakum('fips', 'report', IMAGE.replace('boring', 'fips'), '--json');
    expect(fips.exitCode).toBe(0);
    expect(JSON.parse(fips.stdout)).toMatchObject({ platforms: [{ programs: [{ mode: 'fips140' }] }] });
  });

  it('names in its SBOM what the C compiler linked in, and in its provenance where the compiler is from', async () => {
    const sbom = await oakum('inspect', IMAGE, '--sbom', 'cyclonedx');
    expect(sbom.stdout).toContain('pkg:generic/boringcrypto@fips-20220613');
    expect(sbom.stdout).toMatch(/pkg:deb\/debian\/libc6-dev@[^"]*linked=static&upstream=glibc"/);
    const provenance = await oakum('inspect', IMAGE, '--provenance');
    expect(provenance.stdout).toMatch(/"uri": "pkg:deb\/debian\/gcc-14-x86-64-linux-gnu@/);
  });

  it('is the same to the bit when it is built again from its provenance, with an empty cache', async () => {
    const again = await oakum('reproduce', IMAGE);
    expect(again.stdout + again.stderr).toContain('The same to the bit');
    expect(again.exitCode).toBe(0);
  });
});
