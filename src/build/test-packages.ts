// SPDX-License-Identifier: Apache-2.0
import type { StepKey, StepResult } from '#cache';
import type { Mount, StepOutcome } from '#engine';
import { type CompileTools, compileKey } from './compile.ts';
import { type CompileRequest, SHARED_FLAGS } from './compile-command.ts';
import { BuildError } from './error.ts';
import { type CompileInputs, GO, goEnvironment, goLimits, goMounts, INSIDE } from './go-step.ts';
import { invalid, MAX_TEST_OUTPUT_BYTES, type PackageResult, readTestOutput } from './test-output.ts';

/** Whose tests to run. `attempt` tells a second run of the same tests from the first. */
export interface TestRequest {
  /** How the component is compiled: its tests are compiled with the same flags. */
  readonly compile: CompileRequest;
  /** Import paths; by default every package of the module that has tests. */
  readonly packages?: readonly string[];
  readonly attempt?: number;
}

/** The tests of a component, as they ended. `leftOut` names the packages whose tests need what a sandbox does not have. */
export type TestRun = {
  readonly packages: readonly PackageResult[];
  readonly leftOut: readonly { readonly path: string; readonly needs: string }[];
  readonly isolation: string;
  readonly milliseconds: number;
};

/** Packages of which tests that import them start servers: an API server and etcd, or containers. */
const SERVERS = [
  'sigs.k8s.io/controller-runtime/pkg/envtest',
  'github.com/ory/dockertest',
  'github.com/ory/dockertest/v3',
  'github.com/testcontainers/testcontainers-go',
];

/** How long the tests of one package may take; Go stops them then, and says where they hung. */
const PACKAGE_SECONDS = 240;

/** Tests start servers on `localhost`, which the sandbox has, but by no name. */
const HOSTS = '127.0.0.1 localhost\n::1 localhost\n';

/** Databases make a large file with holes before they write into it. */
const SIZES = { fileBytes: 4 * 2 ** 30, outputBytes: 8 * 2 ** 30 };

const LIST_FORMAT = `{{.ImportPath}}{{range .Deps}}{{if eq . ${SERVERS.map((one) => JSON.stringify(one)).join(' ')}}} {{.}}{{end}}{{end}}`;

/** Gives the key of a run of tests: all that decides what is tested, and how it was isolated. */
export function testKey({ compile, packages, attempt = 1 }: TestRequest, isolated: boolean): StepKey {
  const names = packages === undefined ? {} : { packages };
  const inputs = { record: 2, build: compileKey(compile, isolated).inputs, argv: argvOf([]), attempt, ...names };
  return { name: 'test-packages', inputs };
}

/**
 * Runs a module's own unit tests for the platform of this machine, in the engine's sandbox and without network; once per inputs.
 * Tests are foreign code: they see throw-away copies of the source and of the build cache. What is compiled for them is compiled
 * before, by a step that runs none of them. A test that fails is a value; throws `TESTS_UNLISTED` and `TEST_OUTPUT_INVALID`.
 */
export function testPackages(
  request: TestRequest,
  prepare: () => Promise<CompileInputs>,
  tools: CompileTools,
): Promise<StepResult<TestRun>> {
  return tools.cache.step<TestRun>(
    testKey(request, tools.isolated),
    () => [],
    async () => {
      const context = { request, inputs: await prepare(), tools };
      const start = performance.now();
      const { paths, leftOut } = await findTests(context);
      const chosen = request.packages === undefined ? paths : paths.filter((path) => request.packages?.includes(path));
      if (chosen.length > 0) await run(compileArgv(chosen), context, 'compile');
      const { text, outcome } = await run(argvOf(chosen), context, chosen.length === 0 ? 'nothing' : 'test');
      return {
        packages: readTestOutput(wholeLines(text, outcome), chosen),
        leftOut,
        isolation: outcome.sandbox,
        milliseconds: Math.round(performance.now() - start),
      };
    },
  );
}

function argvOf(packages: readonly string[]): readonly [string, ...string[]] {
  const how = ['-json', '-short', '-count=1', '-vet=off', `-timeout=${PACKAGE_SECONDS}s`];
  return [GO, 'test', ...SHARED_FLAGS, ...how, ...packages];
}

