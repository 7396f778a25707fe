// SPDX-License-Identifier: Apache-2.0
import { removeTree, type StepKey } from '#cache';
import { type Digest, reportStep } from '#core';
import { channelImage, type Definition, hasPrograms, type Lock } from '#definition';
import type { Json } from '#formats';
import {
  channelLimits,
  type ChannelLimits,
  formatRevision,
  imageName,
  INSTALL_DEFAULTS,
  installFaults,
  installHeader,
  installOverlay,
  type InstallOptions,
  limitingFlags,
  type Overlay,
  type OverlayRequest,
  patchFlags,
  type Pin,
} from '#release';
import { FactoryError } from './error.ts';
import { invalid, type Kustomize, openKustomize, writeTree } from './kustomize.ts';
import { type Bundle, buildBundle, textStream } from './manifests-bundle.ts';
import { toJob } from './prepare.ts';
import { revise } from './revise.ts';
import { readText, type Workshop } from './workshop.ts';

/** An image that an install manifest runs. */
export interface InstalledImage {
  readonly component: string;
  /** `v1.9.3`. */
  readonly version: string;
  /** Of its index. */
  readonly digest: Digest;
}

/** Which revision's manifests are made, from what. */
export interface ManifestsRequest {
  readonly definition: Definition;
  /** Holds the tool kustomize. */
  readonly lock: Lock;
  readonly release: string;
  readonly revision: number;
  /** Where the manifests are to pull from: `<registry>/<channel>/<component>`. */
  readonly registry: string;
}

/** One channel to install, with all its images as they are published, in the order of the definition. */
export interface InstallRequest {
  readonly channel: string;
  readonly images: readonly InstalledImage[];
  /** Other than {@link INSTALL_DEFAULTS}; all components by default. */
  readonly options?: Partial<InstallOptions>;
}

