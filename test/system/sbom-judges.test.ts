// SPDX-License-Identifier: Apache-2.0
// syft as the judge: it finds nothing in an image that our SBOM lacks, and reads both our formats back.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSbom, compareSbom, readSbom, type SbomReading, toCycloneDx, toSpdx } from '#evidence';
import { judge } from '../judges.ts';
import { type SbomStage, stageSbom } from '../sbom-stage.ts';

const folder = mkdtempSync(join(tmpdir(), 'oakum-sbom-judges-'));
let stage: SbomStage;
let syft = '';
beforeAll(async () => {
  syft = await judge('syft');
  stage = await stageSbom(join(folder, 'stage'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: readonly string[]): Buffer {
  const env = { ...process.env, SYFT_CHECK_FOR_APP_UPDATE: 'false' };
  const result = spawnSync(syft, ['-q', ...args], { env, maxBuffer: 1 << 28 });
  if (result.status !== 0) throw new Error(result.stderr.toString());
  return result.stdout;
}

/**
 * Packages by type, name and version. Explained differences (docs/evidence-sbom.md): syft writes Go's own version of the standard library without
 * `v`, and knows no version of modules that were compiled from the source tree.
 */
function namesOf(sbom: SbomReading): Set<string> {
  const unversioned = new Set([stage.input.main, ...stage.input.nested].map(({ path }) => path));
  return new Set(
    sbom.components.flatMap(({ name, version, purl, described, excluded }) => {
      if (described || excluded || purl === undefined || purl.type === 'oci') return [];
      if (unversioned.has(name)) return [`${purl.type} ${name}`];
      return [`${purl.type} ${name} ${name === 'stdlib' ? version.replace(/^(?:go|v)/, '') : version}`];
    }),
  );
}

describe('syft', () => {
  it.each(['spdx-json', 'cyclonedx-json'])(
    'finds in the image what our SBOM lists, no more and no less (%s)',
    (format) => {
      const theirs = readSbom(run('scan', `oci-dir:${stage.layout}`, '-o', format), 'syft');
      const sbom = buildSbom(stage.input);
      const ours = readSbom(Buffer.from(JSON.stringify(toSpdx(sbom))), 'ours');
      const found = namesOf(theirs);
      expect(found.size).toBe(6); // main, nested, module, standard library, two packages
      expect([...namesOf(ours)].sort()).toEqual([...found].sort());
    },
  );

  it('is right about the image, files as far as it lists them', async () => {
    const theirs = readSbom(run('scan', `oci-dir:${stage.layout}`, '-o', 'spdx-json'), 'syft');
    const differences = compareSbom(theirs, await stage.content(), { files: 'listed' });
    expect(differences.filter(({ what }) => what !== 'module')).toEqual([]); // it gives modules no h1
  });

  it.each([
    ['spdx', toSpdx],
    ['cyclonedx', toCycloneDx],
  ])('reads our SBOM in %s back', (name, write) => {
    const file = join(folder, `small.${name}.json`);
    writeFileSync(file, JSON.stringify(write(buildSbom(stage.input))));
    const read = JSON.parse(run('convert', file, '-o', 'syft-json').toString()) as {
      artifacts: { name: string; version: string; type: string; purl: string }[];
      distro: { id?: string };
    };
    const found = read.artifacts.map(({ type, name: artifact }) => `${type} ${artifact}`);
    expect(found).toEqual(
      expect.arrayContaining([
        'deb base-files',
        'deb tzdata',
        'go-module example.com/Dep/greet',
        'go-module example.com/flux/small/v2',
        'go-module stdlib',
      ]),
    );
    const purls = read.artifacts.map(({ purl }) => purl);
    expect(purls.some((purl) => purl.includes('upstream=base-files-src'))).toBe(true);
    if (name === 'cyclonedx') expect(read.distro.id).toBe('debian');
  });
});
