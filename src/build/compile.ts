// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cache, removeTree, type StepKey, type StepResult } from '#cache';
import { type Clock, type Digest, digestOf } from '#core';
import type { Engine, Mount } from '#engine';
import type { Json } from '#formats';
import { compileCommand, type CompileRequest, packageFlags } from './compile-command.ts';
import { FIPS_MODULE } from './crypto.ts';
import { BuildError } from './error.ts';
import {
  cgoMounts,
  type CompileInputs,
  type CompileLimits,
  GO,
  goEnvironment,
  goLimits,
  goMounts,
  INSIDE,
} from './go-step.ts';
import { checkBinary, type CompiledModule } from './inspect.ts';
import { TLS_OVERLAY } from './tls-overlay.ts';

/** A compiled program in the cache. `modules` is a blob that lists what was compiled in, one `path version h1` a line. */
export type CompiledBinary = {
  readonly binary: Digest;
  readonly size: number;
  readonly modules: { readonly count: number; readonly digest: Digest };
  readonly isolation: string;
  /** The run that made it: its id (a UUID), when it began and ended (RFC 3339), and how long it took. */
  readonly invocation: { readonly id: string; readonly startedOn: string; readonly finishedOn: string };
  readonly milliseconds: number;
};

/** What {@link compile} works with. */
export interface CompileTools {
  readonly cache: Cache;
  readonly clock: Clock;
  /** Opened when a compile must run. */
  readonly engine: () => Promise<Engine>;
  readonly isolated: boolean;
  readonly limits: CompileLimits;
  /** How many packages Go compiles at once; does not change the bytes. */
  readonly parallelism: number;
  readonly signal?: AbortSignal;
  /**
   * Runs a stage of the compile when its turn has come. `packages` fills the shared build cache and is best run one at a
   * time: Go locks nothing in it, and two at once compile the packages they share twice. `link` may run beside anything.
   */
  readonly stage?: <T>(name: CompileStage, run: () => Promise<T>) => Promise<T>;
}

/** The stages of a compile, in their order. */
export type CompileStage = 'packages' | 'link';

const MAX_BINARY_BYTES = 1 << 30;

/** Gives the compile's key: all that determines its bytes, and how it was isolated. */
export function compileKey(request: CompileRequest, isolated: boolean): StepKey {
  const { component, main, nested, toolchain, platform, crypto, overlay, buildRoot } = request;
  const source = {
    main,
    nested,
    ...(overlay === undefined ? {} : { overlay }),
    ...(buildRoot === undefined
      ? {}
      : { buildRoot, tls: digestOf(JSON.stringify(TLS_OVERLAY.files(request.package))) }),
  };
  const inputs = { record: 1, component, ...source, package: request.package, toolchain, platform, crypto };
  return {
    name: 'compile',
    inputs: { ...inputs, ...compileCommand(request), isolated } as unknown as Json,
  };
}

/** Takes the blob that {@link CompiledBinary.modules} names; gives the modules in it. */
export function parseModuleList(text: string): readonly CompiledModule[] {
  return text
    .split('\n')
    .map((line) => line.split(' '))
    .flatMap(([path = '', version = '', hash = '']) => (hash === '' ? [] : [{ path, version, hash }]));
}

/** Names the blobs a compiled binary stands on. */
export function compileOutputs(value: CompiledBinary): readonly Digest[] {
  return [value.binary, value.modules.digest];
}

/**
 * Compiles one component for one platform, without network, in the engine's sandbox; once per inputs.
 * `prepare` fetches what the compile reads. The build cache is shared: with cgo off, compiling runs no foreign code.
 * Throws {@link BuildError}; leaves nothing behind on failure.
 */
export function compile(
  request: CompileRequest,
  prepare: () => Promise<CompileInputs>,
  tools: CompileTools,
): Promise<StepResult<CompiledBinary>> {
  return tools.cache.step(compileKey(request, tools.isolated), compileOutputs, async () => {
    const inputs = await prepare();
    const output = tools.cache.temporary();
    const goBuild = await openGoBuild(request, tools);
    await mkdir(output);
    try {
      const stage = tools.stage ?? ((_name, run) => run());
      const timed = await runStages(request, inputs, { ...tools, output, goBuild, stage });
      const path = await theOneFile(output, request.component);
      const modules = await checkBinary(path, {
        component: request.component,
        platform: request.platform,
        crypto: request.crypto,
        experiments: request.experiments ?? [],
        goVersion: request.toolchain.version,
        mainModule: request.main.path,
        nestedModules: request.nested.map((module) => module.path),
        hashes: inputs.hashes,
      });
      const binary = await tools.cache.blobs.adopt(path, { maxBytes: MAX_BINARY_BYTES });
      const linked = request.crypto === 'fips140' ? [...modules, fipsModule()] : modules;
      const list = await tools.cache.blobs.put(listOf(linked));
      return {
        binary: binary.digest,
        size: binary.size,
        modules: { count: linked.length, digest: list.digest },
        ...timed,
      };
    } finally {
      await removeTree(output);
      if (!goBuild.shared) await removeTree(goBuild.folder);
    }
  });
}

