// SPDX-License-Identifier: Apache-2.0
import { type Digest, Measure, messageOf, OakumError } from '#core';
import { type ApkPackage, decompress, type GoBuildInfo, readTar, type RpmPackage } from '#formats';
import { checkedContent, type ContentSource, type Descriptor, MEDIA_TYPES, readImageDocuments } from '#image';
import { EvidenceError } from '../error.ts';
import {
  type ContentFile,
  type LayerContent,
  lay,
  newLayer,
  readLayerEntry,
  type ReadEntryOptions,
} from './layer-content.ts';
import { isReadable } from './rpm-database.ts';
import { apkPackages, dpkgPackages, type DpkgPackage, releaseFields } from './package-lists.ts';

/** What is really in the image of one platform, read from its bytes. Paths have no leading slash. */
export interface ImageContent {
  readonly manifest: Digest;
  readonly architecture: string;
  readonly os: string;
  readonly files: ReadonlyMap<string, ContentFile>;
  /** Debian packages, by the stanzas in var/lib/dpkg. */
  readonly packages: readonly DpkgPackage[];
  /** Alpine packages, by apk's list. */
  readonly apks: readonly ApkPackage[];
  /** Packages of rpm's databases. */
  readonly rpms: readonly RpmPackage[];
  /** Lists of packages that are there and were not read, each with the reason. */
  readonly unreadLists: ReadonlyMap<string, string>;
  /** Symbolic links, with their targets, where a list of packages would lie: what they lead to was not read. */
  readonly hiddenLists: ReadonlyMap<string, string>;
  /** The fields of os-release. */
  readonly release: ReadonlyMap<string, string>;
  /** Go programs, by path, with what the linker wrote into them. */
  readonly programs: ReadonlyMap<string, GoBuildInfo>;
  /** The texts from which packages and distribution were read, by path. */
  readonly texts: ReadonlyMap<string, string>;
  /** Compressed bytes of all layers. */
  readonly size: number;
}

/** How an image is read. */
export interface ReadContentOptions extends ReadEntryOptions {
  /** The most bytes of files in one layer; 8 GiB by default. */
  readonly maxBytes?: number;
}

/** Kinds of packages of distributions, as package URLs name them. */
export type PackageKind = 'deb' | 'apk' | 'rpm';

/** Gives all packages of distributions, whatever their kind, with a version as its kind writes it. */
export function packagesOf(content: Pick<ImageContent, 'packages' | 'apks' | 'rpms'>): readonly {
  readonly kind: PackageKind;
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
}[] {
  return [
    ...content.packages.map((one) => ({ ...one, kind: 'deb' as const })),
    ...content.apks.map((one) => ({ ...one, kind: 'apk' as const })),
    ...content.rpms.map((one) => ({ ...one, kind: 'rpm' as const })),
  ];
}

/**
 * Reads an image's layers once, streaming, each over the ones below it with whiteouts (OCI image-spec 1.1, layer.md), and
 * writes nothing but one program at a time. The image may be hostile: digests, sizes and diffIds are checked. Throws
 * `SBOM_CONTENT_INVALID`, and what #image and #formats throw for wrong content.
 */
export async function readImageContent(
  source: ContentSource,
  manifest: Descriptor,
  options: ReadContentOptions,
): Promise<ImageContent> {
  const { manifest: read, config } = await readImageDocuments(source, manifest);
  const { layers } = read;
  let image = newLayer();
  const diffIds = config.rootfs.diff_ids;
  for (const [index, layer] of layers.entries()) {
    const { diffId, content } = await readLayer(layer, source, options);
    if (diffId !== diffIds[index] || diffIds.length !== layers.length) {
      throw invalid(`a layer has the diffId ${diffId}, its config says ${diffIds[index] ?? 'nothing'}`, layer.digest);
    }
    image = lay(content, image);
  }
  return {
    manifest: manifest.digest,
    architecture: config.architecture,
    os: config.os,
    files: new Map([...image.files].sort(([a], [b]) => (a < b ? -1 : 1))),
    packages: dpkgPackages(image.texts),
    apks: apkPackages(image.texts),
    rpms: [...image.rpms.values()].flat(),
    unreadLists: unreadLists(image),
    hiddenLists: image.links,
    release: releaseFields(image.texts),
    programs: image.programs,
    texts: image.texts,
    size: layers.reduce((sum, layer) => sum + layer.size, 0),
  };
}

async function readLayer(
  layer: Descriptor,
  source: ContentSource,
  options: ReadContentOptions,
): Promise<{ readonly diffId: Digest; readonly content: LayerContent }> {
  const where = layer.digest;
  const maxBytes = options.maxBytes ?? 8 * 2 ** 30;
  const bytes = checkedContent(layer, source.open(layer), where);
  const tar = decompress(bytes, { compression: packingOf(layer), maxBytes: maxBytes + (64 << 20), where });
  const sum = new Measure();
  const measured = (async function* () {
    for await (const chunk of tar) {
      sum.update(chunk);
      yield chunk;
    }
  })();
  const content = newLayer();
  try {
    for await (const entry of readTar(measured, { where, maxBytes })) {
      await readLayerEntry(entry, content, options);
    }
  } catch (error) {
    if (error instanceof OakumError) throw error;
    throw new EvidenceError('SBOM_CONTENT_INVALID', `a layer can't be read: ${messageOf(error)}`, {
      where,
      cause: error,
    });
  }
  return { diffId: sum.digest(), content };
}

/** Berkeley DB and ndb are not read, nor is what a write-ahead log of SQLite holds beyond its database. */
function unreadLists({ rpms, files }: LayerContent): ReadonlyMap<string, string> {
  const reasons = [...rpms.keys()].flatMap((path): (readonly [string, string])[] => {
    if (!isReadable(path)) return [[path, 'it is a database of rpm of an older kind than SQLite']];
    const log = `${path}-wal`;
    return (files.get(log)?.size ?? 0) === 0
      ? []
      : [[log, 'it is a log of changes that its database does not hold yet']];
  });
  return new Map(reasons);
}

function packingOf({ mediaType, digest }: Descriptor): 'none' | 'gzip' | 'zstd' {
  if (mediaType === MEDIA_TYPES.layer) return 'none';
  if (mediaType === MEDIA_TYPES.layerZstd) return 'zstd';
  if (mediaType === MEDIA_TYPES.layerGzip || mediaType.endsWith('.rootfs.diff.tar.gzip')) return 'gzip';
  throw invalid(`${mediaType} is no layer's media type`, digest);
}

function invalid(message: string, where: string): EvidenceError {
  return new EvidenceError('SBOM_CONTENT_INVALID', message, { where });
}
