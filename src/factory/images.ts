// SPDX-License-Identifier: Apache-2.0
import pLimit, { type LimitFunction } from 'p-limit';
import { compile, type CompiledBinary, type CompileStage } from '#build';
import type { StepResult } from '#cache';
import { architectureOf, type Digest, type Platform, reportStep } from '#core';
import { type ChannelDefinition, channelImage, type Definition, type Lock, type LockedOverlay } from '#definition';
import { type BuiltImage, buildImage, buildIndex, type Document, keepDocument, toAnnotations } from '#image';
import { type Attested, attestImage } from './attest.ts';
import { type Ground, openBase } from './bases.ts';
import type { ProvePatched } from './patch-proof.ts';
import { type Job, openPreparation, toJob } from './prepare.ts';
import type { Selection } from './selection.ts';
import { stepTools, type Workshop } from './workshop.ts';

/** What to build. */
export interface BuildRequest {
  readonly definition: Definition;
  readonly lock: Lock;
  readonly release: string;
  readonly revision: number;
  readonly selection: Selection;
  /** How many components compile at once, after the first, which fills the shared build cache. */
  readonly jobs?: number;
  /** What a patched revision lays over sources, by component. */
  readonly overlays?: Readonly<Record<string, LockedOverlay>>;
  /** Of the definition's bytes, and of the part of the lock that the release uses. */
  readonly digests: { readonly definition: Digest; readonly lock: Digest };
  /** What was taken without proof by the checksum database. */
  readonly exemptions: readonly { readonly module: string; readonly reason: string }[];
  /** Versions of the tools that build, by name. */
  readonly versions: Readonly<Record<string, string>>;
  /** Proves patched images, which are claimed no more than what it gives. */
  readonly provePatched?: ProvePatched;
}

/** One platform of one image, in the cache. */
export interface PlatformImage {
  readonly platform: Platform;
  readonly image: BuiltImage;
  readonly binary: CompiledBinary;
  readonly binaryPath: string;
  readonly cached: boolean;
  readonly attested: Attested;
}

/** One image of a channel over all its platforms, in the cache. */
export interface ChannelImage {
  readonly channel: string;
  readonly component: string;
  readonly version: string;
  readonly index: Document;
  /** The source's commit time. */
  readonly created: Date;
  readonly platforms: readonly PlatformImage[];
}

/** Memory that one compile of a controller may need at its peak (linking); decides how many run at once. */
const MEMORY_OF_A_COMPILE = 4 * 2 ** 30;

/** Builds every image of a selection into the cache: fetch, compile, pack, each step once per inputs. */
export async function buildImages(request: BuildRequest, whole: Workshop): Promise<readonly ChannelImage[]> {
  const failed = new AbortController();
  const shop = { ...whole, signal: AbortSignal.any([whole.signal, failed.signal]) };
  const { definition, lock, selection } = request;
  const bases = openBases(request, shop);
  const binaries = openCompiles(request, shop);
  const packing = pLimit(2);
  const images = selection.channels.flatMap((channel) =>
    selection.components.map(async (component): Promise<ChannelImage> => {
      const channelDefinition = definition.channels[channel] as ChannelDefinition;
      const platforms = selection.platforms.map(async (platform) => {
        const job = toJob(component, platform, {
          definition,
          lock,
          release: request.release,
          machine: shop.machine.platform,
          crypto: channelDefinition.crypto,
          ...(request.overlays === undefined ? {} : { overlays: request.overlays }),
        });
        const [base, binary] = await Promise.all([bases(job, channel), binaries(job)]);
        return packing(async (): Promise<PlatformImage> => {
          const image = await packImage({ job, base, binary, channel, request }, shop);
          return {
            ...image,
            attested: await attestImage({ job, image, channel, ground: base, build: request }, shop),
          };
        });
      });
      return toIndex({ channel, component, platforms: await Promise.all(platforms), request }, shop);
    }),
  );
  for (const image of images) image.catch((error: unknown) => failed.abort(error)); // the first failure stops the others
  return settled(images);
}

/** Waits for all; then gives the results or throws the first failure, so that nothing still runs when a caller cleans up. */
export async function settled<T>(promises: readonly Promise<T>[]): Promise<readonly T[]> {
  const results = await Promise.allSettled(promises);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return results.map((result) => (result as PromiseFulfilledResult<T>).value);
}

function openBases(request: BuildRequest, shop: Workshop): (job: Job, channel: string) => Promise<Ground> {
  const known = new Map<string, Promise<Ground>>();
  return ({ component, platform }, channel) => {
    const { base: name } = channelImage(request.definition, channel, component);
    const { compression } = request.definition.channels[channel] as ChannelDefinition;
    const key = [name, compression, platform].join();
    const definition = request.definition.bases[name];
    const locked = request.lock.bases[name];
    if (definition === undefined || locked === undefined)
      throw new TypeError(`base ${name} passed the checks but is not there`);
    const ground = known.get(key) ?? openBase(definition, shop).ground({ name, locked, platform, compression });
    known.set(key, ground);
    return ground;
  };
}

/** What of a build decides how jobs are compiled. */
export type CompilesRequest = Pick<BuildRequest, 'definition' | 'selection' | 'jobs'>;

