// SPDX-License-Identifier: Apache-2.0
import type { StepResult } from '#cache';
import type { Digest, Platform } from '#core';
import type { Json } from '#formats';
import { type CompileTools, compileKey } from './compile.ts';
import type { CompileRequest } from './compile-command.ts';
import type { BoringFacts } from './boring.ts';
import { BORING_MODULE, type BoringModule, FIPS_MODULE, type FipsFacts, type FipsModule } from './crypto.ts';
import { BuildError } from './error.ts';
import { findOutsideCryptography, type OutsideCryptography } from './fips-outside.ts';
import { type CompileInputs, GO, goEnvironment, goLimits, goMounts, INSIDE } from './go-step.ts';
import { readProgram } from './read-program.ts';
import { runSelfTest, type SelfTest } from './self-test.ts';

/** A mode, its module, and what the program shows of it. */
type ProvedMode =
  | { readonly mode: 'fips140'; readonly module: FipsModule; readonly facts: FipsFacts }
  | { readonly mode: 'boring'; readonly module: BoringModule; readonly facts: BoringFacts };

/** What proves that a program runs the validated module, and what cryptography it holds besides. */
export type FipsReport = ProvedMode & {
  readonly component: string;
  readonly platform: Platform;
  readonly toolchain: string;
  readonly binary: Digest;
  readonly outside: readonly OutsideCryptography[];
  readonly selfTest: SelfTest;
};

/** What {@link reportFips} works with; `machine` is the platform whose programs run here. */
export type FipsTools = CompileTools & { readonly machine: Platform };

const SIZES = { fileBytes: 1 << 28, outputBytes: 1 << 30 };
const LIST_FORMAT = '{{.ImportPath}} {{join .Imports " "}}';

/**
 * Gives the report on a program that was compiled with the FIPS module, once per program: its build settings, integrity sum and linked
 * packages, the cryptography outside the module with what imports it, and what its self-test says. `prepare` is asked only when the
 * report must be made. Throws `FIPS_UNPROVED` where the program does not pass its own test.
 */
export function reportFips(
  request: CompileRequest,
  binary: Digest,
  prepare: () => Promise<CompileInputs>,
  tools: FipsTools,
): Promise<StepResult<FipsReport>> {
  const { crypto: mode } = request;
  if (mode === 'none') throw new TypeError('only a program in a FIPS mode has a FIPS report');
  const native = request.platform === tools.machine;
  const inputs = { record: 1, compile: compileKey(request, tools.isolated).inputs, binary, native } as unknown as Json;
  return tools.cache.step<FipsReport>(
    { name: 'report-fips', inputs },
    () => [],
    async () => {
      const imports = await listImports(request, await prepare(), tools);
      const { path } = await blobOf(binary, tools);
      const program = await readProgram(path);
      if (program.kind !== 'go') throw unproved(request, program.why);
      const selfTest: SelfTest = native
        ? await runSelfTest(path, mode, tools)
        : { verdict: 'not run', reason: `this machine runs ${tools.machine}` };
      if (selfTest.verdict === 'failed') throw unproved(request, `its self-test said: ${selfTest.said}`);
      return {
        ...(mode === 'boring'
          ? { mode, module: BORING_MODULE, facts: program.boring }
          : { mode, module: FIPS_MODULE, facts: program.fips }),
        component: request.component,
        platform: request.platform,
        toolchain: request.toolchain.version,
        binary,
        outside: findOutsideCryptography(program.packages, imports),
        selfTest,
      };
    },
  );
}

/** What each package of the program imports, as the go command says offline in the compile's own surroundings. */
async function listImports(
  request: CompileRequest,
  inputs: CompileInputs,
  tools: FipsTools,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const outcome = await (await tools.engine()).run({
    argv: [GO, 'list', '-deps', '-mod=readonly', '-f', LIST_FORMAT, request.package],
    env: goEnvironment(request),
    cwd: INSIDE.source,
    mounts: goMounts(inputs, await tools.cache.area('go-build')),
    limits: goLimits(tools.limits, SIZES),
    ...(tools.signal === undefined ? {} : { signal: tools.signal }),
  });
  if (outcome.exitCode !== 0)
    throw unproved(request, `Go can't list its packages: ${outcome.limit ?? outcome.stderr.trim().slice(-1000)}`);
  return new Map(
    outcome.stdout
      .split('\n')
      .map((line) => line.trim().split(' '))
      .flatMap(([path = '', ...imports]) => (path === '' ? [] : [[path, imports] as const])),
  );
}

async function blobOf(binary: Digest, { cache }: FipsTools): Promise<{ readonly path: string }> {
  const blob = await cache.blobs.find(binary);
  if (blob === undefined) throw new TypeError('the program was compiled and is not there');
  return blob;
}

function unproved({ component, main, platform }: CompileRequest, why: string): BuildError {
  return new BuildError('FIPS_UNPROVED', `nothing proves that the program runs the FIPS module: ${why}`, {
    where: `${component} ${main.version} (${platform})`,
    hint: 'A program that does not prove its cryptography is not released. Try again; if it recurs, report it with this message.',
  });
}
