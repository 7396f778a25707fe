// SPDX-License-Identifier: Apache-2.0
import { type Digest, messageOf, OakumError } from '#core';
import {
  type Descriptor,
  type Document,
  inspectLayer,
  isIndexType,
  type Manifest,
  MAX_MANIFEST_BYTES,
  parseIndex,
  parseManifest,
  readContent,
  readImageDocuments,
} from '#image';
import { PREDICATE_ANNOTATION, attestationManifestsOf, REFERENCE_TYPE } from '../attach/attestation-manifest.ts';
import type { EvidenceStore } from '../attach/store.ts';
import { parseStatement, type ReadStatement } from '../statement.ts';
import { isContentFault } from './content-fault.ts';
import type { Check } from './report.ts';

/** A platform's manifest to verify. */
export interface PlatformTarget {
  /** `linux/amd64`, or `manifest` where the image is a single manifest. */
  readonly name: string;
  readonly descriptor: Descriptor;
}

/** An attestation inside the index. It has no signature of its own; the index's covers it. */
export interface EmbeddedStatement {
  readonly type: string;
  readonly place: string;
  readonly digest: Digest;
  readonly statement: ReadStatement;
}

/** Takes the image's root document and the platforms wanted (all by default); gives its platform manifests, and what is wanted but absent. */
export function selectPlatforms(
  root: Document,
  wanted: readonly string[] | undefined,
  where: string,
): { readonly targets: readonly PlatformTarget[]; readonly missing: readonly string[] } {
  if (!isIndexType(root.descriptor.mediaType)) {
    return { targets: [{ name: 'manifest', descriptor: root.descriptor }], missing: [] };
  }
  const all = parseIndex(root.bytes, where)
    .manifests.filter(({ annotations }) => annotations?.[REFERENCE_TYPE] === undefined)
    .map((descriptor) => ({ name: platformName(descriptor), descriptor }));
  if (wanted === undefined) return { targets: all, missing: all.length === 0 ? ['any platform'] : [] };
  return {
    targets: all.filter(({ name }) => wanted.includes(name)),
    missing: wanted.filter((platform) => !all.some(({ name }) => name === platform)),
  };
}

function platformName({ platform, digest }: Descriptor): string {
  if (platform === undefined) return digest;
  return [platform.os, platform.architecture, platform.variant].filter((part) => part !== undefined).join('/');
}

/** A platform's manifest as far as it could be read, with the check of it. */
export interface PlatformReading {
  readonly target: PlatformTarget;
  readonly check: Check;
  readonly architecture: string;
}

/**
 * Reads a platform's manifest and config and compares what they say of each other: digests, platform, number of layers. With
 * `deep` it reads every layer too, and compares digest and diffId (OCI image-spec 1.1, config.md "Layer DiffID").
 */
export async function readPlatform(
  store: EvidenceStore,
  target: PlatformTarget,
  { wanted, deep }: { readonly wanted: readonly string[] | undefined; readonly deep: boolean },
): Promise<PlatformReading> {
  const { name, descriptor } = target;
  const result = (outcome: Check['outcome'], reason: string, architecture = ''): PlatformReading => ({
    target,
    check: { name: 'content', subject: name, outcome, reason },
    architecture,
  });
  try {
    const { manifest, config } = await readImageDocuments(store.source, descriptor);
    const { os, architecture } = config;
    const claimed = descriptor.platform ?? config;
    if (claimed.os !== os || claimed.architecture !== architecture) {
      return result('failed', `the index says ${name}, the config ${os}/${architecture}`, architecture);
    }
    if (name === 'manifest' && wanted !== undefined && !wanted.includes(`${os}/${architecture}`)) {
      return result('failed', `it is for ${os}/${architecture}, not for ${wanted.join(', ')}`, architecture);
    }
    const ids = config.rootfs.diff_ids;
    if (ids.length !== manifest.layers.length) {
      return result('failed', `${manifest.layers.length} layers, the config names ${ids.length}`, architecture);
    }
    const faults = deep ? await layerFaults(store, manifest, ids) : [];
    if (faults.length > 0) return result('failed', faults.join('; '), architecture);
    const what = deep ? `manifest, config and ${ids.length} layers` : 'manifest and config';
    return result('passed', `${what} are what their digests say`, architecture);
  } catch (error) {
    if (!(error instanceof OakumError)) throw error;
    return result(isContentFault(error) ? 'failed' : 'unknown', messageOf(error));
  }
}

async function layerFaults(store: EvidenceStore, manifest: Manifest, ids: readonly Digest[]): Promise<string[]> {
  const faults: string[] = [];
  for (const [index, { mediaType, digest, size }] of manifest.layers.entries()) {
    const diffId = ids[index];
    if (diffId === undefined) continue;
    const found = await inspectLayer(
      { mediaType, digest, size, diffId },
      store.source.open({ mediaType, digest, size }),
    );
    faults.push(...found.map((fault) => `layer ${digest}: ${fault}`));
  }
  return faults;
}

const MOST_STATEMENT_BYTES = 64 << 20;

/** Reads BuildKit's attestation manifests of a platform inside the index. Throws what the store throws, and `STATEMENT_INVALID`. */
export async function readEmbedded(
  store: EvidenceStore,
  root: Document,
  target: PlatformTarget,
): Promise<readonly EmbeddedStatement[]> {
  if (!isIndexType(root.descriptor.mediaType)) return [];
  const entries = attestationManifestsOf(
    parseIndex(root.bytes, root.descriptor.digest).manifests,
    target.descriptor.digest,
  );
  const found = await Promise.all(
    entries.map(async (entry) => {
      const manifest = parseManifest(await readContent(store.source, entry, MAX_MANIFEST_BYTES), entry.digest);
      const layers = manifest.layers.filter(({ annotations }) => annotations?.[PREDICATE_ANNOTATION] !== undefined);
      return Promise.all(
        layers.map(async (layer): Promise<EmbeddedStatement> => {
          const place = `attestation manifest ${entry.digest}`;
          const statement = parseStatement(await readContent(store.source, layer, MOST_STATEMENT_BYTES), place);
          return { type: statement.predicateType, place, digest: layer.digest, statement };
        }),
      );
    }),
  );
  return found.flat();
}
