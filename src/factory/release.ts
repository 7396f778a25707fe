// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { certifiedBy } from '#build';
import { CacheError } from '#cache';
import { type Digest, digestOf, type Platform, replaceFile } from '#core';
import {
  type BaseDefinition,
  basesBelow,
  type Definition,
  digestOfLock,
  lockOfRelease,
  type Lock,
  type LockedBase,
  type ReadDefinition,
} from '#definition';
import { formatPins, formatReleaseDocument, formatRevision, imageName, pinsPath, type ReleaseDocument } from '#release';
import { openBase } from './bases.ts';
import { warningsOf } from './examine-image.ts';
import { type BuildRequest, buildImages, type ChannelImage, settled } from './images.ts';
import { openPatchProof, type PatchProofOptions } from './patch-proof.ts';
import { needsCompiler } from './build-root.ts';
import { jobsOf, openPreparation } from './prepare.ts';
import { type Destination, publish } from './publish.ts';
import { describeRelease, existingPlace, registryOf, type ReleaseKnowledge } from './describe-release.ts';
import type { PublishedManifests } from './publish-manifests.ts';
import { openReleaseManifests } from './release-manifests.ts';
import { revise } from './revise.ts';
import type { SigningOptions } from './sign.ts';
import { requireFreeTags } from './taken-tags.ts';
import type { Workshop } from './workshop.ts';

/** What to release and where to. Files beside the images (pins, install manifests, release document) go into `outFolder`. */
export interface ReleaseRequest extends Omit<BuildRequest, 'definition' | 'digests' | 'exemptions' | 'versions'> {
  readonly read: ReadDefinition;
  readonly destination: Destination;
  readonly outFolder: string;
  /** Absent where evidence is not to be signed. */
  readonly signing?: SigningOptions;
  /** What is known on the day of publication. */
  readonly knowledge: ReleaseKnowledge;
  /** How patched images are proved; absent where nothing is to be claimed of them beside how they were made. */
  readonly proof?: PatchProofOptions;
}

/** One row of what a release made. */
export interface ReleasedImage {
  readonly name: string;
  readonly tag: string;
  readonly digest: Digest;
  /** Compressed size of all layers over all platforms, in bytes; a layer that platforms share counts once. */
  readonly size: number;
  readonly compileMilliseconds: number;
  readonly cached: boolean;
}

/** What a release made, in the order of the definition. */
export interface ReleaseOutcome {
  readonly revision: string;
  readonly images: readonly ReleasedImage[];
  readonly files: readonly string[];
  /** Of the release document, which is also the file `release.json`. */
  readonly document: Digest;
}

const MAX_REBUILDS = 3;

/**
 * Builds a revision and puts it where it can be used. When a cached file turns out damaged it is made anew, without asking.
 * Throws what the rooms throw; then nothing is named in the destination and no file is half-written.
 */
export async function releaseRevision(request: ReleaseRequest, shop: Workshop): Promise<ReleaseOutcome> {
  const build = toBuild(request, shop);
  tellOfModules(request, shop);
  const { definition } = request.read;
  const makeManifests = openReleaseManifests({ ...request, definition, registry: registryOf(request) }, shop);
  const there = await existingPlace(request.destination);
  if (there !== undefined) await requireFreeTags(build, there);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const built = await buildImages(build, shop);
      const { cache, report } = shop;
      const { revision, signing } = request;
      const options = { cache, report, revision, registry: registryOf(request) };
      const published = await publish(
        built,
        request.destination,
        signing === undefined ? options : { ...options, signing },
      );
      const made = await makeManifests(published.images, build);
      const document = await describeRelease({ request, build, built, published, manifests: made.records }, shop);
      return await writeFiles(request, { document, manifests: made }, published.images);
    } catch (error) {
      const damaged = error instanceof CacheError && (error.code === 'CACHE_CORRUPT' || error.code === 'CACHE_MISSING');
      if (!damaged || attempt >= MAX_REBUILDS) throw error;
      shop.report({ kind: 'warning', message: `${error.message}; making it anew` });
    }
  }
}

/** Says what must be known of the validated modules that a release is built with, and of their certificates on this day. */
function tellOfModules({ read, selection }: ReleaseRequest, shop: Workshop): void {
  const modes = new Set(selection.channels.map((channel) => read.definition.channels[channel]?.crypto ?? 'none'));
  const programs = [...modes].flatMap((mode) => (mode === 'none' ? [] : [{ certified: certifiedBy(mode) }]));
  for (const message of warningsOf(programs, shop.clock.now())) shop.report({ kind: 'warning', message });
}

