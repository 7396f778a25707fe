// SPDX-License-Identifier: Apache-2.0
import { digestOfBuildRoot, type LockedPackage } from '#bases';
import { type CompileInputs, type CompileRequest, type CryptoMode, FIPS_MODULE } from '#build';
import type { TreeResult } from '#cache';
import { type Platform, reportStep } from '#core';
import type { Definition, Lock, LockedComponent, LockedModule, LockedOverlay } from '#definition';
import { composeOverlay, digestOfOverlay, readPatchFiles } from '#patch';
import type { ModuleCacheProgress, Sources } from '#sources';
import { buildRootOf, openBuildRoot } from './build-root.ts';
import { FactoryError } from './error.ts';
import type { Selection } from './selection.ts';
import { once, type Workshop } from './workshop.ts';

/** One component to compile for one platform. */
export interface Job {
  readonly component: string;
  readonly platform: Platform;
  readonly locked: LockedComponent;
  readonly request: CompileRequest;
  /** What a patched revision lays over the source. */
  readonly overlay?: LockedOverlay;
  /** The packages of the build root, where a C compiler is needed. */
  readonly compiler?: readonly LockedPackage[];
}

/** What jobs are made from; `overlays` are those of a patched revision, by component, and `crypto` is the channel's mode. */
export interface JobOrigin {
  readonly definition: Definition;
  readonly lock: Lock;
  readonly release: string;
  readonly machine: Platform;
  readonly crypto?: CryptoMode;
  readonly overlays?: Readonly<Record<string, LockedOverlay>>;
}

/** Takes a definition and a complete lock; gives the compile of a component for a platform. */
export function toJob(component: string, platform: Platform, from: JobOrigin): Job {
  const { definition, lock, release, machine } = from;
  const locked = lock.releases[release]?.components[component];
  const defined = definition.components[component];
  const toolchain = lock.toolchains[definition.toolchain]?.[machine];
  if (locked === undefined || defined === undefined || toolchain === undefined) {
    throw new FactoryError(
      'LOCK_INCOMPLETE',
      `the lock lacks ${toolchain === undefined ? definition.toolchain : component}`,
      {
        hint: `Run \`oakum lock ${release}\`.`,
      },
    );
  }
  const identity = ({ path, version, zipHash }: LockedModule) => ({ path, version, zipHash });
  const overlay = from.overlays?.[component];
  const compiler = from.crypto === 'boring' ? buildRootOf(lock, { machine, release }) : undefined;
  const request: CompileRequest = {
    component,
    main: identity(locked.module),
    nested: locked.nested.map(identity),
    package: defined.package,
    toolchain: { version: definition.toolchain, zipHash: toolchain.zipHash },
    platform,
    crypto: from.crypto ?? 'none',
    ...(compiler === undefined ? {} : { buildRoot: digestOfBuildRoot(compiler) }),
    ...(definition.experiments.length === 0 ? {} : { experiments: definition.experiments }),
    ...(overlay === undefined ? {} : { overlay: digestOfOverlay(overlay) }),
  };
  return {
    component,
    platform,
    locked,
    request,
    ...(overlay === undefined ? {} : { overlay }),
    ...(compiler === undefined ? {} : { compiler }),
  };
}

/** What jobs of a release are made from: a selection of channels, components and platforms. */
export type SelectedJobs = Omit<JobOrigin, 'crypto'> & { readonly selection: Selection };

/** Gives the compiles that a selection needs: one for each component, platform and crypto mode, however many channels share it. */
export function jobsOf({ selection, ...from }: SelectedJobs): readonly Job[] {
  const { channels, components, platforms } = selection;
  const modes = [...new Set(channels.map((channel) => from.definition.channels[channel]?.crypto ?? 'none'))];
  return modes.flatMap((crypto) =>
    components.flatMap((component) => platforms.map((platform) => toJob(component, platform, { ...from, crypto }))),
  );
}

/**
 * Gives a function that fetches what a component's compile reads: sources and modules once per component, however many platforms and
 * crypto modes ask, and what a crypto mode needs beside them once for all components.
 */
export function openPreparation(shop: Workshop, definition: Definition): (job: Job) => Promise<CompileInputs> {
  const known = new Map<string, Promise<CompileInputs>>();
  const buildRoot = once((packages: readonly LockedPackage[]) => openBuildRoot(definition, packages, shop));
  const carried = once((toolchain: string) => carryModule(toolchain, shop));
  return async (job) => {
    const running = known.get(job.component) ?? prepare(job, definition, shop);
    known.set(job.component, running);
    const inputs = await running;
    if (job.request.crypto === 'fips140') await carried(inputs.toolchainFolder);
    return job.compiler === undefined ? inputs : { ...inputs, buildRoot: await buildRoot(job.compiler) };
  };
}

async function carryModule(toolchain: string, shop: Workshop): Promise<void> {
  await (await shop.sources()).carriedModule(FIPS_MODULE, toolchain);
}

async function prepare(job: Job, definition: Definition, shop: Workshop): Promise<CompileInputs> {
  const sources = await shop.sources();
  const subject = job.component;
  const [toolchain, { inputs }] = await Promise.all([
    sources.toolchain(definition.toolchain, shop.machine.platform, {
      zipHash: job.request.toolchain.zipHash,
      verify: true,
    }),
    reportStep(shop.report, { subject, step: 'fetch' }, async () => {
      const source = await openSource(job, shop);
      const modules = await fetchModules(source.path, sources, ({ bytes }) =>
        shop.report({ kind: 'step-progress', subject, step: 'fetch', bytes }),
      );
      return { inputs: { sourceFolder: source.path, ...modules }, cached: false };
    }),
  ]);
  return { ...inputs, toolchainFolder: toolchain.folder };
}

/** Fetches the modules that a source depends on; gives their folder, and their hashes by `path@version`. */
export async function fetchModules(
  sourceFolder: string,
  sources: Sources,
  onProgress?: (progress: ModuleCacheProgress) => void,
): Promise<Pick<CompileInputs, 'moduleCache' | 'hashes'>> {
  const dependencies = await sources.dependencies(sourceFolder);
  const options = { verify: true, ...(onProgress === undefined ? {} : { onProgress }) };
  const moduleCache = await sources.moduleCache(dependencies, options);
  return { moduleCache, hashes: new Map(dependencies.map((one) => [`${one.path}@${one.version}`, one.zipHash ?? ''])) };
}

/** Gives the source that is compiled: as upstream published it, or with the overlay of a patched revision. */
export async function openSource(
  { component, locked, overlay }: Job,
  shop: Workshop,
): Promise<TreeResult & { readonly treeHash?: string }> {
  const sources = await shop.sources();
  const composed = await sources.compose(locked.module, locked.nested);
  if (overlay === undefined) return composed;
  const patches = overlay.patches.length === 0 ? [] : await readPatchFiles(shop.definitionFolder, component);
  const modules = [locked.module, ...locked.nested].map(({ path, version, zipHash }) => ({ path, version, zipHash }));
  return composeOverlay(composed.path, overlay, { sources, patches, modules });
}
