// SPDX-License-Identifier: Apache-2.0
import pLimit from 'p-limit';
import type { CompiledModule } from '#build';
import type { Digest } from '#core';
import type { Definition, Lock } from '#definition';
import { PREDICATES } from '#evidence';
import type { Json } from '#formats';
import { type Analysis, type GoDatabasePart, readGoDatabasePart } from '#vulnerabilities';
import { toAnalysisResult } from './analysis-statement.ts';
import { FactoryError } from './error.ts';
import type { Job } from './prepare.ts';
import { type AnalysisPlan, analyseProgram, analysesAtOnce, openPreparations } from './reachability.ts';
import { testFault, testOverlay } from './test-overlay.ts';
import { toTestResult } from './test-statement.ts';
import { openTool } from './tool.ts';
import { once, type Workshop } from './workshop.ts';

/** How the images of a patched revision are proved before they are published. */
export interface PatchProofOptions {
  /** Whether upstream's unit tests are run before and after the overlay, where they have not been. */
  readonly tests: boolean;
  /** Holds the Go vulnerability database, and keeps analyses; absent where reachability is not to be analysed. */
  readonly dataFolder?: string;
}

/** What the proof is about. `tools` is the definition that compiles the analysing program. */
export interface PatchProofRequest extends PatchProofOptions {
  readonly definition: Definition;
  readonly tools: Definition;
  readonly lock: Lock;
  readonly release: string;
}

/** A patched image: how it was compiled, the digest of its manifest, what is in its program. */
export interface PatchedImage {
  readonly job: Job;
  readonly image: Digest;
  readonly modules: readonly CompiledModule[];
}

/** A claim about an image, without its subject. */
export interface ProvedClaim {
  readonly predicateType: string;
  readonly predicate: Json;
}

/** Proves a patched image; gives what can be claimed of it then. */
export type ProvePatched = (image: PatchedImage) => Promise<readonly ProvedClaim[]>;

/**
 * Gives a function that proves patched images: upstream's tests break nowhere that they did not break before, and govulncheck no longer
 * finds what the overlay fixes. What can't be looked at is told, once. The function throws `TESTS_BROKEN` and `FINDING_REMAINS`.
 */
export function openPatchProof(request: PatchProofRequest, shop: Workshop): ProvePatched {
  const test = openTests(request, shop);
  const analyse = openAnalyses(request, shop);
  return async (image) => {
    if (image.job.overlay === undefined) return [];
    const tested = await test(image.job);
    const analysed = await analyse(image);
    return [
      ...(tested === undefined ? [] : [{ predicateType: PREDICATES.testResult, predicate: tested }]),
      ...(analysed === undefined ? [] : [{ predicateType: PREDICATES.vulnerabilities, predicate: analysed }]),
    ];
  };
}

/** The tests of a component are run once for all its platforms and channels: on that of this machine. */
function openTests({ definition, lock, release, tests }: PatchProofRequest, shop: Workshop) {
  const known = new Map<string, Promise<Json>>();
  const limit = pLimit(1); // they use all cores
  const untested = once(async () =>
    shop.report({
      kind: 'note',
      message:
        "upstream's unit tests are not run: the patched images get no test result (leave --no-tests away for one)",
    }),
  );
  const run = async ({ component, overlay }: Job): Promise<Json> => {
    if (overlay === undefined) throw new TypeError('what is not patched is not tested');
    const request = { component, release, definition, lock, overlay };
    const compared = await testOverlay(request, shop);
    const fault = testFault(compared);
    if (fault === undefined) return toTestResult(compared, request, shop.machine.platform);
    throw new FactoryError('TESTS_BROKEN', `the revision breaks a test of upstream: ${fault}`, {
      where: component,
      hint: `\`oakum patch ${release}\` finds which change does that, and makes a revision without it.`,
    });
  };
  return async (job: Job): Promise<Json | undefined> => {
    if (!tests) {
      await untested();
      return undefined;
    }
    const running = known.get(job.component) ?? limit(() => run(job));
    known.set(job.component, running);
    return running;
  };
}

function openAnalyses(request: PatchProofRequest, shop: Workshop) {
  const { definition, tools, lock, dataFolder } = request;
  const limit = pLimit(analysesAtOnce(shop));
  const tool = once(() => openTool('govulncheck', { definition: tools, lock }, shop));
  const prepare = openPreparations(shop);
  const unanalysed = once(async () => {
    const reason = whyNot(request);
    shop.report({ kind: 'note', message: `which findings the patched programs reach is not analysed: ${reason}` });
  });
  return async ({ job, image, modules }: PatchedImage): Promise<Json | undefined> => {
    const database = dataFolder === undefined ? undefined : readGoDatabasePart(dataFolder, namesIn(job, modules));
    if (database === undefined || dataFolder === undefined || lock.tools?.['govulncheck'] === undefined) {
      await unanalysed();
      return undefined;
    }
    const names = modules.map(({ path, version }) => `${path}@${version}`);
    const program = { job, definition, image, database, modules: names, name: `${job.component} ${job.platform}` };
    const plan: AnalysisPlan = { dataFolder, tool: await tool(), prepare };
    const analysis = await limit(() => analyseProgram(program, plan, shop));
    if ('reason' in analysis) return undefined;
    requireGone(job, analysis, database);
    return toAnalysisResult(analysis, job.platform);
  };
}

function whyNot({ dataFolder, lock }: PatchProofRequest): string {
  if (dataFolder === undefined) return '--no-reachability';
  if (lock.tools?.['govulncheck'] === undefined) return 'the lock names no govulncheck (`oakum patch` puts it there)';
  return 'the Go vulnerability database is not on disk (`oakum feeds update`)';
}

/** All whose advisories may be found in a program: its modules, and Go's own. */
function namesIn({ request }: Job, modules: readonly CompiledModule[]): ReadonlySet<string> {
  const own = [request.main, ...request.nested].map(({ path }) => path);
  return new Set([...own, ...modules.map(({ path }) => path), 'stdlib', 'toolchain']);
}

/** What an overlay is there to fix must be gone by the judgement of another tool, too, by any of its ids. Throws `FINDING_REMAINS`. */
export function requireGone(
  { component, platform, overlay }: Pick<Job, 'component' | 'platform' | 'overlay'>,
  { reached }: Pick<Analysis, 'reached'>,
  { aliases }: Pick<GoDatabasePart, 'aliases'>,
): void {
  const still = (overlay?.requires ?? []).flatMap(({ path, findings }) =>
    reached.filter(
      ({ id, module }) => module === path && [id, ...(aliases[id] ?? [])].some((one) => findings.includes(one)),
    ),
  );
  const [first] = still;
  if (first === undefined) return;
  throw new FactoryError(
    'FINDING_REMAINS',
    `govulncheck still finds ${first.id} in ${first.module} ${first.version}, which the revision is there to fix`,
    {
      where: `${component} (${platform})`,
      hint: 'Nothing was published. The advisory and its database disagree: report it to the maintainers of Oakum.',
    },
  );
}
