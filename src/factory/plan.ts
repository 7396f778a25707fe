// SPDX-License-Identifier: Apache-2.0
import { type CompiledBinary, compileKey, compileOutputs } from '#build';
import { basesBelow, type Definition, type Lock } from '#definition';
import { needsCompiler } from './build-root.ts';
import { type Job, jobsOf } from './prepare.ts';
import type { Selection } from './selection.ts';
import type { Workshop } from './workshop.ts';

/** One thing a release would do, from what, and whether its result is in the cache already. */
export interface PlannedStep {
  readonly kind: 'toolchain' | 'source' | 'package' | 'image' | 'compile';
  readonly subject: string;
  /** Module and version, or package and version, with the hash that proves it. */
  readonly from: string;
  readonly proof: string;
  readonly cached: boolean;
}

/** What a release would do. */
export interface ReleasePlan {
  readonly release: string;
  readonly steps: readonly PlannedStep[];
}

/** Takes a complete lock; gives what a release of the selection would fetch and compile. Fetches and builds nothing. */
export async function planRelease(
  request: {
    readonly definition: Definition;
    readonly lock: Lock;
    readonly release: string;
    readonly selection: Selection;
  },
  shop: Workshop,
): Promise<ReleasePlan> {
  const { definition, lock, release, selection } = request;
  const jobs = jobsOf({ definition, lock, release, selection, machine: shop.machine.platform });
  const compiles = await Promise.all(jobs.map((job) => planCompile(job, shop)));
  const sources = await Promise.all(
    selection.components
      .flatMap((component) => jobs.find((job) => job.component === component) ?? [])
      .map((job) => planSource(job, shop)),
  );
  const steps = [
    ...(await planToolchain(request, shop)),
    ...sources,
    ...(await planPackages(request, shop)),
    ...(await planImages(request, shop)),
    ...compiles,
  ];
  return { release, steps };
}

async function planToolchain(
  { definition, lock }: { definition: Definition; lock: Lock },
  shop: Workshop,
): Promise<PlannedStep[]> {
  const module = lock.toolchains[definition.toolchain]?.[shop.machine.platform];
  if (module === undefined) return [];
  const cached = await (await shop.sources()).holds(module);
  return [
    {
      kind: 'toolchain',
      subject: definition.toolchain,
      from: `${module.path}@${module.version}`,
      proof: module.zipHash,
      cached,
    },
  ];
}

async function planSource(job: Job, shop: Workshop): Promise<PlannedStep> {
  const { module } = job.locked;
  const cached = await (await shop.sources()).holds(module);
  return {
    kind: 'source',
    subject: job.component,
    from: `${module.path}@${module.version}`,
    proof: module.zipHash,
    cached,
  };
}

async function planCompile(job: Job, shop: Workshop): Promise<PlannedStep> {
  const known = await shop.cache.peek<CompiledBinary>(compileKey(job.request, shop.isolated), compileOutputs);
  const { main, toolchain } = job.request;
  return {
    kind: 'compile',
    subject: `${job.component} ${job.platform}${job.request.crypto === 'none' ? '' : ` (${job.request.crypto})`}`,
    from: `${main.path}@${main.version}, ${toolchain.version}`,
    proof: known?.binary ?? '',
    cached: known !== undefined,
  };
}

async function planPackages(
  { definition, lock, selection }: { definition: Definition; lock: Lock; selection: Selection },
  shop: Workshop,
): Promise<PlannedStep[]> {
  const bases = basesBelow(definition, selection);
  const packages = [
    ...bases.flatMap((base) => selection.platforms.flatMap((platform) => lock.bases[base]?.packages[platform] ?? [])),
    ...(needsCompiler(definition, selection.channels) ? (lock.buildRoot?.packages[shop.machine.platform] ?? []) : []),
  ];
  const unique = [...new Map(packages.map((one) => [one.sha256, one])).values()];
  return Promise.all(
    unique.map(async (one) => ({
      kind: 'package' as const,
      subject: one.name,
      from: `${one.name}_${one.version}_${one.architecture} (${one.suite})`,
      proof: one.sha256,
      cached: (await shop.cache.blobs.find(one.sha256)) !== undefined,
    })),
  );
}

/** Images that are taken as bases. */
async function planImages(
  { definition, lock, selection }: { definition: Definition; lock: Lock; selection: Selection },
  shop: Workshop,
): Promise<PlannedStep[]> {
  const wanted = basesBelow(definition, selection).flatMap((name) =>
    selection.platforms.map((platform) => ({ name, platform, image: lock.bases[name]?.image })),
  );
  const steps = wanted.map(async ({ name, platform, image }): Promise<PlannedStep[]> => {
    const digest = image?.platforms[platform]?.manifest.digest;
    if (image === undefined || digest === undefined) return [];
    const cached = (await shop.cache.blobs.find(digest)) !== undefined;
    return [{ kind: 'image', subject: `${name} ${platform}`, from: image.reference, proof: digest, cached }];
  });
  return (await Promise.all(steps)).flat();
}
