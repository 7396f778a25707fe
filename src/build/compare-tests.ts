// SPDX-License-Identifier: Apache-2.0
import type { PackageResult, TestResult } from './test-output.ts';
import type { TestRun } from './test-packages.ts';

/** One test, or a package as a whole where `test` is absent, and how it ended before and after a change. */
export type TestDifference = {
  readonly package: string;
  readonly test?: string;
  readonly before: TestResult;
  readonly after: TestResult | 'gone';
  readonly said?: string;
};

/**
 * What a change did to tests. `regressions` passed before and fail after. `lost` passed before and are skipped or gone after.
 * `unusable` did not pass before either, so that they prove nothing.
 */
export type TestComparison = {
  readonly before: TestRun;
  readonly after: TestRun;
  readonly passed: readonly string[];
  readonly regressions: readonly TestDifference[];
  readonly lost: readonly TestDifference[];
  readonly unusable: readonly string[];
};

/** Compares the tests of a component before and after a change. Tests are named `package.Test`. */
export function compareTests(before: TestRun, after: TestRun): TestComparison {
  const now = new Map(after.packages.map((one) => [one.path, one]));
  const differences = before.packages.flatMap((one) => differencesOf(one, now.get(one.path)));
  const isBroken = ({ after: result }: TestDifference) => result === 'fail' || result === 'stopped';
  const endedWell = (run: TestRun) =>
    run.packages.flatMap(({ path, tests }) =>
      Object.entries(tests).flatMap(([test, result]) => (result === 'pass' ? [`${path}.${test}`] : [])),
    );
  const unusable = before.packages.flatMap(({ path, result, tests }) => [
    ...(isUnusable(result) && Object.values(tests).every((one) => !isUnusable(one)) ? [path] : []),
    ...Object.entries(tests).flatMap(([test, ended]) => (isUnusable(ended) ? [`${path}.${test}`] : [])),
  ]);
  return {
    before,
    after,
    passed: endedWell(after),
    regressions: differences.filter(isBroken),
    lost: differences.filter((one) => !isBroken(one)),
    unusable,
  };
}

function isUnusable(result: TestResult): boolean {
  return result === 'fail' || result === 'stopped';
}

/** A package that fails as a whole (it does not compile, or ends early) is told once and not test by test. */
function differencesOf(before: PackageResult, after: PackageResult | undefined): readonly TestDifference[] {
  const { path, result, tests } = before;
  const said = after?.said === undefined ? {} : { said: after.said };
  const changed = Object.entries(tests).flatMap(([test, was]): readonly TestDifference[] => {
    const is = after?.tests[test] ?? 'gone';
    return was !== 'pass' || is === 'pass' ? [] : [{ package: path, test, before: was, after: is, ...said }];
  });
  const whole = after?.result ?? 'gone';
  const fails = whole === 'fail' || whole === 'stopped';
  const named = changed.some((one) => one.after === 'fail' || one.after === 'stopped');
  const isGone = changed.length > 0 && Object.keys(after?.tests ?? {}).length === 0; // not one test began
  if ((result === 'pass' || isGone) && fails && !named)
    return [{ package: path, before: result, after: whole, ...said }];
  return changed;
}
