// SPDX-License-Identifier: Apache-2.0
import { type Digest, messageOf } from '#core';
import { MAX_MANIFEST_BYTES, parseManifest, readContent } from '#image';
import { cosignTag, DSSE_TYPE, SIMPLE_SIGNING_TYPE } from '../attach/cosign-tags.ts';
import { mayBeBundle, readReferrer } from '../attach/read-referrers.ts';
import type { EvidenceStore } from '../attach/store.ts';
import { EvidenceError } from '../error.ts';
import { isContentFault } from './content-fault.ts';
import type { Finding } from './found.ts';
import { readBundle, type Sigstore } from './read-bundle.ts';
import { readCosignAttestation, readCosignSignature } from './read-cosign-tags.ts';

/** How many referrers are read at once, and how many at most: a list may be stuffed with decoys. */
const ROUND = 32;
const MOST_REFERRERS = 2000;
const MOST_BUNDLE_BYTES = 32 << 20;

/**
 * Yields what is attached to a digest in rounds, so that the reader may stop when it has what it needs: Sigstore bundles
 * among the referrers first, then cosign 2's `.sig` and `.att` tags. Throws `REFERRERS_TOO_MANY` where more bundles are
 * listed than are read and the reader still wants more, and the store's failures.
 */
export async function* gatherEvidence(
  store: EvidenceStore,
  digest: Digest,
  library: Sigstore,
): AsyncGenerator<readonly Finding[], void, undefined> {
  const listed = new Map((await store.referrers(digest)).map((one) => [one.digest, one]));
  const candidates = [...listed.values()].filter(mayBeBundle);
  for (let start = 0; start < Math.min(candidates.length, MOST_REFERRERS); start += ROUND) {
    const round = candidates.slice(start, start + ROUND);
    const read = await Promise.all(
      round.map((descriptor) =>
        readReferrer(store, descriptor, { digest, options: { maxBundleBytes: MOST_BUNDLE_BYTES } }),
      ),
    );
    yield read.flatMap((one): Finding[] => {
      if ('other' in one) return [];
      const place = `referrer ${one.descriptor.digest}`;
      if ('reason' in one) return [{ kind: 'fault', place, reason: one.reason }];
      return [readBundle(library, one.bundle, { place, digest: one.descriptor.digest })];
    });
  }
  const tags = await Promise.all([
    readTag(store, digest, { kind: 'sig', library }),
    readTag(store, digest, { kind: 'att', library }),
  ]);
  yield tags.flat();
  if (candidates.length > MOST_REFERRERS) {
    throw new EvidenceError(
      'REFERRERS_TOO_MANY',
      `${candidates.length} bundles refer to ${digest}; none of the first ${MOST_REFERRERS} was enough`,
      {
        where: store.where,
        hint: 'Nobody attaches so many: somebody may be hiding the right one. Ask who may write to this repository.',
      },
    );
  }
}

async function readTag(
  store: EvidenceStore,
  digest: Digest,
  { kind, library }: { kind: 'sig' | 'att'; library: Sigstore },
): Promise<readonly Finding[]> {
  const tag = cosignTag(digest, kind);
  const descriptor = await store.resolve(tag);
  if (descriptor === undefined) return [];
  const place = `tag ${tag}`;
  try {
    const manifest = parseManifest(await readContent(store.source, descriptor, MAX_MANIFEST_BYTES), place);
    const layers = manifest.layers.filter(
      ({ mediaType }) => mediaType === (kind === 'sig' ? SIMPLE_SIGNING_TYPE : DSSE_TYPE),
    );
    return await Promise.all(
      layers.map(async (layer): Promise<Finding> => {
        try {
          const bytes = await readContent(store.source, layer, kind === 'sig' ? 1 << 20 : MOST_BUNDLE_BYTES);
          const found = { descriptor: layer, bytes, place };
          return kind === 'sig' ? readCosignSignature(library, found) : readCosignAttestation(library, found);
        } catch (error) {
          return toFault(error, place);
        }
      }),
    );
  } catch (error) {
    return [toFault(error, place)];
  }
}

/** What came is wrong or lost: a fault of this thing. Not to be reached is the store's, and thrown on. */
function toFault(error: unknown, place: string): Finding {
  if (isContentFault(error)) return { kind: 'fault', place, reason: messageOf(error) };
  throw error;
}
