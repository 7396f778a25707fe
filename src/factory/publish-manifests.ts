// SPDX-License-Identifier: Apache-2.0
import { Readable } from 'node:stream';
import { reportStep } from '#core';
import type { Parcel } from '#evidence';
import { canonicalJson, decompress, readTar } from '#formats';
import { cacheSource, type ContentSource, type Layer, parseManifest, readContent, storeLayer } from '#image';
import {
  type Artifact,
  type ArtifactFacts,
  fluxArtifact,
  imageTags,
  installPath,
  lineOf,
  type ManifestsRecord,
  operatorFiles,
  operatorVariant,
  type ReleasePlace,
} from '#release';
import { FactoryError } from './error.ts';
import type { InstallManifest, InstallRequest, Manifests } from './manifests.ts';
import { moveTags } from './move-tags.ts';
import { type Following, forward } from './forward.ts';
import { type SigningOptions, signManifest } from './sign.ts';
import { readText, type Workshop } from './workshop.ts';

/** Which manifests to publish, and where. */
export interface PublishManifestsRequest {
  readonly manifests: Manifests;
  /** Each channel with all its images, as they are published. */
  readonly channels: readonly InstallRequest[];
  /** `2.9.2`. */
  readonly release: string;
  readonly revision: number;
  readonly place: ReleasePlace;
  /** Registries keep what they have; a layout is a workbench. */
  readonly kind: 'registry' | 'layout';
  /** With what name people pull from it: `registry.example.com/flux`. */
  readonly registry: string;
  /** Where upstream's manifests come from, and when they were made. */
  readonly origin: Omit<ArtifactFacts, 'description'>;
  /** What the description of an artifact names. */
  readonly vendor: string;
  /** Gives an OpenVEX document about a channel's images, where anything is known. */
  readonly vex?: (channel: string) => string | undefined;
  /** Absent where evidence is not to be signed. */
  readonly signing?: SigningOptions;
}

/** What was published, and the install manifests as files, by their path in the output folder. */
export interface PublishedManifests {
  readonly records: readonly ManifestsRecord[];
  readonly files: readonly { readonly path: string; readonly text: string }[];
}

/** The kind of the artifact that holds a channel's install manifest, and the repository of it beside the images. */
export const FLUX_MANIFESTS = 'flux-manifests';
/** The repositories of a channel's artifacts, beside its images. */
const REPOSITORIES = { [FLUX_MANIFESTS]: FLUX_MANIFESTS, operator: 'flux-operator-manifests' } as const;
const MAX_LAYER_BYTES = 32 << 20;
const MAX_CONTENT_BYTES = 256 << 20;

type ArtifactKind = keyof typeof REPOSITORIES;

interface Target {
  readonly channel: string;
  readonly kind: ArtifactKind;
  readonly path: string;
  readonly files: Readonly<Record<string, string>>;
  readonly artifact: Artifact;
  readonly created: Date;
}

/**
 * Makes and publishes the manifests of a revision's channels: an install manifest as a file and as the artifact `flux-manifests`, and the
 * distribution artifact of the Flux Operator. Content first, then signatures, the tags that never move (`v2.9.2-r0`), then all at once those
 * that do: `v2.9.2` and the operator's `v2.9`, unless a later revision is there.
 * An artifact that is there with the same content stays. Throws `REVISION_EXISTS` where it has other content, before anything is put.
 */
export async function publishManifests(request: PublishManifestsRequest, shop: Workshop): Promise<PublishedManifests> {
  const installs: InstallManifest[] = [];
  const targets: Target[] = [];
  for (const channel of request.channels) {
    const install = await request.manifests.install(channel);
    installs.push(install);
    targets.push(...(await toTargets(channel, install, { request, shop })));
  }
  const settled = await Promise.all(targets.map((target) => settle(target, request)));
  await reportStep(shop.report, { subject: 'manifests', step: 'publish' }, () => putAll(settled, { ...request, shop }));
  const tags = tagsOf(request);
  return {
    files: installs.map(({ channel, text }) => ({ path: installPath(request.release, channel), text })),
    records: [
      ...installs.map((install) => toInstallRecord(install, request.release)),
      ...settled.map(({ channel, kind, path, root }): ManifestsRecord => {
        const { digest, size, mediaType } = root.descriptor;
        return { channel, kind, name: `${request.registry}/${path}`, tags: [...tags], digest, size, mediaType };
      }),
    ],
  };
}

function toInstallRecord({ channel, digest, size }: InstallManifest, release: string): ManifestsRecord {
  const name = installPath(release, channel);
  return { channel, kind: 'install', name, tags: [], digest, size, mediaType: 'application/yaml' };
}

function tagsOf({
  release,
  revision,
}: Pick<PublishManifestsRequest, 'release' | 'revision'>): readonly [string, string] {
  const { immutable, moving } = imageTags(`v${release}`, revision);
  return [immutable, moving];
}