/** An install manifest, in the cache. */
export interface InstallManifest {
  readonly channel: string;
  readonly text: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/** Makes manifests of one revision. */
export interface Manifests {
  /**
   * Gives a channel's install manifest: CRDs, RBAC, Deployments, Services and network policies as one text, equal for equal inputs; once
   * per inputs. Throws `MANIFESTS_INVALID` where kustomize refuses, or where what it made is not what was asked for.
   */
  install(request: InstallRequest): Promise<InstallManifest>;
  /** Gives flux2's built manifests with the limits of a channel set, by file name. */
  bundle(channel: string): Promise<Readonly<Record<string, Digest>>>;
  /** What the images of a channel can't do. */
  limits(channel: string): ChannelLimits;
  /** The image of each component by tag and digest, in the order given. */
  pins(request: InstallRequest): readonly Pin[];
}

/** Opens the making of a revision's manifests. What costs is done when first needed. Throws `LOCK_INCOMPLETE`. */
export function openManifests(request: ManifestsRequest, shop: Workshop): Manifests {
  const { release, registry } = request;
  const revision = formatRevision({ release, number: request.revision });
  const revised = revise(request.definition, request.lock, revision);
  const { definition, lock } = revised;
  const flux = lock.releases[release]?.flux;
  if (flux === undefined)
    throw new FactoryError('LOCK_INCOMPLETE', `the lock lacks Flux ${release}`, {
      hint: `Run \`oakum lock ${release}\`.`,
    });
  const kustomize = openKustomize(request.definition, request.lock, shop); // a patched toolchain builds no tools
  const { platform } = shop.machine;
  const jobs = Object.keys(definition.components).map((component) =>
    toJob(component, platform, { ...revised, release, machine: platform }),
  );
  let built: Promise<Bundle> | undefined;
  const bundle = () => (built ??= buildBundle({ definition, flux, jobs, kustomize }, shop));
  const limits = (channel: string) => limitsOf(channel, revised);
  return {
    limits,
    pins: ({ channel, images }) => images.map((image) => toPin(registry, channel, image)),
    async bundle(channel) {
      const whole = await bundle();
      return { ...whole.files, ...(await limitBundle(whole, limits(channel), { kustomize, shop })) };
    },
    async install(wanted) {
      const { channel } = wanted;
      const { files, args } = await bundle();
      const rbac = await readText(files['rbac.yaml'] as Digest, shop);
      const overlay = { ...toOverlay(wanted, request), limits: limits(channel), args, rbac };
      const header = installHeader({ release, channel, revision, components: overlay.options.components });
      const subject = `install-${channel}.yaml`;
      const made = await reportStep(shop.report, { subject, step: 'build' }, () =>
        buildOverlay(
          { subject, header, bundle: files, overlay: installOverlay(overlay) },
          { kustomize, shop, check: (text) => installFaults(text, overlay) },
        ),
      );
      return { channel, text: await readText(made.value.digest, shop), ...made.value };
    },
  };
}

function toOverlay(
  { channel, images, options }: InstallRequest,
  { release, registry }: ManifestsRequest,
): Pick<OverlayRequest, 'release' | 'options' | 'pins'> {
  const pins = images.map((image) => [image.component, toPin(registry, channel, image)] as const);
  return {
    release,
    options: { ...INSTALL_DEFAULTS, components: images.map(({ component }) => component), ...options },
    pins: Object.fromEntries(pins),
  };
}

function toPin(registry: string, channel: string, { component, version, digest }: InstalledImage): Pin {
  return { name: imageName(registry, channel, component), tag: version, digest };
}

function limitsOf(channel: string, { definition, lock }: Pick<ManifestsRequest, 'definition' | 'lock'>): ChannelLimits {
  const name = definition.channels[channel] && channelImage(definition, channel, 'kustomize-controller').base;
  const [defined, locked] = name === undefined ? [] : [definition.bases[name], lock.bases[name]];
  if (defined !== undefined && locked !== undefined)
    return channelLimits(locked, { hasPrograms: hasPrograms(defined) });
  throw new FactoryError('UNKNOWN_CHANNEL', `there is no channel "${channel}" in the definition and its lock`, {
    hint: `Channels: ${Object.keys(definition.channels).join(', ')}. Or name the definition that the release was made from (--definition).`,
  });
}

interface OverlayBuild {
  readonly subject: string;
  readonly header: string;
  readonly bundle: Readonly<Record<string, Digest>>;
  readonly overlay: Overlay;
}

interface Tools {
  readonly kustomize: Kustomize;
  readonly shop: Workshop;
  /** Gives what is wrong with the text that was made. */
  readonly check?: (text: string) => readonly string[];
}

type MadeText = { readonly digest: Digest; readonly size: number };

/** Builds an overlay over the bundle's files, once per inputs: the texts of one and the digests of the other. */
async function buildOverlay({ subject, header, bundle, overlay }: OverlayBuild, { kustomize, shop, check }: Tools) {
  if ('faults' in overlay) throw invalid(overlay.faults.join('; '), subject);
  const { files } = overlay;
  const inputs = { record: 1, header, files, bundle, kustomize: kustomize.identity } as Json;
  const key: StepKey = { name: 'build-install-manifest', inputs };
  return shop.cache.step<MadeText>(
    key,
    ({ digest }) => [digest],
    async () => {
      const tree = shop.cache.temporary();
      try {
        for (const [name, digest] of Object.entries(bundle))
          await writeTree(tree, { [name]: await readText(digest, shop) });
        await writeTree(tree, files);
        const text = header + (await kustomize.build(tree, '.', subject));
        const faults = check?.(text) ?? [];
        if (faults.length > 0) throw invalid(faults.slice(0, 5).join('; '), subject);
        const { digest, size } = await shop.cache.blobs.put(textStream(text));
        return { digest, size };
      } finally {
        await removeTree(tree);
      }
    },
  );
}

/** Gives the files of a bundle that a channel's limits change. */
async function limitBundle(
  { files, args }: Bundle,
  limits: ChannelLimits,
  tools: Tools,
): Promise<Readonly<Record<string, Digest>>> {
  const changed = Object.entries(args).flatMap(([component, own]) => {
    const patch = patchFlags(own, {}, limitingFlags(component, limits));
    return 'operations' in patch && patch.operations.length > 0 ? [{ file: `${component}.yaml`, patch }] : [];
  });
  const built = changed.map(async ({ file, patch }): Promise<[string, Digest]> => {
    const kustomization = {
      resources: [file],
      patches: [{ target: { kind: 'Deployment' }, patch: JSON.stringify(patch.operations) }],
    };
    const overlay = { files: { 'kustomization.yaml': `${JSON.stringify(kustomization)}\n` } };
    const bundle = { [file]: files[file] as Digest };
    const { value } = await buildOverlay({ subject: file, header: '', bundle, overlay }, tools);
    return [file, value.digest];
  });
  return Object.fromEntries(await Promise.all(built));
}
