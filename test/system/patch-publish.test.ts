// SPDX-License-Identifier: Apache-2.0
// Patched revisions on their way to users, in a small world: a registry that dies, another machine, the watch.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttp, systemClock } from '#core';
import { openRegistry } from '#image';
import { startRegistry, type TestRegistry } from '#testing';
import { type CliResult, type Outside, startOutside } from '../outside.ts';
import {
  advisory,
  lockedRevision,
  publishComponent,
  publishFluxRelease,
  publishLibrary,
  updateFeeds,
} from '../patch-world.ts';

const COMPONENTS = ['alpha', 'beta', 'gamma', 'delta'];
const VERSION = { alpha: 'v4.0.0', beta: 'v4.0.0', gamma: 'v4.0.0', delta: 'v4.0.0' };
const FIRST = advisory(31, 'good.test/good');
const SECOND = advisory(32, 'good.test/good', [{ fixed: '1.0.2' }]);
const THIRD = advisory(33, 'good.test/good', [{ fixed: '1.0.3' }]);

let outside: Outside;
let registry: TestRegistry;

beforeAll(async () => {
  registry = await startRegistry();
  outside = await startOutside();
  await outside.define((text) =>
    text.replace(
      'channels:\n',
      '  gamma:\n    module: github.com/fluxcd/gamma\n  delta:\n    module: github.com/fluxcd/delta\nchannels:\n',
    ),
  );
  const versions = ['v1.0.0', 'v1.0.1', 'v1.0.2', 'v1.0.3'].map((version) =>
    publishLibrary(outside, 'good.test/good', version, { body: `const Version = "${version}"` }),
  );
  for (const name of COMPONENTS)
    publishComponent(
      outside,
      { name, version: 'v4.0.0' },
      {
        requires: versions.slice(0, 1),
        main: '\tprintln(good.Version)\n',
        files: { 'x_test.go': 'package main\n\nimport "testing"\n\nfunc TestIt(t *testing.T) {}\n' },
      },
    );
  publishFluxRelease(outside, 'v2.9.5', VERSION);
  await updateFeeds(outside, [FIRST]);
  const released = await outside.oakum(['release', '2.9.5', ...to()]);
  expect(released.exitCode, released.stderr).toBe(0);
});
afterAll(async () => {
  await registry.stop();
  await outside.stop();
});

const to = () => ['--to', `${registry.host}/flux`];
const patch = (): Promise<CliResult> => outside.oakum(['patch', '2.9.5', ...to(), '--no-reachability']);

/** What a tag names in each repository, or the one of {@link COMPONENTS} where all agree that it is `v4.0.0-rN`. */
async function named(tag: string): Promise<readonly (string | undefined)[]> {
  const clock = systemClock();
  const client = openRegistry({ http: createHttp({ clock }), clock, credentials: async () => undefined });
  return Promise.all(
    COMPONENTS.map(async (name) => {
      const reference = { registry: registry.host, repository: `flux/distroless/${name}`, tag };
      return (await client.resolve(reference))?.digest;
    }),
  );
}

async function documented(): Promise<string> {
  return (JSON.parse(await readFile(join(outside.folder, 'out/release.json'), 'utf8')) as { revision: string })
    .revision;
}

describe('a registry that dies', () => {
  it('between the third and the fourth image: nobody sees the revision, and the next run finishes it', async () => {
    const before = await named('v4.0.0');
    registry.fail({ kind: 'die', after: 3, when: /^PUT .*\/manifests\/v4\.0\.0-r1$/ });
    const died = await patch();
    expect([4, 8]).toContain(died.exitCode);
    expect(died.stderr).toContain(registry.host);
    registry.revive();
    expect((await named('v4.0.0-r1')).filter((digest) => digest !== undefined)).toHaveLength(3);
    expect(await named('v4.0.0')).toEqual(before);
    expect(await documented()).toBe('2.9.5-r0');

    const finished = await patch();
    expect(finished.exitCode, finished.stderr).toBe(0);
    expect(finished.stdout).toContain('Published 2.9.5-r1');
    expect(await named('v4.0.0')).toEqual(await named('v4.0.0-r1'));
    expect(new Set(await named('v4.0.0')).size).toBe(4);
    expect(await documented()).toBe('2.9.5-r1');
  });

  it('between the third and the fourth moving tag: the run says so, and the next one finishes it', async () => {
    await updateFeeds(outside, [FIRST, SECOND]);
    registry.fail({ kind: 'die', after: 3, when: /^PUT .*\/manifests\/v4\.0\.0$/ });
    const died = await patch();
    expect([4, 8]).toContain(died.exitCode);
    expect(died.stderr).toContain('3 of 4 moving tags name what is new already');
    expect(await documented()).toBe('2.9.5-r1');
    registry.revive();
    expect((await patch()).exitCode).toBe(0);
    expect(await named('v4.0.0')).toEqual(await named('v4.0.0-r2'));
    expect(await documented()).toBe('2.9.5-r2');
  });

  it('a registry that refuses the fourth moving tag leaves none moved', async () => {
    const before = await named('v4.0.0');
    await updateFeeds(outside, [FIRST, SECOND, THIRD]);
    registry.fail({ kind: 'status', status: 403, when: /^PUT .*delta\/manifests\/v4\.0\.0$/ });
    expect((await patch()).exitCode).toBe(8);
    expect(await named('v4.0.0')).toEqual(before);
    expect((await patch()).exitCode).toBe(0);
    expect(await named('v4.0.0')).toEqual(await named('v4.0.0-r3'));
  });
});

