// SPDX-License-Identifier: Apache-2.0
import pLimit from 'p-limit';
import { compileCommand, type CompileInputs, type CompileRequest, type CryptoMode } from '#build';
import { type Digest, hexOf, OakumError, PLATFORMS, reportStep } from '#core';
import type { Definition, Lock } from '#definition';
import { toDirHash } from '#evidence';
import { parsePurl } from '#formats';
import {
  analyse,
  type BuildClaim,
  type GoDatabasePart,
  keepAnalysis,
  type KnownAnalysis,
  readBuildClaim,
  VulnerabilityError,
} from '#vulnerabilities';
import { settled } from './images.ts';
import { type Job, openPreparation, toJob } from './prepare.ts';
import { revise } from './revise.ts';
import { openTool, type Tool } from './tool.ts';
import { readBlob, stepTools, type Workshop } from './workshop.ts';

/** One platform of an image to analyse. */
export interface ReachabilityTarget {
  /** As the user named it. */
  readonly target: string;
  /** Of the platform's manifest. */
  readonly image: Digest;
  /** Reads its provenance; throws where there is none. */
  readonly provenance: () => Promise<unknown>;
  /** What the Go database says of the modules in it. */
  readonly database: GoDatabasePart;
}

/** What images are analysed with. `dataFolder` keeps the evidence. */
export interface ReachabilityRequest {
  readonly definition: Definition;
  /** Holds the tool govulncheck. */
  readonly lock: Lock;
  readonly dataFolder: string;
  /** How many at once; by cores and memory where nothing is said. */
  readonly jobs?: number;
}

/** Memory that the analysis of a controller may need at its peak; decides how many run at once. */
const MEMORY_OF_AN_ANALYSIS = 8 * 2 ** 30;

/**
 * Analyses images whose provenance says that this definition and lock made them: each on the very sources that were compiled,
 * once per inputs. An image that something else made, or whose analysis fails, is not analysed, and the reason says why; the
 * others are. Throws what sources and build throw.
 */
export async function analyseImages(
  targets: readonly ReachabilityTarget[],
  request: ReachabilityRequest,
  shop: Workshop,
): Promise<ReadonlyMap<Digest, KnownAnalysis>> {
  const claimed = await Promise.all(
    targets.map(async (target) => ({ target, origin: await originOf(target, request, shop) })),
  );
  const mine = claimed.flatMap(({ target, origin }) => ('reason' in origin ? [] : [{ target, ...origin }]));
  const tool = mine.length === 0 ? undefined : await openTool('govulncheck', request, shop);
  const limit = pLimit(request.jobs ?? analysesAtOnce(shop));
  const prepare = openPreparations(shop);
  const analysed = await settled(
    mine.map((one) => limit(() => tryOne(one, { ...request, tool: tool as Tool, prepare }, shop))),
  );
  const refused = claimed.flatMap(({ target, origin }) =>
    'reason' in origin ? [[target.image, origin] as const] : [],
  );
  return new Map<Digest, KnownAnalysis>([...refused, ...analysed]);
}

/** How many analyses may run at once on this machine. */
export function analysesAtOnce({ machine }: Pick<Workshop, 'machine'>): number {
  return Math.max(1, Math.min(machine.cores, Math.floor(machine.memoryBytes / MEMORY_OF_AN_ANALYSIS)));
}

/** How an image was made, by definition and lock here. */
interface Origin {
  readonly claim: BuildClaim;
  readonly job: Job;
  readonly definition: Definition;
}

async function originOf(
  { target, provenance }: ReachabilityTarget,
  { definition: shipped, lock: whole }: ReachabilityRequest,
  shop: Workshop,
): Promise<Origin | { readonly reason: string }> {
  try {
    const claim = await readBuildClaim(await provenance(), target);
    const platform = PLATFORMS.find((one) => one === claim.platform);
    if (platform === undefined) return { reason: `nothing is built for ${claim.platform}` };
    const { definition, lock, overlays } = revise(shipped, whole, claim.revision);
    const job = toJob(claim.component, platform, {
      definition,
      lock,
      release: claim.release,
      machine: shop.machine.platform,
      crypto: cryptoOf(claim.env),
      ...(overlays === undefined ? {} : { overlays }),
    });
    const difference = differenceOf(claim, job.request);
    return difference === undefined ? { claim, job, definition } : { reason: difference };
  } catch (error) {
    if (error instanceof OakumError) return { reason: error.message };
    throw error;
  }
}

function cryptoOf(env: BuildClaim['env']): CryptoMode {
  if (env['CGO_ENABLED'] === '1') return 'boring';
  return env['GOFIPS140'] === undefined ? 'none' : 'fips140';
}

