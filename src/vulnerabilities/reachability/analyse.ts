// SPDX-License-Identifier: Apache-2.0
import {
  cgoMounts,
  compileCommand,
  type CompileInputs,
  compileKey,
  type CompileRequest,
  type CompileTools,
} from '#build';
import { removeTree, type StepKey, type StepResult } from '#cache';
import { type Digest, digestOf, oneChunk } from '#core';
import type { SandboxStep } from '#engine';
import { canonicalJson, type Json } from '#formats';
import { VulnerabilityError } from '../error.ts';
import type { GoDatabasePart } from './database.ts';
import { toReached } from './levels.ts';
import { invalid, MAX_OUTPUT_BYTES, readToolOutput, type ToolOutput } from './messages.ts';
import type { Analysis } from './types.ts';

/** The analysing program: an executable file, and the digest of its bytes. */
export interface AnalysisTool {
  readonly name: string;
  readonly version: string;
  readonly digest: Digest;
  readonly path: string;
}

/** What to analyse: a build, the part of the database that names its modules, and by what. */
export interface AnalysisRequest {
  /** How the program was compiled: the same package, toolchain and platform are analysed. */
  readonly compile: CompileRequest;
  readonly database: GoDatabasePart;
  readonly tool: AnalysisTool;
}

/** What an analysis works with, as a compile does. */
export type AnalysisTools = Omit<CompileTools, 'stage'>;

/** Where the tool and its database lie in the sandbox; all else lies where a compile has it. */
const INSIDE = { tool: '/oakum/govulncheck', database: '/oakum/db', source: '/src' } as const;

/** Gives the key of an analysis: nothing of the database that names other modules is in it. */
export function analysisKey(request: AnalysisRequest, isolated: boolean): StepKey {
  const { compile, database, tool } = request;
  const inputs = {
    record: 1,
    build: buildIdentity(compile),
    tool: tool.digest,
    isolated,
    advisories: database.digests,
  };
  return {
    name: 'analyse-reachability',
    inputs: { ...inputs, argv: argvOf(compile), env: envOf(compile) },
  };
}

/** Gives the digest of all that determines the bytes of a program: what a compile is kept under. */
export function buildIdentity(compile: CompileRequest): Digest {
  return digestOf(canonicalJson(compileKey(compile, true).inputs));
}

/** Names the blob that an analysis cites. */
function analysisOutputs({ evidence }: Pick<Analysis, 'evidence'>): readonly Digest[] {
  return [evidence];
}

/**
 * Runs govulncheck in source mode on exactly what a compile reads, without network, in the engine's sandbox; once per inputs.
 * It type-checks sources and runs none of them. The tool itself is foreign: it has a throw-away view of the build cache.
 * Throws `REACHABILITY_FAILED`, `REACHABILITY_LIMIT` and, for output that can't be believed, `REACHABILITY_INVALID`.
 */
export function analyse(
  request: AnalysisRequest,
  prepare: () => Promise<CompileInputs>,
  tools: AnalysisTools,
): Promise<StepResult<Analysis>> {
  const key = analysisKey(request, tools.isolated);
  type Kept = Analysis & Json; // an analysis is JSON; its optional members are absent, never undefined
  return tools.cache.step<Kept>(key, analysisOutputs, async () => {
    const inputs = await prepare();
    const start = performance.now();
    const at = tools.clock.now().toISOString();
    const { bytes, isolation } = await runTool(request, inputs, tools);
    const output = readToolOutput(bytes);
    checkOutput(output, request);
    const evidence = await tools.cache.blobs.put(oneChunk(bytes));
    const { name, version, digest } = request.tool;
    const analysis: Analysis = {
      version: 1,
      build: buildIdentity(request.compile),
      tool: { name, version, digest },
      database: request.database.modified,
      goVersion: output.config.go_version,
      at,
      isolation,
      milliseconds: Math.round(performance.now() - start),
      evidence: evidence.digest,
      advisories: request.database.digests,
      modules: output.modules.map(({ path, version = '' }) => `${path}@${version}`).sort(),
      reached: toReached(output.findings),
    };
    return analysis as unknown as Kept;
  });
}

/** What was analysed must be what was asked for: the toolchain's release, one program, and no advisory from elsewhere. */
function checkOutput({ config, roots, advisories }: ToolOutput, { compile, database }: AnalysisRequest): void {
  if (config.go_version !== compile.toolchain.version)
    throw invalid(
      `it is about ${JSON.stringify(config.go_version.slice(0, 40))} instead of ${compile.toolchain.version}`,
    );
  if (roots.length !== 1) throw invalid(`it is about ${roots.length} programs instead of one`);
  const foreign = [...advisories].find((id) => !Object.hasOwn(database.digests, id));
  if (foreign !== undefined) throw invalid(`it shows ${JSON.stringify(foreign.slice(0, 40))}, which it was not given`);
}

