// SPDX-License-Identifier: Apache-2.0
import type { Cache } from '#cache';
import { type Digest, oneChunk, type Platform } from '#core';
import { type ImageContent, installedContent, readImageContent } from '#evidence';
import { canonicalJson } from '#formats';
import {
  cacheSource,
  type Descriptor,
  type ImageConfig,
  layerTypeOf,
  type Manifest,
  MAX_MANIFEST_BYTES,
  parseConfig,
  parseManifest,
  readContent,
} from '#image';
import { BaseError } from '../error.ts';
import { fits } from './platforms.ts';
import type {
  ImageBase,
  ImageBaseLayer,
  ImageBaseOptions,
  ImageBaseSettings,
  ImageDistribution,
  ReadImageRequest,
} from './types.ts';

/** Raised when the same image is read to something else; part of the key under which that is kept. */
const READING = 1;

/** The most compressed bytes of all layers of a base together. */
const MAX_BYTES = 4 * 2 ** 30;

const CONFIG_TYPES = ['application/vnd.oci.image.config.v1+json', 'application/vnd.docker.container.image.v1+json'];

/**
 * Brings one platform of an image into the cache, as it is, and reads what is in it: every layer once, streaming, its digest and
 * diffId checked, each over the ones below it. Once per manifest. Throws `BASE_IMAGE_INVALID` for what is no image, `BASE_IMAGE_FOREIGN`
 * for layers that are no tar, `BASE_IMAGE_PLATFORM`, `BASE_IMAGE_UNREADABLE` for a list of packages that can't be read, and what
 * #image, #evidence and the store throw for content that is not what it says.
 */
export async function readImageBase(
  request: ReadImageRequest,
  options: Pick<ImageBaseOptions, 'cache' | 'report'>,
): Promise<ImageBase> {
  const { cache, report } = options;
  const { manifest, layers, config } = await fetchImage(request, cache);
  const key = { name: 'read-image-base', inputs: { manifest: request.manifest.digest, reading: READING } };
  const made = await cache.step<{ readonly content: Digest }>(
    key,
    ({ content }) => [content, ...layers.map(({ digest }) => digest)],
    async () => {
      const read = await readImageContent(cacheSource(cache.blobs), request.manifest, {
        temporary: () => cache.temporary(),
        owners: true,
      });
      refuseUnread(read, request.where);
      return {
        content: await keepJson({ distribution: distributionOf(read), content: installedContent(read) }, cache),
      };
    },
  );
  const bytes = await Array.fromAsync(cache.blobs.read(made.value.content));
  const known = JSON.parse(Buffer.concat(bytes).toString('utf8')) as Pick<ImageBase, 'distribution' | 'content'>;
  if (known.content.packages.length === 0 && !made.cached) {
    report?.({
      kind: 'warning',
      message: `the base image ${request.where} lists no packages: its ${known.content.files.length} files stand in SBOMs by themselves, and nothing can be said of their vulnerabilities`,
    });
  }
  return {
    manifest: request.manifest.digest,
    layers: withHistory(layers, config, { where: request.where, manifest }),
    settings: settingsOf(config),
    ...known,
  };
}

type PlainLayer = Omit<ImageBaseLayer, 'created' | 'createdBy'>;

interface FetchedImage {
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  readonly layers: readonly PlainLayer[];
}

async function fetchImage(request: ReadImageRequest, cache: Cache): Promise<FetchedImage> {
  const { where, store, platform } = request;
  const manifest = parseManifest(await fetchDocument(request.manifest, request, cache), where);
  if (!CONFIG_TYPES.includes(manifest.config.mediaType)) {
    const what = manifest.artifactType ?? manifest.config.mediaType;
    throw new BaseError('BASE_IMAGE_INVALID', `the base is no image but ${JSON.stringify(what.slice(0, 100))}`, {
      where,
    });
  }
  const config = parseConfig(await fetchDocument(manifest.config, request, cache), where);
  refusePlatform(config, platform, where);
  const total = manifest.layers.reduce((sum, { size }) => sum + size, 0);
  if (total > MAX_BYTES)
    throw invalid(`the layers of the base image have ${total} bytes; at most ${MAX_BYTES} are taken`, where);
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== manifest.layers.length) {
    throw invalid(
      `the base image has ${manifest.layers.length} layers and names the content of ${diffIds.length}`,
      where,
    );
  }
  const layers: PlainLayer[] = [];
  for (const [index, layer] of manifest.layers.entries()) {
    const { digest, size } = layer;
    const mediaType = layerTypeOf(layer.mediaType);
    if (mediaType === undefined) throw foreign(layer, where);
    if ((await cache.blobs.find(digest)) === undefined)
      await cache.blobs.put(store.source.open(layer), { digest, size });
    layers.push({ mediaType, digest, size, diffId: diffIds[index] as Digest });
  }
  return { manifest, config, layers };
}