function toBuild(request: ReleaseRequest, shop: Workshop): BuildRequest {
  const { read, release, selection } = request;
  const revision = formatRevision({ release, number: request.revision });
  const asUsed = { ...request.lock, compressor: shop.compressor }; // evidence names what packs here, whatever the file says
  const { definition, lock, overlays } = revise(read.definition, asUsed, revision);
  const bases = basesBelow(definition, selection);
  const compiler = needsCompiler(definition, selection.channels);
  const used = lockOfRelease(lock, { release, revision, toolchain: definition.toolchain, bases, compiler });
  return {
    ...request,
    definition,
    lock,
    ...(overlays === undefined ? {} : { overlays }),
    digests: { definition: read.digest, lock: digestOfLock(used) },
    exemptions: usedExemptions(definition, used, release),
    versions: shop.versions,
    ...(request.proof === undefined || overlays === undefined
      ? {}
      : {
          provePatched: openPatchProof({ ...request.proof, definition, tools: read.definition, lock, release }, shop),
        }),
  };
}

/** Fetches all that a release reads: sources, modules, toolchain, base packages. Compiles nothing. */
export async function fetchAll(
  request: Pick<BuildRequest, 'definition' | 'lock' | 'release' | 'selection'>,
  shop: Workshop,
): Promise<void> {
  const { definition, lock, release, selection } = request;
  const prepare = openPreparation(shop, definition);
  const [platform] = selection.platforms;
  const selected = { ...selection, platforms: [platform as Platform] };
  const jobs = jobsOf({ definition, lock, release, selection: selected, machine: shop.machine.platform });
  const bases = basesBelow(definition, selection);
  const packages = bases.map(async (name) => {
    const base = openBase(definition.bases[name] as BaseDefinition, shop);
    await base.fetch(lock.bases[name] as LockedBase, selection.platforms);
  });
  await settled<unknown>([...jobs.map(prepare), ...packages]);
}

async function writeFiles(
  request: ReleaseRequest,
  released: { readonly document: ReleaseDocument; readonly manifests: PublishedManifests },
  images: readonly ChannelImage[],
): Promise<ReleaseOutcome> {
  const { release, outFolder, selection } = request;
  const registry = registryOf(request);
  const nameOf = (image: ChannelImage) => imageName(registry, image.channel, image.component);
  const pins = selection.channels.map((channel) => {
    const rows = images.filter((image) => image.channel === channel);
    const text = formatPins(
      rows.map((image) => ({ name: nameOf(image), tag: image.version, digest: image.index.descriptor.digest })),
    );
    return { file: join(outFolder, pinsPath(release, channel)), text };
  });
  const document = {
    file: join(outFolder, 'release.json'),
    text: formatReleaseDocument(released.document),
  };
  const manifests = released.manifests.files.map(({ path, text }) => ({ file: join(outFolder, path), text }));
  const files = [...pins, ...manifests, document];
  for (const { file, text } of files) await replaceFile(file, text);
  return {
    revision: formatRevision({ release, number: request.revision }),
    images: images.map((image) => ({
      name: nameOf(image),
      tag: image.version,
      digest: image.index.descriptor.digest,
      size: sizeOf(image),
      compileMilliseconds: image.platforms.reduce((sum, one) => sum + one.binary.milliseconds, 0),
      cached: image.platforms.every((one) => one.cached),
    })),
    files: files.map(({ file }) => file),
    document: digestOf(document.text),
  };
}

function sizeOf(image: ChannelImage): number {
  const layers = new Map(image.platforms.flatMap((one) => one.image.layers.map((layer) => [layer.digest, layer.size])));
  return [...layers.values()].reduce((sum, size) => sum + size, 0);
}

function usedExemptions(definition: Definition, lock: Lock, release: string): BuildRequest['exemptions'] {
  const { flux, components } = lock.releases[release] ?? { flux: undefined, components: {} };
  const modules = [
    ...(flux === undefined ? [] : [flux]),
    ...Object.values(lock.toolchains[definition.toolchain] ?? {}),
    ...Object.values(components).flatMap((component) => [component.module, ...component.nested]),
  ];
  const exempted = modules.filter((module) => module.proof.kind === 'exempted');
  return definition.sources.exemptions.filter(({ module }) =>
    exempted.some(({ path, version }) => module === path || module === `${path}@${version}`),
  );
}