function argvOf({ package: path }: CompileRequest): readonly [string, ...string[]] {
  const flags = ['-mode=source', '-scan=symbol', '-format=json', `-db=file://${INSIDE.database}`];
  return [INSIDE.tool, ...flags, path];
}

/** As the compile's, so that the same files are chosen; but the one that is laid over the source, which the tool would look for on disk. */
function envOf(compile: CompileRequest): Readonly<Record<string, string>> {
  const { argv, env } = compileCommand(compile);
  const choosing = argv.filter((flag) => flag.startsWith('-tags='));
  return { ...env, GOFLAGS: ['-mod=readonly', '-buildvcs=false', ...choosing].join(' ') };
}

async function runTool(
  request: AnalysisRequest,
  inputs: CompileInputs,
  tools: AnalysisTools,
): Promise<{ readonly bytes: Uint8Array; readonly isolation: string }> {
  const database = tools.cache.temporary();
  const collected = collect();
  const signals = [collected.signal, ...(tools.signal === undefined ? [] : [tools.signal])];
  try {
    await request.database.write(database);
    const engine = await tools.engine();
    const outcome = await engine.run({
      ...(await stepOf(request, { ...inputs, database }, tools)),
      onOutput: collected.take,
      signal: AbortSignal.any(signals),
    });
    if (outcome.exitCode !== 0 || outcome.limit !== undefined) throw failure(request, outcome);
    return { bytes: collected.bytes(), isolation: outcome.sandbox };
  } finally {
    await removeTree(database);
  }
}

async function stepOf(
  { compile, tool }: AnalysisRequest,
  inputs: CompileInputs & { readonly database: string },
  { cache, limits, parallelism }: AnalysisTools,
): Promise<SandboxStep> {
  const env = envOf(compile);
  return {
    argv: argvOf(compile),
    env: { ...env, GOMAXPROCS: String(parallelism), GOMEMLIMIT: softLimit(limits.memoryBytes) },
    cwd: INSIDE.source,
    mounts: [
      ...(inputs.buildRoot === undefined ? [] : cgoMounts(inputs.buildRoot, compile.package)),
      { kind: 'read', from: tool.path, to: INSIDE.tool },
      { kind: 'read', from: inputs.database, to: INSIDE.database },
      { kind: 'read', from: inputs.toolchainFolder, to: env['GOROOT'] ?? '' },
      { kind: 'read', from: inputs.moduleCache, to: env['GOMODCACHE'] ?? '' },
      { kind: 'read', from: inputs.sourceFolder, to: INSIDE.source },
      { kind: 'throwaway', from: await cache.area('go-build'), to: env['GOCACHE'] ?? '' },
    ],
    limits: {
      wallMilliseconds: limits.milliseconds,
      memoryBytes: limits.memoryBytes,
      processes: limits.processes,
      fileBytes: MAX_OUTPUT_BYTES,
      outputBytes: MAX_OUTPUT_BYTES,
    },
  };
}

/** Where Go's collector begins to work harder, in Go's notation: a controller's graph would else take twice what it needs. */
function softLimit(memoryBytes: number): string {
  return `${Math.floor((memoryBytes * 3) / 4)}B`;
}

/** Keeps what a step prints, up to a limit at which the step is stopped. */
function collect(): {
  readonly take: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;
  readonly bytes: () => Uint8Array;
  readonly signal: AbortSignal;
} {
  const stop = new AbortController();
  const chunks: Uint8Array[] = [];
  let size = 0;
  return {
    take(stream, chunk) {
      if (stream !== 'stdout' || stop.signal.aborted) return;
      size += chunk.byteLength;
      if (size > MAX_OUTPUT_BYTES) stop.abort(invalid(`it is longer than ${MAX_OUTPUT_BYTES} bytes`));
      else chunks.push(chunk);
    },
    bytes: () => Buffer.concat(chunks),
    signal: stop.signal,
  };
}

function failure(
  { compile }: AnalysisRequest,
  outcome: { readonly limit: string | undefined; readonly stderr: string },
): VulnerabilityError {
  const where = `${compile.component} ${compile.main.version} (${compile.platform})`;
  if (outcome.limit !== undefined)
    return new VulnerabilityError('REACHABILITY_LIMIT', `the analysis was stopped: ${outcome.limit} limit reached`, {
      where,
      hint: 'Raise `limits` in distribution.yaml: a controller takes up to 8 GiB of memory and some minutes.',
    });
  const said = outcome.stderr.trimEnd().split('\n').slice(-12).join('\n  ');
  return new VulnerabilityError('REACHABILITY_FAILED', `govulncheck failed:\n  ${said}`, {
    where,
    hint: 'It must be compiled by the toolchain whose sources it reads: check `tools.govulncheck` and `toolchain`.',
  });
}