/**
 * Gives a function that compiles a job once however many channels ask. Inputs are fetched side by side at once; packages
 * are compiled for one job after another with all cores, since they fill the cache that all share; meanwhile others link.
 */
export function openCompiles(
  request: CompilesRequest,
  shop: Workshop,
): (job: Job) => Promise<StepResult<CompiledBinary>> {
  const prepare = openPreparation(shop, request.definition);
  const { cores, memoryBytes } = shop.machine;
  const jobs = request.jobs ?? Math.max(1, Math.min(cores, Math.floor(memoryBytes / MEMORY_OF_A_COMPILE)));
  const turns = { packages: pLimit(1), link: pLimit(jobs) };
  const known = new Map<string, Promise<StepResult<CompiledBinary>>>();
  return (job) => {
    const key = `${job.component} ${job.platform} ${job.request.crypto}`;
    const compiled = known.get(key) ?? compileJob(job, { request, shop, prepare, turns });
    known.set(key, compiled);
    return compiled;
  };
}

interface CompileShop {
  readonly request: CompilesRequest;
  readonly shop: Workshop;
  readonly prepare: ReturnType<typeof openPreparation>;
  readonly turns: Readonly<Record<CompileStage, LimitFunction>>;
}

const STEP_OF_STAGE: Readonly<Record<CompileStage, string>> = { packages: 'compile', link: 'link' };

function compileJob(job: Job, { request, shop, prepare, turns }: CompileShop): Promise<StepResult<CompiledBinary>> {
  const { platforms } = request.selection;
  const subject = platforms.length === 1 ? job.component : `${job.component} ${architectureOf(job.platform)}`;
  return compile(job.request, () => prepare(job), {
    ...stepTools(request.definition, shop),
    stage: (name, run) =>
      turns[name](async () => {
        shop.signal.throwIfAborted();
        const names = { subject, step: STEP_OF_STAGE[name] };
        return (await reportStep(shop.report, names, async () => ({ value: await run(), cached: false }))).value;
      }),
  });
}

interface PackRequest {
  readonly job: Job;
  readonly base: Ground;
  readonly binary: StepResult<CompiledBinary>;
  readonly channel: string;
  readonly request: BuildRequest;
}

async function packImage(pack: PackRequest, shop: Workshop): Promise<Omit<PlatformImage, 'attested'>> {
  const { job, base, binary, request } = pack;
  const { component, platform, locked } = job;
  const epoch = new Date(locked.time);
  const binaryPath = `usr/local/bin/${component}`;
  const defined = request.definition.components[component];
  const channel = request.definition.channels[pack.channel] as ChannelDefinition;
  const { entrypoint, env } = channelImage(request.definition, pack.channel, component);
  const annotations = toAnnotations({
    title: component,
    ...(defined?.description === undefined ? {} : { description: defined.description }),
    version: locked.module.version,
    ...(locked.origin === undefined ? {} : { source: locked.origin.url, revision: locked.origin.commit }),
    licenses: defined?.licenses ?? 'NOASSERTION',
    vendor: request.definition.vendor,
    created: epoch,
    ...baseFacts(base.image),
  });
  const image = await buildImage(
    {
      platform: { os: 'linux', architecture: architectureOf(platform) },
      base: base.layers,
      binary: { digest: binary.value.binary, size: binary.value.size },
      binaryPath,
      epoch,
      run: {
        entrypoint,
        user: channel.user,
        environment: Object.entries({ ...base.environment, ...env }).map(([key, value]) => `${key}=${value}`),
        ...(base.workingDirectory === undefined ? {} : { workingDirectory: base.workingDirectory }),
        labels: { ...base.labels, ...annotations },
      },
      annotations,
      compression: channel.compression,
    },
    shop.cache,
  );
  return { platform, image, binary: binary.value, binaryPath, cached: binary.cached && image.cached };
}

/** A layout's folder means nothing elsewhere, so it is not named. */
function baseFacts(image: Ground['image']): { baseName?: string; baseDigest?: Digest } {
  if (image === undefined) return {};
  const { reference, digest } = image;
  return { ...(reference.startsWith('oci:') ? {} : { baseName: reference }), baseDigest: digest };
}

interface IndexRequest {
  readonly channel: string;
  readonly component: string;
  readonly platforms: readonly PlatformImage[];
  readonly request: BuildRequest;
}

async function toIndex(wanted: IndexRequest, shop: Workshop): Promise<ChannelImage> {
  const { channel, component, platforms, request } = wanted;
  const locked = request.lock.releases[request.release]?.components[component];
  const version = locked?.module.version ?? '';
  const index = buildIndex(
    [
      ...platforms.map(({ image }) => image.manifest.descriptor),
      ...platforms.map(({ attested }) => attested.parcel.manifest.descriptor),
    ],
    toAnnotations({
      title: component,
      version,
      ...(locked?.origin === undefined ? {} : { source: locked.origin.url, revision: locked.origin.commit }),
      vendor: request.definition.vendor,
      created: new Date(locked?.time ?? 0),
    }),
  );
  await keepDocument(index, shop.cache.blobs);
  return { channel, component, version, index, created: new Date(locked?.time ?? 0), platforms };
}