describe('a patched revision that another machine releases', () => {
  const release = (...more: readonly string[]): Promise<CliResult> =>
    outside.oakum(['release', '2.9.5', '--revision', '2', '--locked', '--component', 'beta', ...more], {
      env: {
        OAKUM_CACHE: join(outside.folder, 'other-cache'),
        OAKUM_DATA: join(outside.folder, 'other-data'),
      },
    });
  const verify = async (out: string) => {
    const policy = join(outside.folder, 'policy.yaml');
    const key = join(outside.folder, 'other-data/keys/oakum.pub');
    const text = `version: 1\nidentities: [{ key: ${key} }]\nrequire: { attestations: [test-result] }\n`;
    await writeFile(policy, text);
    return outside.oakum(['verify', `oci:${out}/oci:distroless/beta:v4.0.0-r2`, '--policy', policy]);
  };

  it('is tested there, and has its test result', async () => {
    const released = await release('--out', 'tested');
    expect(released.exitCode, released.stderr).toBe(0);
    const { exitCode, stdout } = await verify('tested');
    expect(exitCode, stdout).toBe(0);
    expect(released.stderr).toContain('is not analysed: the lock names no govulncheck');
  });

  it('says so where it is not', async () => {
    const released = await release('--out', 'untested', '--no-tests');
    expect(released.exitCode, released.stderr).toBe(0);
    expect(released.stderr).toContain('the patched images get no test result');
    expect((await verify('untested')).exitCode).toBe(1);
  });

  it('is the same image either way', async () => {
    const digests = await Promise.all(
      ['tested', 'untested'].map(async (out) => {
        const pins = await readFile(join(outside.folder, out, 'release.json'), 'utf8');
        return /sha256:[0-9a-f]{64}/.exec(JSON.stringify(JSON.parse(pins).channels.distroless.images[0].digest))?.[0];
      }),
    );
    expect(digests[0]).toBe(digests[1]);
  });
});

describe('a watch with patch: auto', () => {
  it('patches and publishes by itself, stops the clock, and does nothing more then', async () => {
    const env = { OAKUM_DATA: join(outside.folder, 'watch-data') };
    const text = await readFile(join(outside.folder, 'distribution.yaml'), 'utf8');
    await outside.define(() => `${text}watch:\n  patch: auto\n`);
    const run = (args: readonly string[]) => outside.oakum(args, { env });
    await rm(join(outside.folder, 'oakum.lock'));
    await rm(join(outside.folder, 'out'), { recursive: true });
    const place = ['--to', `${registry.host}/watched`];
    await updateFeeds(outside, [FIRST]);
    await run(['feeds', 'update', '--mirror', 'mirror', '--feed', 'go,osv,debian,endoflife']);
    expect((await run(['release', '2.9.5', ...place])).exitCode).toBe(0);
    const round = async () => {
      const result = await run(['watch', '--once', '--mirror', 'mirror', '--json', '--no-reachability', ...place]);
      return { ...JSON.parse(result.stdout), exitCode: result.exitCode, stderr: result.stderr };
    };
    const first = await round();
    expect(first, first.stderr).toMatchObject({
      exitCode: 0,
      published: ['2.9.5-r1'],
      failed: [],
      faults: [],
      decisions: [],
    });
    const told = first.told.map(({ kind }: { kind: string }) => kind);
    expect(told.filter((kind: string) => kind === 'finding.new' || kind === 'fix.published').toSorted()).toEqual([
      'finding.new',
      'fix.published',
    ]);
    expect((await lockedRevision(outside, '2.9.5-r1'))?.components['delta']?.requires).toMatchObject([
      { to: 'v1.0.1' },
    ]);
    const log = await run(['sla', 'report', '--format', 'json']);
    expect(JSON.parse(log.stdout)).toMatchObject({ counts: { met: 4 }, metPercent: 100 });
    expect(await round()).toMatchObject({ exitCode: 0, published: [], told: [] });
  });
});