async function toTargets(
  channel: InstallRequest,
  install: InstallManifest,
  { request, shop }: { readonly request: PublishManifestsRequest; readonly shop: Workshop },
): Promise<readonly Target[]> {
  const { manifests, origin, release, vendor, vex } = request;
  const name = channel.channel;
  const bundle = await manifests.bundle(name);
  const texts = Object.entries(bundle).map(async ([file, digest]) => [file, await readText(digest, shop)] as const);
  const document = vex?.(name);
  const contents: Readonly<
    Record<ArtifactKind, { readonly what: string; readonly files: Readonly<Record<string, string>> }>
  > = {
    [FLUX_MANIFESTS]: { what: 'Flux', files: { 'gotk-components.yaml': install.text } },
    operator: {
      what: 'Flux Operator distribution',
      files: operatorFiles({
        release,
        variant: operatorVariant(name, manifests.limits(name)),
        pins: manifests.pins(channel),
        manifests: Object.fromEntries(await Promise.all(texts)),
        ...(document === undefined ? {} : { vex: document }),
      }),
    },
  };
  return Promise.all(
    (Object.keys(contents) as ArtifactKind[]).map(async (kind): Promise<Target> => {
      const { what, files } = contents[kind];
      const layer = await packFiles(files, origin.created, shop);
      const artifact = fluxArtifact(layer, { ...origin, description: `${what} ${release}, ${name}, by ${vendor}` });
      return { channel: name, kind, path: `${name}/${REPOSITORIES[kind]}`, files, artifact, created: origin.created };
    }),
  );
}

async function packFiles(files: Readonly<Record<string, string>>, epoch: Date, { cache }: Workshop): Promise<Layer> {
  const entries = Object.entries(files).map(([path, text]) => {
    const bytes = Buffer.from(text, 'utf8');
    const open = async function* () {
      yield bytes;
    };
    return { kind: 'file', path, mode: 0o644, uid: 0, gid: 0, mtime: epoch, size: bytes.length, open } as const;
  });
  return (await storeLayer({ inputs: { kind: 'files', files }, entries: () => entries, epoch }, cache)).layer;
}

type Settled = Target & { readonly root: Artifact['manifest']; readonly published: 'no' | 'ours' | 'other' };

/**
 * Looks whether the revision's artifact is there already. Other compressors give another digest to the same content, and what is known
 * of vulnerabilities changes with time: an artifact that holds the same but for that stays, and is not signed anew.
 */
async function settle(target: Target, request: PublishManifestsRequest): Promise<Settled> {
  const { place, kind } = request;
  const { path, files } = target;
  const { manifest } = target.artifact;
  const [immutable] = tagsOf(request);
  const found = kind === 'layout' ? undefined : await place.resolve(path, immutable);
  if (found === undefined) return { ...target, root: manifest, published: 'no' };
  if (found.digest === manifest.descriptor.digest) return { ...target, root: manifest, published: 'ours' };
  const where = place.name(path, immutable);
  const root = await place.read(path, found.digest);
  const others = await filesIn(root, place.store(path).source, where);
  if (lastingPart(others) === lastingPart(files)) return { ...target, root, published: 'other' };
  throw new FactoryError(
    'REVISION_EXISTS',
    `the revision's manifests are published already with other content (${found.digest})`,
    { where, hint: 'Revisions never change. Publish the new content as the next one (--revision 1).' },
  );
}

function lastingPart(files: Readonly<Record<string, string>>): string {
  return canonicalJson(Object.fromEntries(Object.entries(files).filter(([path]) => !path.startsWith('flux-vex/'))));
}

async function filesIn(
  root: Artifact['manifest'],
  source: ContentSource,
  where: string,
): Promise<Readonly<Record<string, string>>> {
  const [layer] = parseManifest(root.bytes, where).layers;
  if (layer === undefined) return {};
  const packed = Readable.from([await readContent(source, layer, MAX_LAYER_BYTES)]);
  const limits = { maxBytes: MAX_CONTENT_BYTES, where };
  const files: Record<string, string> = {};
  for await (const entry of readTar(decompress(packed, { ...limits, compression: 'gzip' }), limits)) {
    if (entry.kind === 'directory') continue;
    if (entry.kind !== 'file') return {};
    files[entry.path] = Buffer.concat(await Array.fromAsync(entry.body)).toString('utf8');
  }
  return files;
}

async function putAll(
  targets: readonly Settled[],
  request: PublishManifestsRequest & { readonly shop: Workshop },
): Promise<{ readonly cached: boolean }> {
  const { place, registry, signing, shop } = request;
  const fresh = targets.filter(({ published }) => published === 'no');
  for (const { artifact, path } of fresh) await place.put(path, await toParcel(artifact, shop));
  if (signing !== undefined) {
    for (const { path, root, created } of targets.filter(({ published }) => published !== 'other'))
      await signManifest(
        { store: place.store(path), manifest: root.descriptor, name: `${registry}/${path}`, created },
        signing,
      );
  }
  const [immutable] = tagsOf(request);
  for (const { path, root } of fresh) await place.put(path, { manifest: root, blobs: [] }, immutable);
  const moves = targets.flatMap((target) => toMoves(target, request));
  await moveTags(await forward(moves, place), { place, report: shop.report });
  return { cached: fresh.length === 0 };
}

/**
 * The tag of the release follows; of the operator's artifact that of the line too, since a FluxInstance names the artifact once and finds
 * in it what its `version` asks for.
 */
function toMoves({ path, kind, root }: Settled, request: PublishManifestsRequest): readonly Following[] {
  const [, moving] = tagsOf(request);
  const revision = { release: moving, number: request.revision };
  const tags = kind === 'operator' ? [moving, lineOf(moving)] : [moving];
  return tags.map((tag) => ({ path, tag, to: root, revision }));
}

async function toParcel({ manifest, config, layer }: Artifact, shop: Workshop): Promise<Parcel> {
  const bytes = await readContent(cacheSource(shop.cache.blobs), layer, MAX_LAYER_BYTES);
  return { manifest, blobs: [config, { descriptor: layer, bytes }] };
}
