// SPDX-License-Identifier: Apache-2.0
import { diffContents, findPredicate, PREDICATES, type EvidenceStore } from '#evidence';
import type { Digest, Platform } from '#core';
import { type BaseDefinition, type Definition, digestOfLock } from '#definition';
import { canonicalJson, type Json } from '#formats';
import {
  cacheSource,
  type Document,
  isIndexType,
  MAX_MANIFEST_BYTES,
  parseIndex,
  parseManifest,
  readContent,
} from '#image';
import { parseRevision } from '#release';
import { type BuildInputs, readBuildInputs } from './build-inputs.ts';
import { FactoryError } from './error.ts';
import { buildImages, type PlatformImage } from './images.ts';
import { revise } from './revise.ts';
import type { Workshop } from './workshop.ts';

/** A published image to build again. */
export interface ReproduceRequest {
  readonly image: string;
  readonly root: Document;
  readonly store: EvidenceStore;
  readonly platform: string;
  /** Where this machine fetches from, and its limits: a definition of the user's own, of which nothing else counts. */
  readonly own: Pick<Definition, 'sources' | 'limits' | 'bases' | 'buildRoot'>;
  /** A name that no file has yet, for a program while it is read. */
  readonly temporary: () => string;
}

/** A place where the image built again differs: a file, package, module, setting or the SBOM. */
export interface Difference {
  readonly what: string;
  readonly name: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What building again gave. Identical means the same platform manifest, so the same config and the same layers, and the same SBOM. */
export interface Reproduction {
  readonly image: string;
  readonly platform: string;
  readonly component: string;
  readonly revision: string;
  readonly published: Digest;
  readonly rebuilt: Digest;
  readonly identical: boolean;
  readonly differences: readonly Difference[];
}

/** Reads the provenance of one platform of an image, not verified: building again is what checks it. */
export async function readInputs(request: Omit<ReproduceRequest, 'own' | 'temporary'>): Promise<BuildInputs> {
  const { image, root, store, platform } = request;
  const types = [PREDICATES.provenanceV1];
  return readBuildInputs(await findPredicate({ image, root, store, platforms: [platform], types }), image);
}

/**
 * Builds one platform of a published image again, from its provenance alone, and compares to the bit. With an empty cache in the
 * workshop every source, package and module is fetched and proved, and every program compiled. Throws
 * `PROVENANCE_INCOMPLETE` and what building throws.
 */
export async function reproduceImage(
  request: ReproduceRequest,
  inputs: BuildInputs,
  shop: Workshop,
): Promise<Reproduction> {
  const { image, platform } = request;
  const published = publishedManifest(request);
  const rebuilt = await buildAgain(request, inputs, shop);
  const [component = ''] = Object.keys(inputs.definition.components);
  const manifest = rebuilt.image.manifest.descriptor;
  const differences = [
    ...(manifest.digest === published.digest ? [] : await compareImages(request, { published, rebuilt, inputs }, shop)),
    ...(await compareSboms(request, rebuilt)),
  ];
  return {
    image,
    platform,
    component,
    revision: inputs.revision,
    published: published.digest,
    rebuilt: manifest.digest,
    identical: manifest.digest === published.digest && differences.length === 0,
    differences,
  };
}

function publishedManifest({ root, image, platform }: ReproduceRequest): Document['descriptor'] {
  if (!isIndexType(root.descriptor.mediaType)) return root.descriptor;
  const found = parseIndex(root.bytes, image).manifests.find(
    (one) => `${one.platform?.os}/${one.platform?.architecture}` === platform,
  );
  if (found !== undefined) return found;
  throw new FactoryError('UNKNOWN_PLATFORM', `the image is not there for ${platform}`, { where: image });
}

async function buildAgain(
  { image, platform, own }: ReproduceRequest,
  inputs: BuildInputs,
  shop: Workshop,
): Promise<PlatformImage> {
  const { release, revision } = inputs;
  const { definition, lock, overlays } = revise(withOwnPlaces(inputs.definition, own), inputs.lock, revision);
  const [built] = await buildImages(
    {
      definition,
      lock,
      release,
      revision: parseRevision(revision)?.number ?? 0,
      selection: {
        channels: Object.keys(definition.channels),
        components: Object.keys(definition.components),
        platforms: [platform as Platform],
      },
      ...(overlays === undefined ? {} : { overlays }),
      digests: { definition: digestOfLock(lock), lock: digestOfLock(lock) }, // for a provenance that nobody keeps
      exemptions: definition.sources.exemptions,
      versions: shop.versions,
    },
    shop,
  );
  const [first] = built?.platforms ?? [];
  if (first !== undefined) return first;
  throw new FactoryError('PROVENANCE_INCOMPLETE', 'the provenance names no program to build', { where: image });
}

function withOwnPlaces(definition: Definition, own: ReproduceRequest['own']): Definition {
  const { proxy, checksumDatabase } = own.sources;
  const bases = Object.entries(definition.bases).map(([name, base]): [string, BaseDefinition] => {
    return [name, withOwnPlace(base, own.bases[name])];
  });
  return {
    ...definition,
    limits: own.limits,
    bases: Object.fromEntries(bases),
    buildRoot: { ...own.buildRoot, suites: definition.buildRoot.suites },
    sources: {
      ...definition.sources,
      ...(proxy === undefined ? {} : { proxy }),
      ...(checksumDatabase === undefined ? {} : { checksumDatabase }),
    },
  };
}

function withOwnPlace(base: BaseDefinition, own: BaseDefinition | undefined): BaseDefinition {
  if (base.kind === 'image') return own?.kind === 'image' ? { ...base, image: own.image } : base;
  if (own?.kind !== 'debian') return base;
  const { mirror, securityMirror } = own;
  return {
    ...base,
    ...(mirror === undefined ? {} : { mirror }),
    ...(securityMirror === undefined ? {} : { securityMirror }),
  };
}

interface Compared {
  readonly published: Document['descriptor'];
  readonly rebuilt: PlatformImage;
  readonly inputs: BuildInputs;
}

/** From the outside in: settings of the config, then what the layers hold, then how they are compressed. */
async function compareImages(
  { store, image, temporary }: ReproduceRequest,
  compared: Compared,
  shop: Workshop,
): Promise<readonly Difference[]> {
  const { published, rebuilt, inputs } = compared;
  const there = parseManifest(await readContent(store.source, published, MAX_MANIFEST_BYTES), image);
  const config = JSON.parse(
    (await readContent(store.source, there.config, MAX_MANIFEST_BYTES)).toString('utf8'),
  ) as Json;
  const differences: Difference[] = [
    ...compressorDifference(inputs.lock.compressor, shop.compressor),
    ...compareMembers('config', config, JSON.parse(Buffer.from(rebuilt.image.config.bytes).toString('utf8')) as Json),
    ...filesFirst(
      await diffContents(
        { source: store.source, manifest: published },
        { source: cacheSource(shop.cache.blobs), manifest: rebuilt.image.manifest.descriptor },
        { temporary },
      ),
    ),
  ];
  if (differences.length > 0) return differences;
  return [{ what: 'manifest', name: image, before: published.digest, after: rebuilt.image.manifest.descriptor.digest }];
}

/** Where bytes differ comes before what they say of themselves. */
function filesFirst<T extends Difference>(changes: readonly T[]): readonly T[] {
  return [...changes.filter(({ what }) => what === 'file'), ...changes.filter(({ what }) => what !== 'file')];
}

/** The digests of compressed layers hold for one build of the compressor. */
function compressorDifference(before: string, after: string): readonly Difference[] {
  return before === after ? [] : [{ what: 'compressor', name: 'layers', before, after }];
}

async function compareSboms(
  { image, root, store, platform }: ReproduceRequest,
  rebuilt: PlatformImage,
): Promise<readonly Difference[]> {
  const statement = rebuilt.attested.statements.find(({ predicateType }) => predicateType === PREDICATES.spdx);
  const there = await findPredicate({ image, root, store, platforms: [platform], types: [PREDICATES.spdx] });
  return compareMembers('SBOM', there as Json, statement?.predicate ?? null);
}

/** Names each member of two JSON objects that differs; values are long, so only short ones are told. */
function compareMembers(what: string, before: Json, after: Json): readonly Difference[] {
  const [older, newer] = [before, after].map((value) => value as Readonly<Record<string, Json | undefined>>);
  const names = [...new Set([...Object.keys(older ?? {}), ...Object.keys(newer ?? {})])].sort();
  return names.flatMap((name): readonly Difference[] => {
    const [was, is] = [older?.[name], newer?.[name]].map((value) =>
      value === undefined ? undefined : canonicalJson(value),
    );
    return was === is ? [] : [{ what, name, before: shortened(was), after: shortened(is) }];
  });
}

function shortened(text: string | undefined): string | undefined {
  return text === undefined || text.length <= 80 ? text : `${text.slice(0, 79)}...`;
}