/** Where Go keeps what it has compiled. */
interface GoBuild {
  readonly folder: string;
  readonly shared: boolean;
}

/** With cgo foreign code runs, a C compiler: what it leaves behind is read by nobody else. */
async function openGoBuild({ crypto }: CompileRequest, { cache }: CompileTools): Promise<GoBuild> {
  if (crypto !== 'boring') return { folder: await cache.area('go-build'), shared: true };
  const folder = cache.temporary();
  await mkdir(folder);
  return { folder, shared: false };
}

type StageTools = CompileTools &
  Required<Pick<CompileTools, 'stage'>> & { readonly output: string; readonly goBuild: GoBuild };
type Timed = Pick<CompiledBinary, 'isolation' | 'invocation' | 'milliseconds'>;

/** First all packages into the build cache, then the program: what it writes is decided by the second command alone. */
async function runStages(request: CompileRequest, inputs: CompileInputs, tools: StageTools): Promise<Timed> {
  const commands: Readonly<Record<CompileStage, readonly [string, ...string[]]>> = {
    packages: [GO, 'list', '-export', '-deps', '-f', '', ...packageFlags(request), request.package],
    link: compileCommand(request).argv,
  };
  const id = randomUUID();
  let startedOn: Date | undefined;
  let isolation = '';
  let milliseconds = 0;
  for (const name of ['packages', 'link'] as const) {
    await tools.stage(name, async () => {
      startedOn ??= tools.clock.now();
      const start = performance.now();
      isolation = await runCommand(commands[name], { request, inputs, tools });
      milliseconds += Math.round(performance.now() - start);
    });
  }
  const invocation = { id, startedOn: (startedOn as Date).toISOString(), finishedOn: tools.clock.now().toISOString() };
  return { isolation, invocation, milliseconds };
}

async function runCommand(
  argv: readonly [string, ...string[]],
  { request, inputs, tools }: { request: CompileRequest; inputs: CompileInputs; tools: StageTools },
): Promise<string> {
  const outcome = await (await tools.engine()).run({
    argv,
    env: { ...goEnvironment(request), GOMAXPROCS: String(tools.parallelism) },
    cwd: INSIDE.source,
    mounts: [...mountsOf(request, inputs, tools.goBuild), { kind: 'write', from: tools.output, to: INSIDE.output }],
    limits: goLimits(tools.limits, { fileBytes: MAX_BINARY_BYTES, outputBytes: 8 * MAX_BINARY_BYTES }),
    ...(tools.signal === undefined ? {} : { signal: tools.signal }),
  });
  if (outcome.exitCode === 0 && outcome.limit === undefined) return outcome.sandbox;
  const where = `${request.component} ${request.main.version} (${request.platform})`;
  if (outcome.limit !== undefined || outcome.timedOut) {
    throw new BuildError('COMPILE_LIMIT', `the compile was stopped: ${outcome.limit ?? 'time'} limit reached`, {
      where,
      hint: 'Raise `limits` in distribution.yaml, or build fewer components at once (--jobs 1).',
    });
  }
  throw new BuildError('COMPILE_FAILED', `the compile failed:\n${lastLines(outcome.stderr || outcome.stdout, 12)}`, {
    where,
    hint: 'The source is as upstream published it: check that `package`, `toolchain` and the release belong together. Compilers that are killed lack memory: try --jobs 1.',
  });
}

function mountsOf(request: CompileRequest, inputs: CompileInputs, { folder, shared }: GoBuild): readonly Mount[] {
  const mounts = goMounts(inputs, folder).map((mount) => (mount.kind === 'write' ? { ...mount, shared } : mount));
  if (request.crypto !== 'boring') return mounts;
  if (inputs.buildRoot === undefined)
    throw new TypeError('BoringCrypto is compiled with the C compiler of a build root');
  return [...cgoMounts(inputs.buildRoot, request.package), ...mounts];
}

/** The output folder was written by the step: nothing in it is followed, and only the one regular file is taken. */
async function theOneFile(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  const found = await lstat(path).catch(() => undefined);
  const entries = await readdir(folder);
  if (found?.isFile() && found.nlink === 1 && entries.length === 1) return path;
  throw new BuildError('BINARY_MISSING', `the compile left ${entries.join(', ') || 'nothing'} instead of one file`, {
    where: name,
  });
}

/** The linker does not list the cryptographic module among the modules, but it is compiled in: the check of the program has seen it. */
function fipsModule(): CompiledModule {
  const { path, version, zipHash } = FIPS_MODULE;
  return { path, version, hash: zipHash };
}

async function* listOf(modules: readonly CompiledModule[]): AsyncGenerator<Uint8Array> {
  yield Buffer.from(modules.map(({ path, version, hash }) => `${path} ${version} ${hash}\n`).join(''));
}

function lastLines(text: string, count: number): string {
  return text
    .trimEnd()
    .split('\n')
    .slice(-count)
    .map((line) => `  ${line}`)
    .join('\n');
}