/** Compiles tests, and runs none: with cgo off, what is written into the shared cache comes from the compiler alone. */
function compileArgv(packages: readonly string[]): readonly [string, ...string[]] {
  return [GO, 'list', '-e', '-export', '-deps', '-test', '-f', '', ...SHARED_FLAGS, ...packages];
}

interface Context {
  readonly request: TestRequest;
  readonly inputs: CompileInputs;
  readonly tools: CompileTools;
}

/** Packages with tests are those for which Go makes a program `<package>.test`; what that imports tells what the tests need. */
async function findTests(context: Context): Promise<{ paths: readonly string[]; leftOut: TestRun['leftOut'] }> {
  const argv = [GO, 'list', '-e', '-test', ...SHARED_FLAGS, '-f', LIST_FORMAT, './...'] as const;
  const { text, outcome } = await run(argv, context, 'compile');
  if (outcome.exitCode !== 0 || outcome.limit !== undefined)
    throw new BuildError(
      'TESTS_UNLISTED',
      `Go can't list the tests: ${outcome.limit ?? outcome.stderr.trim().slice(-1000)}`,
      { where: context.request.compile.component },
    );
  const programs = text.split('\n').flatMap((line) => {
    const [, path = '', needs = ''] = /^(\S+)\.test(?: (.*))?$/.exec(line) ?? [];
    return path === '' ? [] : [{ path, needs }];
  });
  return {
    paths: programs.flatMap(({ path, needs }) => (needs === '' ? [path] : [])),
    leftOut: programs.filter(({ needs }) => needs !== ''),
  };
}

/** Runs Go. Only what compiles may write to the shared cache; what runs tests has copies that are dropped. */
async function run(
  argv: readonly [string, ...string[]],
  { request, inputs, tools }: Context,
  kind: 'compile' | 'test' | 'nothing',
): Promise<{ readonly text: string; readonly outcome: StepOutcome }> {
  const engine = await tools.engine();
  const none = { exitCode: 0, signal: undefined, timedOut: false, limit: undefined, stdout: '', stderr: '' };
  if (kind === 'nothing') return { text: '', outcome: { ...none, sandbox: engine.sandbox } };
  const output = collect();
  const cache = await tools.cache.area('go-build');
  const outcome = await engine.run({
    argv,
    env: { ...goEnvironment(request.compile), GOMAXPROCS: String(tools.parallelism) },
    cwd: INSIDE.source,
    mounts: kind === 'compile' ? goMounts(inputs, cache) : testMounts(inputs, cache),
    limits: goLimits(tools.limits, SIZES),
    onOutput: output.take,
    signal: AbortSignal.any([output.signal, ...(tools.signal === undefined ? [] : [tools.signal])]),
  });
  return { text: output.text(), outcome };
}

/** As a compile's, but what tests write is dropped. */
function testMounts(inputs: CompileInputs, cache: string): readonly Mount[] {
  return [
    { kind: 'read', from: inputs.toolchainFolder, to: INSIDE.toolchain },
    { kind: 'read', from: inputs.moduleCache, to: INSIDE.modules },
    { kind: 'throwaway', from: inputs.sourceFolder, to: INSIDE.source },
    { kind: 'data', to: '/etc/hosts', content: HOSTS },
    { kind: 'throwaway', from: cache, to: INSIDE.cache },
  ];
}

/** A run that was stopped can end within a line, which then says nothing. */
function wholeLines(text: string, { limit, signal }: StepOutcome): string {
  return limit === undefined && signal === undefined ? text : text.slice(0, text.lastIndexOf('\n') + 1);
}

/** Keeps what a step prints, up to a limit at which it is stopped. */
function collect(): {
  readonly signal: AbortSignal;
  readonly take: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;
  readonly text: () => string;
} {
  const stop = new AbortController();
  const chunks: Uint8Array[] = [];
  let size = 0;
  return {
    signal: stop.signal,
    take(stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
      if (stream !== 'stdout' || stop.signal.aborted) return;
      size += chunk.byteLength;
      if (size > MAX_TEST_OUTPUT_BYTES) stop.abort(invalid(`it is longer than ${MAX_TEST_OUTPUT_BYTES} bytes`));
      else chunks.push(chunk);
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}
