// SPDX-License-Identifier: Apache-2.0
import pLimit from 'p-limit';
import { type Digest, messageOf, OakumError } from '#core';
import type { Json } from '#formats';
import { type Descriptor, isManifestType, MAX_MANIFEST_BYTES, parseManifest, readContent } from '#image';
import { EvidenceError } from '../error.ts';
import { BUNDLE_PREDICATE } from './referrer.ts';
import type { EvidenceStore } from './store.ts';

/** What to read of the referrers, and how much at most. */
export interface ReadReferrersOptions {
  /** Only referrers that say they claim one of these; one that does not say is read. */
  readonly predicateTypes?: readonly string[];
  /** The most bundles that are fetched; 200 by default. */
  readonly maxReferrers?: number;
  /** The most bytes of one bundle; 16 MiB by default. */
  readonly maxBundleBytes?: number;
}

/** A Sigstore bundle attached to a digest, not verified. `predicateType` is what its referrer says, if it does. */
export interface AttachedBundle {
  readonly descriptor: Descriptor;
  readonly predicateType: string | undefined;
  readonly bundle: Json;
}

/** What refers to a digest: bundles in the order of the list, and what was listed but is not what it says, with the reason. */
export interface ReferrersReading {
  readonly bundles: readonly AttachedBundle[];
  readonly refused: readonly { readonly descriptor: Descriptor; readonly reason: string }[];
}

/** Version 0.3 and the older `application/vnd.dev.sigstore.bundle+json;version=0.2`. */
const BUNDLE_TYPES = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.\d+)?\+json(?:;\s*version=0\.\d+)?$/;

const CONCURRENCY = 8;

/**
 * Reads the Sigstore bundles attached to a digest. Nothing of it is trusted, and nothing verified: each manifest must
 * name the digest as its subject and hold one bundle, else it is listed as refused. Throws `REFERRERS_TOO_MANY` before
 * fetching when more are listed than will be read, and what the store throws when it can't be reached.
 */
export async function readReferrers(
  store: EvidenceStore,
  digest: Digest,
  options: ReadReferrersOptions = {},
): Promise<ReferrersReading> {
  const { predicateTypes, maxReferrers = 200 } = options;
  const isWanted = (claimed: string | undefined) =>
    predicateTypes === undefined || claimed === undefined || predicateTypes.includes(claimed);
  const listed = new Map((await store.referrers(digest)).map((one) => [one.digest, one]));
  const candidates = [...listed.values()].filter(
    (one) => mayBeBundle(one) && isWanted(one.annotations?.[BUNDLE_PREDICATE]),
  );
  if (candidates.length > maxReferrers) {
    throw new EvidenceError(
      'REFERRERS_TOO_MANY',
      `${candidates.length} bundles refer to ${digest}; at most ${maxReferrers} are read`,
      {
        where: store.where,
        hint: 'Nobody attaches so many: somebody may be hiding the right one. Ask who may write to this repository.',
      },
    );
  }
  const limit = pLimit(CONCURRENCY);
  const read = await Promise.all(candidates.map((one) => limit(() => readReferrer(store, one, { digest, options }))));
  return {
    bundles: read.flatMap((one) => ('bundle' in one && isWanted(one.predicateType) ? [one] : [])),
    refused: read.flatMap((one) => ('reason' in one ? [one] : [])),
  };
}

/** Says whether a listed referrer may hold a Sigstore bundle: where the list leaves the type out, only the manifest tells. */
export function mayBeBundle({ mediaType, artifactType }: Descriptor): boolean {
  return isManifestType(mediaType) && (artifactType === undefined || BUNDLE_TYPES.test(artifactType));
}

type Read = AttachedBundle | ReferrersReading['refused'][number] | { readonly other: true };

/**
 * Reads one referrer of a digest: the bundle in it, why it is refused, or that it is something else. Throws what the store
 * throws when it can't be reached.
 */
export async function readReferrer(
  store: EvidenceStore,
  descriptor: Descriptor,
  { digest, options }: { digest: Digest; options: ReadReferrersOptions },
): Promise<Read> {
  const refused = (reason: string) => ({ descriptor, reason });
  try {
    const bytes = await readContent(store.source, descriptor, MAX_MANIFEST_BYTES);
    const manifest = parseManifest(bytes, descriptor.digest);
    const [layer, ...more] = manifest.layers;
    if (layer === undefined || !BUNDLE_TYPES.test(layer.mediaType)) {
      return descriptor.artifactType === undefined ? { other: true } : refused('it holds no Sigstore bundle');
    }
    if (manifest.subject?.digest !== digest) {
      return refused(`it refers to ${manifest.subject?.digest ?? 'nothing'}, not to ${digest}`);
    }
    if (more.length > 0) return refused('it holds more than one layer');
    const text = (await readContent(store.source, layer, options.maxBundleBytes ?? 16 << 20)).toString('utf8');
    return { descriptor, predicateType: manifest.annotations?.[BUNDLE_PREDICATE], bundle: JSON.parse(text) as Json };
  } catch (error) {
    // What came is wrong, or is not there: that is this referrer's fault. Not to be reached is the store's.
    if (error instanceof SyntaxError) return refused('its bundle is not JSON');
    if (error instanceof OakumError && isContentFault(error)) return refused(messageOf(error));
    throw error;
  }
}

function isContentFault({ family, code }: OakumError): boolean {
  return family === 'proof' || ['MANIFEST_INVALID', 'MANIFEST_UNKNOWN', 'BLOB_MISSING'].includes(code);
}
