// SPDX-License-Identifier: Apache-2.0
// What is claimed of a patched image and what is not; tests and analysis themselves are made, and run for real in test/system/patch.test.ts.
import { resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { TestComparison, TestRun } from '#build';
import { digestOf, type ReportEvent } from '#core';
import { type Definition, type Lock, type LockedOverlay, readDefinition, readLock } from '#definition';
import { openPatchProof, type PatchProofOptions, requireGone } from './patch-proof.ts';
import { toJob } from './prepare.ts';
import type { Workshop } from './workshop.ts';

const HOME = resolve(import.meta.dirname, '../..');
const machine = { platform: 'linux/amd64', cores: 2, memoryBytes: 2 ** 34 } as const;
const OVERLAY: LockedOverlay = {
  requires: [
    {
      path: 'golang.org/x/text',
      from: 'v0.38.0',
      to: 'v0.39.0',
      indirect: false,
      cause: { kind: 'floor' },
      findings: ['CVE-2026-0001'],
    },
  ],
  sums: [],
  goMod: digestOf('go.mod'),
  goSum: digestOf('go.sum'),
  patches: [],
};

let definition: Definition;
let lock: Lock;
beforeAll(async () => {
  ({ definition } = await readDefinition(resolve(HOME, 'distribution.yaml')));
  const { tools: _, ...read } = (await readLock(resolve(HOME, 'oakum.lock'))) as Lock;
  lock = read;
});

const run = (result: 'pass' | 'fail'): TestRun => ({
  packages: [{ path: 'example.com/a', result, tests: { TestIt: result } }],
  leftOut: [],
  isolation: 'bubblewrap',
  milliseconds: 1,
});
const PASSED: TestComparison = {
  before: run('pass'),
  after: run('pass'),
  passed: ['example.com/a.TestIt'],
  regressions: [],
  lost: [],
  unusable: [],
};
const BROKEN: TestComparison = {
  ...PASSED,
  after: run('fail'),
  passed: [],
  regressions: [{ package: 'example.com/a', test: 'TestIt', before: 'pass', after: 'fail', said: 'x_test.go:9: no' }],
};

const jobWith = (overlay?: LockedOverlay) =>
  toJob('source-watcher', 'linux/amd64', {
    definition,
    lock,
    release: '2.9.2',
    machine: machine.platform,
    ...(overlay === undefined ? {} : { overlays: { 'source-watcher': overlay } }),
  });

/** Proves images, where tests have given this. */
async function proved(options: PatchProofOptions, compared: TestComparison, overlay?: LockedOverlay) {
  const events: ReportEvent[] = [];
  const cache = { step: async () => ({ value: compared, cached: true }) } as unknown as Workshop['cache'];
  const shop = { machine, isolated: true, cache, report: (event) => void events.push(event) } as Workshop;
  const prove = openPatchProof({ ...options, definition, tools: definition, lock, release: '2.9.2' }, shop);
  const image = { job: jobWith(overlay), image: digestOf('image'), modules: [] };
  const claims = [await prove(image), await prove(image)];
  const notes = events.flatMap((event) => (event.kind === 'note' ? [event.message] : []));
  return { claims: claims.map((list) => list.map((one) => one.predicateType)), notes };
}

describe('the proof of a patched image', () => {
  it('is not asked for where nothing is patched', async () => {
    expect(await proved({ tests: true }, PASSED)).toEqual({ claims: [[], []], notes: [] });
  });

  it("claims what upstream's tests gave, and says once that reachability is left out", async () => {
    const type = 'https://in-toto.io/attestation/test-result/v0.1';
    const { claims, notes } = await proved({ tests: true }, PASSED, OVERLAY);
    expect(claims).toEqual([[type], [type]]);
    expect(notes).toEqual([expect.stringContaining('is not analysed: --no-reachability')]);
  });

  it('claims nothing where nothing was looked at, and says so once', async () => {
    const { claims, notes } = await proved({ tests: false, dataFolder: '/nowhere' }, PASSED, OVERLAY);
    expect(claims).toEqual([[], []]);
    expect(notes).toEqual([
      expect.stringContaining('get no test result'),
      expect.stringContaining('the lock names no govulncheck'),
    ]);
  });

  it('fails where a test breaks, and names it', async () => {
    await expect(proved({ tests: true }, BROKEN, OVERLAY)).rejects.toMatchObject({
      code: 'TESTS_BROKEN',
      family: 'build',
      where: 'source-watcher',
      message: expect.stringContaining('example.com/a.TestIt passed before and fails now: x_test.go:9: no'),
      hint: expect.stringContaining('oakum patch 2.9.2'),
    });
  });
});

describe('what a revision is there to fix', () => {
  const reached = (id: string, module: string) => [{ id, module, version: 'v0.39.0', reach: 'required' as const }];
  const aliases = { 'GO-2026-0001': ['CVE-2026-0001'] };

  it('may not be found by govulncheck any more, by whatever id it goes', () => {
    expect(() =>
      requireGone(jobWith(OVERLAY), { reached: reached('GO-2026-0001', 'golang.org/x/text') }, { aliases }),
    ).toThrow(
      expect.objectContaining({
        code: 'FINDING_REMAINS',
        where: 'source-watcher (linux/amd64)',
        message: expect.stringContaining('still finds GO-2026-0001 in golang.org/x/text v0.39.0'),
      }),
    );
  });

  it.each([
    ['another finding in that module', 'GO-2026-0002', 'golang.org/x/text'],
    ['that finding in another module', 'GO-2026-0001', 'golang.org/x/mod'],
  ])('is gone, though there is %s', (_, id, module) => {
    expect(() => requireGone(jobWith(OVERLAY), { reached: reached(id, module) }, { aliases })).not.toThrow();
  });
});