/** What an image's provenance says otherwise than the lock; undefined where both tell of one build. */
function differenceOf(claim: BuildClaim, request: CompileRequest): string | undefined {
  const { argv, env } = compileCommand(request);
  const overlays = claim.materials.flatMap(({ name, digest }) => (name === 'overlay' ? (digest['sha256'] ?? []) : []));
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const hashesOf = (name: string) =>
    claim.materials.flatMap((one) => (one.name === name ? (one.digest['dirHash'] ?? []) : [])).sort();
  const sources = [request.main, ...request.nested].map(({ zipHash }) => toDirHash(zipHash)).sort();
  if (!same(hashesOf('source'), sources)) return 'its provenance names other sources than the lock';
  if (!same(hashesOf('toolchain'), [toDirHash(request.toolchain.zipHash)]))
    return 'its provenance names another toolchain than the lock';
  if (!same(overlays, request.overlay === undefined ? [] : [hexOf(request.overlay)]))
    return 'its provenance names another overlay than the lock';
  const sorted = (record: Readonly<Record<string, string>>) =>
    Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
  if (!same(claim.argv, argv) || !same(sorted(claim.env), sorted(env)))
    return 'its provenance names another command than this Oakum compiles with';
  return undefined;
}

type Prepare = (job: Job, definition: Definition) => Promise<CompileInputs>;

/** A revision can have a toolchain of its own, so preparations are shared per toolchain. */
export function openPreparations(shop: Workshop): Prepare {
  const known = new Map<string, ReturnType<typeof openPreparation>>();
  return (job, definition) => {
    const key = `${definition.toolchain} ${job.request.overlay ?? ''}`;
    const prepare = known.get(key) ?? openPreparation(shop, definition);
    known.set(key, prepare);
    return prepare(job);
  };
}

/** What programs are analysed with. */
export interface AnalysisPlan extends Pick<ReachabilityRequest, 'dataFolder'> {
  readonly tool: Tool;
  readonly prepare: Prepare;
}

/** A program to analyse: how it was compiled, by which definition, into which image, and the modules in it as `path@version`. */
export interface AnalysedProgram {
  readonly job: Job;
  readonly definition: Definition;
  /** Of the platform's manifest. */
  readonly image: Digest;
  readonly database: GoDatabasePart;
  readonly modules: readonly string[];
  /** How to name the image to people. */
  readonly name: string;
}

/** One analysis that fails leaves its findings open, and says so; it takes nothing from the others. */
async function tryOne(
  { target, claim, job, definition }: Origin & { readonly target: ReachabilityTarget },
  plan: AnalysisPlan,
  shop: Workshop,
): Promise<readonly [Digest, KnownAnalysis]> {
  const { image, database } = target;
  const program = { job, definition, image, database, modules: modulesOf(claim), name: target.target };
  return [image, await analyseProgram(program, plan, shop)];
}

/**
 * Analyses a program on its sources and keeps the analysis as that of its image; once per inputs. Where it fails, or did not read all
 * that is in the program, that is told, and the reason given.
 */
export async function analyseProgram(
  program: AnalysedProgram,
  plan: AnalysisPlan,
  shop: Workshop,
): Promise<KnownAnalysis> {
  try {
    return await analyseOne(program, plan, shop);
  } catch (error) {
    if (!(error instanceof VulnerabilityError)) throw error;
    const { message, where = program.name, hint } = error;
    shop.report({ kind: 'warning', message: `${where}: ${message}${hint === undefined ? '' : ` (${hint})`}` });
    return { reason: message.split('\n', 1)[0] ?? '' };
  }
}

async function analyseOne(
  { job, definition, image, database, modules }: AnalysedProgram,
  plan: AnalysisPlan,
  shop: Workshop,
): Promise<KnownAnalysis> {
  const names = { subject: `${job.component} ${job.platform}`, step: 'analyse reachability' };
  const { value } = await reportStep(shop.report, names, () =>
    analyse(
      { compile: job.request, database, tool: plan.tool },
      () => plan.prepare(job, definition),
      stepTools(definition, shop),
    ),
  );
  const read = new Set(value.modules.map((name) => name.toLowerCase()));
  const missing = modules.find((name) => !read.has(name.toLowerCase()));
  if (missing !== undefined) return { reason: `its program holds ${missing}, which was not analysed` };
  await keepAnalysis(plan.dataFolder, { analysis: value, evidence: await readBlob(value.evidence, shop), image });
  return value;
}

/** What is compiled into a program, as its provenance says; package URLs have lost the capitals of a path. */
function modulesOf({ materials }: BuildClaim): readonly string[] {
  const compiled = materials.flatMap(({ name, uri }) => (name === 'module' ? [parsePurl(uri)] : []));
  return compiled.map(
    ({ namespace, name, version }) => `${namespace === undefined ? '' : `${namespace}/`}${name}@${version}`,
  );
}
