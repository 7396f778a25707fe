// SPDX-License-Identifier: Apache-2.0
import { chmod, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree, type StepResult } from '#cache';
import type { Digest, Platform } from '#core';
import type { Json } from '#formats';
import { type CompileTools, compileKey } from './compile.ts';
import type { CompileRequest } from './compile-command.ts';
import { FIPS_MODULE, type FipsFacts, type FipsModule } from './crypto.ts';
import { BuildError } from './error.ts';
import { findOutsideCryptography, type OutsideCryptography } from './fips-outside.ts';
import { type CompileInputs, GO, goEnvironment, goLimits, goMounts, INSIDE } from './go-step.ts';
import { readProgram } from './read-program.ts';

/** What a program did when it was started to check itself. */
export type SelfTest =
  | { readonly verdict: 'passed'; readonly command: readonly string[]; readonly said: string }
  | { readonly verdict: 'not run'; readonly reason: string };

/** What proves that a program runs the validated module, and what cryptography it holds besides. */
export type FipsReport = {
  readonly mode: 'fips140';
  readonly component: string;
  readonly platform: Platform;
  readonly toolchain: string;
  readonly binary: Digest;
  readonly module: FipsModule;
  readonly facts: FipsFacts;
  readonly outside: readonly OutsideCryptography[];
  readonly selfTest: SelfTest;
};

/** What {@link reportFips} works with; `machine` is the platform whose programs run here. */
export type FipsTools = CompileTools & { readonly machine: Platform };

/** What the module prints when its code and data have the sum that the linker wrote (crypto/internal/fips140/check). */
const VERIFIED = 'fips140: verified code+data';
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
  const native = request.platform === tools.machine;
  const inputs = { record: 1, compile: compileKey(request, tools.isolated).inputs, binary, native } as unknown as Json;
  return tools.cache.step<FipsReport>(
    { name: 'report-fips', inputs },
    () => [],
    async () => {
      const imports = await listImports(request, await prepare(), tools);
      const program = await readProgram((await blobOf(binary, tools)).path);
      if (program === undefined) throw unproved(request, 'it is not a Go program for Linux');
      return {
        mode: 'fips140',
        component: request.component,
        platform: request.platform,
        toolchain: request.toolchain.version,
        binary,
        module: FIPS_MODULE,
        facts: program.fips,
        outside: findOutsideCryptography(program.packages, imports),
        selfTest: native
          ? await runSelfTest(request, binary, tools)
          : { verdict: 'not run', reason: `this machine runs ${tools.machine}` },
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

/** Starts the program in the sandbox, which has nothing else in it: the module tests itself before main begins. */
async function runSelfTest(request: CompileRequest, binary: Digest, tools: FipsTools): Promise<SelfTest> {
  const folder = tools.cache.temporary();
  await mkdir(folder, { mode: 0o755 });
  try {
    const program = join(folder, request.component);
    await copyFile((await blobOf(binary, tools)).path, program);
    await chmod(program, 0o755);
    const argv = [`/program/${request.component}`, '--help'] as const;
    const outcome = await (await tools.engine()).run({
      argv,
      env: { GODEBUG: 'fips140=debug', HOME: '/tmp' },
      cwd: '/tmp',
      mounts: [{ kind: 'read', from: folder, to: '/program' }],
      limits: goLimits({ ...tools.limits, milliseconds: 60_000 }, SIZES),
      ...(tools.signal === undefined ? {} : { signal: tools.signal }),
    });
    if (outcome.stderr.includes(VERIFIED))
      return { verdict: 'passed', command: ['GODEBUG=fips140=debug', ...argv], said: VERIFIED };
    throw unproved(
      request,
      `its self-test said: ${outcome.limit ?? (outcome.stderr.trim().slice(0, 1000) || 'nothing')}`,
    );
  } finally {
    await removeTree(folder);
  }
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
