// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { messageOf } from '#core';
import { BuildError } from './error.ts';

/** How a test or a package of tests ended. A package that was `stopped` has no end of its own. */
export type TestResult = 'pass' | 'fail' | 'skip' | 'stopped';

/** The tests of one package: its tests by name, without subtests, and where it did not pass the last that it said. */
export type PackageResult = {
  readonly path: string;
  readonly result: TestResult;
  readonly tests: Readonly<Record<string, TestResult>>;
  readonly said?: string;
};

/** The most bytes that a run of tests may print. */
export const MAX_TEST_OUTPUT_BYTES = 64 << 20;

const MAX_TESTS = 20_000;
const MAX_SAID = 600;

/** What `go doc test2json` names; `start` and what a build prints are of no use here. */
const event = z.object({
  Action: z.enum([
    'start',
    'run',
    'pause',
    'cont',
    'pass',
    'bench',
    'fail',
    'output',
    'skip',
    'attr',
    'artifacts',
    'build-output',
    'build-fail',
  ]),
  Package: z.string().max(1024).optional(),
  ImportPath: z.string().max(2048).optional(),
  Test: z.string().min(1).max(4096).optional(),
  Output: z.string().optional(),
});
type Event = z.output<typeof event>;

interface Building {
  result: TestResult;
  readonly tests: Map<string, TestResult>;
  said: string;
}

/**
 * Takes what `go test -json` printed (https://pkg.go.dev/cmd/test2json) and the packages that it was asked for; gives each with
 * its result, in the order of their paths. The tests are foreign, and so is what they print: a line that is no event, a package
 * that was not asked for, or too many tests are refused. A test that began and did not end is `stopped`. Throws `TEST_OUTPUT_INVALID`.
 */
export function readTestOutput(text: string, asked: readonly string[]): readonly PackageResult[] {
  const packages = new Map<string, Building>(
    asked.map((path) => [path, { result: 'stopped', tests: new Map(), said: '' }]),
  );
  const built = new Map<string, string>();
  let tests = 0;
  for (const [at, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const one = readEvent(line, at + 1);
    if (one.Package === undefined) {
      keepBuildOutput(one, built);
      continue;
    }
    const found = packages.get(one.Package);
    if (found === undefined) throw invalid(`line ${at + 1} is of a package that was not tested`);
    take(one, found);
    if (one.Action === 'run' && (tests += 1) > MAX_TESTS) throw invalid(`there are more than ${MAX_TESTS} tests`);
  }
  return [...packages]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, { result, tests: ended, said }]) => {
      const heard = shorten(built.get(path) ?? said);
      const names = [...ended].sort(([a], [b]) => (a < b ? -1 : 1));
      const isSaid = (result === 'fail' || result === 'stopped') && heard !== '';
      return { path, result, tests: Object.fromEntries(names), ...(isSaid ? { said: heard } : {}) };
    });
}

/** Events of a subtest are part of its test: names of subtests may differ from run to run. */
function take({ Action, Test, Output = '' }: Event, found: Building): void {
  const isResult = Action === 'pass' || Action === 'fail' || Action === 'skip';
  if (Action === 'output' && !/^(=== |--- |PASS|FAIL|ok {2}|exit status)/.test(Output))
    found.said = (found.said + Output).slice(-4096);
  if (Test === undefined) {
    if (isResult) found.result = Action;
  } else if (!Test.includes('/')) {
    if (Action === 'run') found.tests.set(Test, 'stopped');
    if (isResult) found.tests.set(Test, Action);
  }
}

/** What a compiler says is of `path` or of `path [path.test]`. */
function keepBuildOutput({ Action, ImportPath = '', Output = '' }: Event, built: Map<string, string>): void {
  if (Action !== 'build-output' || Output.startsWith('# ')) return; // `# package` is a heading
  const path = ImportPath.replace(/ \[.*$/, '').replace(/(_test|\.test)$/, '');
  built.set(path, `${built.get(path) ?? ''}${Output}`.slice(0, 4096));
}

function readEvent(line: string, number: number): Event {
  try {
    return event.parse(JSON.parse(line));
  } catch (error) {
    throw invalid(`line ${number} is no event: ${messageOf(error).slice(0, 200)}`, error);
  }
}

function shorten(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is taken out
  const plain = text.replace(/[\u0000-\u0009\u000b-\u001f\u007f]/g, ' ').trim();
  return plain.length <= MAX_SAID ? plain : `... ${plain.slice(-MAX_SAID)}`;
}

/** Gives the error of output that can't be believed. */
export function invalid(why: string, cause?: unknown): BuildError {
  return new BuildError('TEST_OUTPUT_INVALID', `the output of the tests can't be read: ${why}`, { cause });
}
