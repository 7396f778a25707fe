// SPDX-License-Identifier: Apache-2.0
// What `oakum compat test` says where there is nothing to test; test/system/compat.test.ts tests with real API servers.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLayout } from '#image';
import { formatReleaseDocument } from '#release';
import { releaseDocument } from '#testing';
import { type CliResult, runCli } from './outside.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-compat-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

function test(...args: readonly string[]): Promise<CliResult> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, OAKUM_CACHE: join(folder, 'cache'), CI: 'true' };
  return runCli(['compat', 'test', ...args], { cwd: folder, env });
}

describe('oakum compat test', () => {
  it.each([
    ['a folder that is not there', 'missing'],
    ['a path that looks like no registry', './example.com/flux'],
    ['no address', 'https://example.com/flux'],
  ])('says what to do where --from names %s', async (_, from) => {
    expect(await test('2.9.2', '--from', from)).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(
        /no release document of 2\.9\.2 here\n {2}at: .*\n {2}next: Run `oakum release 2\.9\.2`/,
      ),
    });
  });

  it('refuses a release document that is none, with its place', async () => {
    await writeFile(join(folder, 'release.json'), '{"mediaType": 7}');
    const refused = await test('2.9.2', '--from', folder);
    expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringContaining(join(folder, 'release.json')) });
  });

  it.each([
    [
      ['distroless'],
      'distroless',
      /^oakum: the release has no image of source-controller, kustomize-controller, .*--component\.$/s,
    ],
    [
      ['distroless'],
      'fips',
      /^oakum: the release has no channel "fips"\n {2}at: .*\n {2}next: Channels: distroless\.$/,
    ],
  ] as const)(
    'refuses a release of %s that lacks what --channel %s needs, before anything is locked',
    async (channels, channel, message) => {
      const whole = releaseDocument('2.9.2-r0', { components: ['alpha'], channels });
      await createLayout(join(folder, 'oci'));
      await writeFile(join(folder, 'release.json'), formatReleaseDocument(whole));
      const refused = await test('2.9.2', '--from', folder, '--channel', channel);
      expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
      expect(refused.stderr.trim()).toMatch(message);
    },
  );

  it('needs a version', async () => {
    expect(await test()).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("argument 'version'") });
  });
});
