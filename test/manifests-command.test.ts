// SPDX-License-Identifier: Apache-2.0
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatReleaseDocument, releaseArtifact, registryPlace, RELEASES } from '#release';
import { createHttp, systemClock } from '#core';
import { openRegistry } from '#image';
import { releaseDocument, startRegistry, type TestRegistry } from '#testing';
import { type CliResult, runCli } from './outside.ts';

const HOME = resolve(import.meta.dirname, '..');

let folder: string;
let registry: TestRegistry;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-manifests-command-'));
  for (const name of ['distribution.yaml', 'oakum.lock']) await copyFile(join(HOME, name), join(folder, name));
  const document = releaseDocument('2.9.2-r0');
  await writeFile(join(folder, 'release.json'), formatReleaseDocument(document));
  await writeFile(join(folder, 'broken.json'), '{"mediaType": ');
  registry = await startRegistry();
  const clock = systemClock();
  const client = openRegistry({ http: createHttp({ clock }), clock, credentials: async () => undefined });
  await registryPlace(client, `${registry.host}/flux`).put(RELEASES, releaseArtifact(document), '2.9.2');
  await registryPlace(client, `${registry.host}/flux`).put(RELEASES, releaseArtifact(document), '2.9.2-r0');
});
afterAll(async () => {
  await registry.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Nothing here may ask a network but the loopback registry. */
function manifests(...args: readonly string[]): Promise<CliResult> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    CI: 'true',
    OAKUM_CACHE: join(folder, 'cache'),
    OAKUM_DATA: join(folder, 'data'),
    GOPROXY: 'off',
    GOSUMDB: 'off',
  };
  return runCli(['manifests', ...args], { cwd: folder, env });
}

const CHANNEL = ['--from', 'release.json', '--channel', 'distroless'] as const;

describe('oakum manifests', () => {
  it.each<[string, readonly string[], number, RegExp]>([
    ['there is no document', ['2.9.2'], 2, /no release document of 2\.9\.2 here.*\n.*\/out\n.*oakum release 2\.9\.2/s],
    ['it is of another release', ['2.9.3', ...CHANNEL], 2, /of 2\.9\.2-r0, not of 2\.9\.3/],
    ['it is of another revision', ['2.9.2-r1', ...CHANNEL], 2, /of 2\.9\.2-r0, not of 2\.9\.2-r1/],
    ['it is none', ['2.9.2', '--from', 'broken.json'], 3, /broken\.json/],
    [
      'it has several channels',
      ['2.9.2', '--from', 'release.json'],
      2,
      /several channels.*--channel: distroless, fips/s,
    ],
    ['it lacks the channel', ['2.9.2', '--from', 'release.json', '--channel', 'x'], 2, /no channel "x"/],
    [
      'a component is unknown',
      ['2.9.2', ...CHANNEL, '--components', 'alpha,nope'],
      2,
      /no component "nope".*alpha, beta/s,
    ],
    [
      'several choices are wrong at once',
      ['2.9.2', ...CHANNEL, '--namespace', 'A B', '--log-level', 'loud', '--pull-secret', '-'],
      2,
      /"A B".*log level.*"-"/s,
    ],
    [
      'the registry has a scheme',
      ['2.9.2', ...CHANNEL, '--registry', 'https://mirror.local'],
      2,
      /no registry: .*scheme/,
    ],
    ['the registry is none', ['2.9.2', ...CHANNEL, '--registry', 'a b'], 2, /"a b" is no registry/],
    ['the lock holds other images', ['2.9.2', ...CHANNEL], 3, /alpha/],
  ])('says what is wrong when %s', async (_what, args, exitCode, text) => {
    const result = await manifests(...args);
    expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({
      exitCode,
      stderr: expect.stringMatching(text),
    });
    expect(result.stdout).toBe('');
    expect(result.stderr).not.toMatch(/^\s+at .*\.ts:\d+/m);
  });

  it('reads the document that a registry has, and says when it has none', async () => {
    const at = `${registry.host}/flux/releases`;
    for (const from of [`${at}:2.9.2`, at, `${at}/`, `${registry.host}/flux`])
      expect((await manifests('2.9.2', '--from', from)).stderr).toMatch(/several channels/);
    const missing = await manifests('2.9.2', '--from', `${at}:2.9.9`);
    expect(missing.exitCode).toBe(8);
    expect(missing.stderr).toContain('flux/releases');
    const other = await manifests('2.9.3', '--from', `${registry.host}/flux`);
    expect(other).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/of 2\.9\.3 here[^]*It holds 2\.9\.2-r0\./),
    });
    const empty = await manifests('2.9.3', '--from', `${registry.host}/other`);
    expect(empty).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('It holds none at all') });
  });
});
