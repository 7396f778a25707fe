// SPDX-License-Identifier: Apache-2.0
import { chmod, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cache, removeTree } from '#cache';
import type { Engine, StepOutcome } from '#engine';
import type { FipsMode } from './crypto.ts';
import { type CompileLimits, goLimits } from './go-step.ts';

/** What a program did when it was started to check itself. */
export type SelfTest =
  | { readonly verdict: 'passed'; readonly command: readonly string[]; readonly said: string }
  | { readonly verdict: 'failed'; readonly command: readonly string[]; readonly said: string }
  | { readonly verdict: 'not run'; readonly reason: string };

/** What {@link runSelfTest} works with. */
export interface SelfTestTools {
  readonly cache: Cache;
  readonly engine: () => Promise<Engine>;
  readonly limits: CompileLimits;
  readonly signal?: AbortSignal;
}

/** What the Go Cryptographic Module prints when its code and data have the sum that the linker wrote (crypto/internal/fips140/check). */
const VERIFIED = 'fips140: verified code+data';
/** BoringCrypto prints nothing: where its power-on self-test fails, the program is aborted before main begins (crypto/internal/boring). */
const STARTED = 'it started: BoringCrypto stops a program whose power-on self-test fails';
const SIZES = { fileBytes: 1 << 28, outputBytes: 1 << 28 };
const MAX_MILLISECONDS = 30_000;

/**
 * Starts a program in the sandbox with `--help`, with nothing else in it and no network: the module tests itself before main begins.
 * The program may be a stranger's; what it says is cut.
 */
export async function runSelfTest(path: string, mode: FipsMode, tools: SelfTestTools): Promise<SelfTest> {
  const folder = tools.cache.temporary();
  await mkdir(folder, { mode: 0o755 });
  try {
    const program = join(folder, 'program');
    await copyFile(path, program);
    await chmod(program, 0o755);
    const argv = ['/program/program', '--help'] as const;
    const debug = mode === 'fips140' ? 'fips140=debug' : '';
    const outcome = await (await tools.engine()).run({
      argv,
      env: { ...(debug === '' ? {} : { GODEBUG: debug }), HOME: '/tmp' },
      cwd: '/tmp',
      mounts: [{ kind: 'read', from: folder, to: '/program' }],
      limits: goLimits({ ...tools.limits, milliseconds: MAX_MILLISECONDS }, SIZES),
      ...(tools.signal === undefined ? {} : { signal: tools.signal }),
    });
    const command = [...(debug === '' ? [] : [`GODEBUG=${debug}`]), ...argv];
    const passed = mode === 'fips140' ? outcome.stderr.includes(VERIFIED) : isStarted(outcome);
    if (passed) return { verdict: 'passed', command, said: mode === 'fips140' ? VERIFIED : STARTED };
    const said = outcome.limit ?? (outcome.stderr.trim().slice(0, 1000) || `nothing (exit code ${outcome.exitCode})`);
    return { verdict: 'failed', command, said };
  } finally {
    await removeTree(folder);
  }
}

/** Programs answer --help with 0, 1 or 2, or run on; one that was aborted, or whose module panicked, did not get so far. */
function isStarted({ exitCode, limit, stderr, timedOut }: StepOutcome): boolean {
  const answered = limit === undefined && exitCode !== undefined && exitCode <= 2;
  return (timedOut || answered) && !/^panic: boringcrypto: /m.test(stderr);
}