async function fetchDocument(descriptor: Descriptor, { store }: ReadImageRequest, cache: Cache): Promise<Buffer> {
  const { digest, size } = descriptor;
  if ((await cache.blobs.find(digest)) !== undefined)
    return readContent(cacheSource(cache.blobs), descriptor, MAX_MANIFEST_BYTES);
  const bytes = await readContent(store.source, descriptor, MAX_MANIFEST_BYTES);
  await cache.blobs.put(oneChunk(bytes), { digest, size });
  return bytes;
}

function refusePlatform(config: ImageConfig, platform: Platform, where: string): void {
  const { os, architecture, variant } = config;
  if (fits({ os, architecture, ...(variant === undefined ? {} : { variant }) }, platform)) return;
  throw new BaseError('BASE_IMAGE_PLATFORM', `the base image is for ${os}/${architecture}, not for ${platform}`, {
    where,
    hint: 'Name an image that is there for every platform of the definition, or leave the platform out of `platforms`.',
  });
}

/** What scanners would not see must not be in an image without a word. */
function refuseUnread({ hiddenLists, unreadLists }: ImageContent, where: string): void {
  const links = [...hiddenLists].map(
    ([path, target]) => `/${path} is a link to ${JSON.stringify(target.slice(0, 80))}`,
  );
  const unread = [...unreadLists].map(([path, reason]) => `/${path}: ${reason}`);
  const [first] = [...unread, ...links];
  if (first === undefined) return;
  throw new BaseError('BASE_IMAGE_UNREADABLE', `a list of packages in the base image can't be read: ${first}`, {
    where,
    hint: 'Its SBOM would leave these packages out. Take an image with a list that is read: dpkg, apk, or rpm with SQLite.',
  });
}

function distributionOf({ release }: ImageContent): ImageDistribution {
  const codename = release.get('VERSION_CODENAME');
  return {
    id: release.get('ID') ?? 'linux',
    versionId: release.get('VERSION_ID') ?? '',
    ...(codename === undefined ? {} : { codename }),
  };
}

/** History as the image tells it, where it tells of each layer (image-spec 1.1, config.md "history"). */
function withHistory(
  layers: readonly PlainLayer[],
  config: ImageConfig,
  { where, manifest }: { readonly where: string; readonly manifest: Manifest },
): readonly ImageBaseLayer[] {
  const told = (config.history ?? []).filter((one) => one.empty_layer !== true);
  const isTold = told.length === manifest.layers.length;
  return layers.map((layer, index) => {
    const one = isTold ? told[index] : undefined;
    const created = timeOf(one?.created) ?? timeOf(config.created) ?? '1970-01-01T00:00:00.000Z';
    return { ...layer, created, createdBy: one?.created_by ?? `base ${where}` };
  });
}

function timeOf(text: string | undefined): string | undefined {
  const time = new Date(text ?? '');
  return Number.isNaN(time.getTime()) || time.getTime() < 0 ? undefined : time.toISOString();
}

function settingsOf({ config }: ImageConfig): ImageBaseSettings {
  const { WorkingDir: folder = '', Env, Labels } = config ?? {};
  return {
    environment: (Env ?? []).filter((one) => /^[^=\0]+=/.test(one)),
    ...(folder === '' || folder === '/' ? {} : { workingDirectory: folder }),
    labels: Labels ?? {},
  };
}

async function keepJson(value: Pick<ImageBase, 'distribution' | 'content'>, { blobs }: Cache): Promise<Digest> {
  const text = canonicalJson(JSON.parse(JSON.stringify(value)));
  return (await blobs.put(oneChunk(Buffer.from(text)))).digest;
}

function foreign({ mediaType, digest }: Descriptor, where: string): BaseError {
  const shown = JSON.stringify(mediaType.slice(0, 100));
  return new BaseError(
    'BASE_IMAGE_FOREIGN',
    `the base image has a layer of the type ${shown} (${digest}), which is no layer to share`,
    {
      where,
      hint: 'Foreign layers lie on other servers, and encrypted ones can not be read: take an image of plain layers (tar, gzip or zstd).',
    },
  );
}

function invalid(message: string, where: string): BaseError {
  return new BaseError('BASE_IMAGE_INVALID', message, { where });
}
