// SPDX-License-Identifier: Apache-2.0
import pLimit from 'p-limit';
import { compileCommand, type CompileInputs, type CompileRequest } from '#build';
import { type Digest, hexOf, OakumError, PLATFORMS, reportStep } from '#core';
import type { Definition, Lock } from '#definition';
import { parsePurl } from '#formats';
import {
  type Analysis,
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
import { stepTools, type Workshop } from './workshop.ts';

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
  const { cores, memoryBytes } = shop.machine;
  const limit = pLimit(request.jobs ?? Math.max(1, Math.min(cores, Math.floor(memoryBytes / MEMORY_OF_AN_ANALYSIS))));
  const prepare = openPreparations(shop);
  const analysed = await settled(
    mine.map((one) => limit(() => tryOne(one, { ...request, tool: tool as Tool, prepare }, shop))),
  );
  const refused = claimed.flatMap(({ target, origin }) =>
    'reason' in origin ? [[target.image, origin] as const] : [],
  );
  return new Map<Digest, KnownAnalysis>([...refused, ...analysed]);
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
      ...(overlays === undefined ? {} : { overlays }),
    });
    const difference = differenceOf(claim, job.request);
    return difference === undefined ? { claim, job, definition } : { reason: difference };
  } catch (error) {
    if (error instanceof OakumError) return { reason: error.message };
    throw error;
  }
}

/** What an image's provenance says otherwise than the lock; undefined where both tell of one build. */
function differenceOf(claim: BuildClaim, request: CompileRequest): string | undefined {
  const { argv, env } = compileCommand(request);
  const overlays = claim.materials.flatMap(({ name, digest }) => (name === 'overlay' ? (digest['sha256'] ?? []) : []));
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const hashesOf = (name: string) =>
    claim.materials.flatMap((one) => (one.name === name ? (one.digest['dirHash'] ?? []) : [])).sort();
  const sources = [request.main, ...request.nested].map(({ zipHash }) => toHex(zipHash)).sort();
  if (!same(hashesOf('source'), sources)) return 'its provenance names other sources than the lock';
  if (!same(hashesOf('toolchain'), [toHex(request.toolchain.zipHash)]))
    return 'its provenance names another toolchain than the lock';
  if (!same(overlays, request.overlay === undefined ? [] : [hexOf(request.overlay)]))
    return 'its provenance names another overlay than the lock';
  const sorted = (record: Readonly<Record<string, string>>) =>
    Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
  if (!same(claim.argv, argv) || !same(sorted(claim.env), sorted(env)))
    return 'its provenance names another command than this Oakum compiles with';
  return undefined;
}

/** The 32 bytes of an h1 hash as provenance has them: in hex (in-toto digest_set.md, "dirHash"). */
function toHex(h1: string): string {
  return Buffer.from(h1.slice('h1:'.length), 'base64').toString('hex');
}

type Prepare = (job: Job, definition: Definition) => Promise<CompileInputs>;

/** A revision can have a toolchain of its own, so preparations are shared per toolchain. */
function openPreparations(shop: Workshop): Prepare {
  const known = new Map<string, ReturnType<typeof openPreparation>>();
  return (job, definition) => {
    const key = `${definition.toolchain} ${job.request.overlay ?? ''}`;
    const prepare = known.get(key) ?? openPreparation(shop, definition);
    known.set(key, prepare);
    return prepare(job);
  };
}

interface AnalysisPlan extends ReachabilityRequest {
  readonly tool: Tool;
  readonly prepare: Prepare;
}

/** One analysis that fails leaves its findings open, and says so; it takes nothing from the others. */
async function tryOne(...given: Parameters<typeof analyseOne>): Promise<readonly [Digest, KnownAnalysis]> {
  const [{ target }, , shop] = given;
  try {
    return await analyseOne(...given);
  } catch (error) {
    if (!(error instanceof VulnerabilityError)) throw error;
    const { message, where = target.target, hint } = error;
    shop.report({ kind: 'warning', message: `${where}: ${message}${hint === undefined ? '' : ` (${hint})`}` });
    return [target.image, { reason: message.split('\n', 1)[0] ?? '' }];
  }
}

async function analyseOne(
  one: Origin & { readonly target: ReachabilityTarget },
  plan: AnalysisPlan,
  shop: Workshop,
): Promise<readonly [Digest, KnownAnalysis]> {
  const { target, claim, job, definition } = one;
  const names = { subject: `${job.component} ${job.platform}`, step: 'analyse reachability' };
  const { value } = await reportStep(shop.report, names, () =>
    analyse(
      { compile: job.request, database: target.database, tool: plan.tool },
      () => plan.prepare(job, definition),
      stepTools(definition, shop),
    ),
  );
  const missing = moduleNotRead(claim, value);
  if (missing !== undefined) return [target.image, { reason: `its program holds ${missing}, which was not analysed` }];
  await keepAnalysis(plan.dataFolder, { analysis: value, evidence: await readWhole(value, shop), image: target.image });
  return [target.image, value];
}

/** A module that is compiled into the program and was not read; package URLs have lost the capitals of a path. */
function moduleNotRead({ materials }: BuildClaim, { modules }: Analysis): string | undefined {
  const read = new Set(modules.map((name) => name.toLowerCase()));
  const compiled = materials.flatMap(({ name, uri }) => (name === 'module' ? [parsePurl(uri)] : []));
  const names = compiled.map(
    ({ namespace, name, version }) => `${namespace === undefined ? '' : `${namespace}/`}${name}@${version}`,
  );
  return names.find((name) => !read.has(name.toLowerCase()));
}

async function readWhole({ evidence }: Analysis, { cache }: Workshop): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of cache.blobs.read(evidence)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
