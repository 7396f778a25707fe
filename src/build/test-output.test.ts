// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { compareTests } from './compare-tests.ts';
import { type PackageResult, readTestOutput } from './test-output.ts';

const stream = (...events: readonly object[]) => events.map((event) => `${JSON.stringify(event)}\n`).join('');
const P = 'a.test/a';

describe('the reader of test output', () => {
  it('gives each package and test with its result, subtests as part of their test', () => {
    const text = stream(
      { Action: 'start', Package: P },
      { Action: 'run', Package: P, Test: 'TestB' },
      { Action: 'run', Package: P, Test: 'TestB/sub' },
      { Action: 'output', Package: P, Test: 'TestB/sub', Output: '    a_test.go:3: wrong\n' },
      { Action: 'fail', Package: P, Test: 'TestB/sub' },
      { Action: 'fail', Package: P, Test: 'TestB' },
      { Action: 'run', Package: P, Test: 'TestA' },
      { Action: 'skip', Package: P, Test: 'TestA' },
      { Action: 'fail', Package: P },
    );
    expect(readTestOutput(text, [P, 'a.test/b'])).toEqual([
      { path: P, result: 'fail', tests: { TestA: 'skip', TestB: 'fail' }, said: 'a_test.go:3: wrong' },
      { path: 'a.test/b', result: 'stopped', tests: {} },
    ]);
  });

  it('says what the compiler said of tests that do not build', () => {
    const text = stream(
      { Action: 'build-output', ImportPath: `${P} [${P}.test]`, Output: './a_test.go:3:1: undefined: x\n' },
      { Action: 'build-fail', ImportPath: `${P} [${P}.test]` },
      { Action: 'fail', Package: P, FailedBuild: `${P} [${P}.test]` },
    );
    expect(readTestOutput(text, [P])[0]).toMatchObject({ result: 'fail', said: './a_test.go:3:1: undefined: x' });
  });

  it.each([
    ['a line that is no JSON', 'ok\n'],
    ['an action that Go does not have', stream({ Action: 'passed', Package: P })],
    ['a package that was not tested', stream({ Action: 'pass', Package: 'evil.test/x' })],
    [
      'more tests than there can be',
      stream(...Array.from({ length: 20_001 }, (_, at) => ({ Action: 'run', Package: P, Test: `T${at}` }))),
    ],
  ])('refuses %s', (_name, text) => {
    expect(() => readTestOutput(text, [P])).toThrow(/output of the tests can't be read/);
  });

  it('takes a test that is named as a member of all objects for a name', () => {
    const text = stream({ Action: 'run', Package: P, Test: '__proto__' }, { Action: 'pass', Package: P });
    expect(Object.keys(readTestOutput(text, [P])[0]?.tests ?? {})).toEqual(['__proto__']);
  });
});

const run = (...packages: readonly PackageResult[]) => ({ packages, leftOut: [], isolation: '', milliseconds: 0 });
const one = (result: PackageResult['result'], tests: PackageResult['tests']) => run({ path: P, result, tests });

describe('the comparison of tests', () => {
  it('calls a regression what passed before and fails after, and nothing else', () => {
    const before = one('fail', { A: 'pass', B: 'fail', C: 'pass', D: 'skip', E: 'pass' });
    const after = one('fail', { A: 'fail', B: 'fail', C: 'skip', D: 'fail' });
    expect(compareTests(before, after)).toMatchObject({
      passed: [],
      regressions: [{ package: P, test: 'A', before: 'pass', after: 'fail' }],
      lost: [
        { test: 'C', after: 'skip' },
        { test: 'E', after: 'gone' },
      ],
      unusable: [`${P}.B`],
    });
  });

  it('tells a package that no longer compiles once, and not test by test', () => {
    const compared = compareTests(one('pass', { A: 'pass', B: 'pass' }), one('fail', {}));
    expect(compared.regressions).toEqual([{ package: P, before: 'pass', after: 'fail' }]);
    expect(compared.lost).toEqual([]);
  });

  it('holds a package that no longer compiles for a regression, though one of its tests failed before', () => {
    const compared = compareTests(one('fail', { A: 'pass', B: 'fail' }), one('fail', {}));
    expect(compared.regressions).toEqual([{ package: P, before: 'fail', after: 'fail' }]);
    expect(compareTests(one('fail', { B: 'fail' }), one('fail', {})).regressions).toEqual([]);
  });

  it('holds a test that hangs after and passed before for a regression', () => {
    const compared = compareTests(one('pass', { A: 'pass' }), one('fail', { A: 'stopped' }));
    expect(compared.regressions).toEqual([{ package: P, test: 'A', before: 'pass', after: 'stopped' }]);
  });

  it('counts nothing against a package that did not pass before', () => {
    expect(compareTests(one('fail', {}), one('fail', {}))).toMatchObject({ regressions: [], unusable: [P] });
  });
});
