// SPDX-License-Identifier: Apache-2.0
import { compareTests, type TestComparison, testKey, testPackages } from '#build';
import type { StepKey } from '#cache';
import { reportStep } from '#core';
import type { Definition, Lock, LockedOverlay } from '#definition';
import { type Job, openPreparation, toJob } from './prepare.ts';
import { stepTools, type Workshop } from './workshop.ts';

/** A component whose tests are to be run without and with an overlay; `definition` has the toolchain of the revision. */
export interface OverlayTests {
  readonly component: string;
  readonly release: string;
  readonly definition: Definition;
  readonly lock: Lock;
  readonly overlay: LockedOverlay;
}

interface Jobs {
  readonly before: Job;
  readonly after: Job;
}

/**
 * Runs upstream's own unit tests of a component on its source before and after an overlay, with the same toolchain, for the
 * platform of this machine, and compares them; once per inputs. What passed before and fails after is run once more: only what
 * fails twice is a regression.
 */
export async function testOverlay(tests: OverlayTests, shop: Workshop): Promise<TestComparison> {
  const jobs = jobsOf(tests, shop);
  const step = await shop.cache.step<TestComparison>(
    comparisonKey(jobs, shop),
    () => [],
    async () => {
      const runTests = openTests(tests.definition, shop);
      const before = await runTests(jobs.before, 'test before');
      const after = await runTests(jobs.after, 'test after');
      const compared = compareTests(before, after);
      const packages = [...new Set(compared.regressions.map((one) => one.package))];
      if (packages.length === 0) return compared;
      const again = await runTests(jobs.after, 'test again', packages);
      const results = new Map(again.packages.map((one) => [one.path, one]));
      return compareTests(before, { ...after, packages: after.packages.map((one) => results.get(one.path) ?? one) });
    },
  );
  return step.value;
}

/** Says in a sentence what an overlay breaks; undefined where every test that passed still passes. */
export function testFault({ regressions }: TestComparison): string | undefined {
  const [first] = regressions;
  if (first === undefined) return undefined;
  const more = regressions.length === 1 ? '' : ` and ${regressions.length - 1} more`;
  const said = first.said?.split('\n').find((line) => line.trim() !== '');
  return `${nameOf(first)}${more} passed before and fails now${said === undefined ? '' : `: ${said.trim()}`}`;
}

/** Gives `package.Test`, or the package alone where it fails as a whole. */
export function nameOf(one: { readonly package: string; readonly test?: string }): string {
  return one.test === undefined ? one.package : `${one.package}.${one.test}`;
}

function jobsOf({ component, release, definition, lock, overlay }: OverlayTests, shop: Workshop): Jobs {
  const { platform } = shop.machine;
  const origin = { definition, lock, release, machine: platform };
  const after = toJob(component, platform, { ...origin, overlays: { [component]: overlay } });
  return { before: toJob(component, platform, origin), after };
}

function comparisonKey({ before, after }: Jobs, { isolated }: Workshop): StepKey {
  const [first, second] = [before, after].map(({ request }) => testKey({ compile: request }, isolated).inputs);
  return { name: 'compare-tests', inputs: { record: 3, before: first ?? null, after: second ?? null } };
}

function openTests(definition: Definition, shop: Workshop) {
  return async (job: Job, step: string, packages?: readonly string[]) => {
    const prepare = openPreparation(shop, definition); // one for each job: a preparation is shared by component
    const request = {
      compile: job.request,
      ...(packages === undefined ? {} : { packages, attempt: 2 }),
    };
    const { value } = await reportStep(shop.report, { subject: job.component, step }, () =>
      testPackages(request, () => prepare(job), stepTools(definition, shop)),
    );
    return value;
  };
}
