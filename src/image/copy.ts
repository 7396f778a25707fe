// SPDX-License-Identifier: Apache-2.0
import pLimit from 'p-limit';
import type { Digest, Report } from '#core';
import { type ContentSource, type Descriptor, type ManifestSink, readContent } from './content.ts';
import { ImageError } from './error.ts';
import { MAX_MANIFEST_BYTES, parseIndex, parseManifest } from './manifest.ts';
import { isIndexType, isManifestType } from './media-types.ts';

/** What to copy: `root` and all below it, named by `tags` in the end. */
export interface CopyRequest {
  readonly from: ContentSource;
  readonly to: ManifestSink;
  readonly root: Descriptor;
  readonly tags: readonly string[];
  /** How many blobs travel at once; 4 by default. */
  readonly concurrency?: number;
  /** What the progress events name; the first tag by default. */
  readonly subject?: string;
  readonly report?: Report;
}

/** What a copy did. `blobsPresent` were there before or were mounted; `bytes` is what was read from the source for blobs. */
export interface CopyResult {
  readonly blobsCopied: number;
  readonly blobsPresent: number;
  readonly bytes: number;
}

/** A manifest on the way; children come before parents in a plan. */
interface PlannedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

interface Plan {
  readonly manifests: PlannedManifest[];
  readonly blobs: Map<Digest, Descriptor>;
}

const MOST_MANIFESTS = 1000;
const MOST_DEPTH = 4;
const PROGRESS_BYTES = 1 << 20;

/**
 * Copies an index or manifest and all below it between any two places: push, pull and mirror are this one verb.
 * What is there already is not sent; blobs come before manifests, manifests before their index, and the tags last,
 * so no tag shows an image that is not whole. Throws what source and sink throw, `MANIFEST_INVALID`, `CONTENT_TOO_LARGE`.
 */
export async function copyImage(request: CopyRequest): Promise<CopyResult> {
  const { from, to, root, tags } = request;
  const plan: Plan = { manifests: [], blobs: new Map() };
  const isThere = await collect(request, root, plan, 0);
  const result = await copyBlobs(request, [...plan.blobs.values()]);
  for (const { descriptor, bytes } of plan.manifests) {
    if (descriptor.digest !== root.digest || tags.length === 0) await to.putManifest(descriptor, bytes);
  }
  if (tags.length === 0) return result;
  const rootBytes = isThere
    ? await readContent(from, root, MAX_MANIFEST_BYTES)
    : plan.manifests.find(({ descriptor }) => descriptor.digest === root.digest)?.bytes;
  for (const tag of tags) await to.putManifest(root, rootBytes ?? Buffer.alloc(0), tag);
  return result;
}

/** Adds what is missing below a manifest to the plan; says whether the manifest itself is there (then all below it is). */
async function collect(request: CopyRequest, parent: Descriptor, plan: Plan, depth: number): Promise<boolean> {
  if (depth > MOST_DEPTH || plan.manifests.length >= MOST_MANIFESTS) {
    throw new ImageError('CONTENT_TOO_LARGE', 'the image nests too deep or holds too many manifests', {
      where: request.root.digest,
    });
  }
  if (plan.manifests.some(({ descriptor }) => descriptor.digest === parent.digest)) return false;
  if (await request.to.has(parent)) return true;
  const bytes = await readContent(request.from, parent, MAX_MANIFEST_BYTES);
  if (isIndexType(parent.mediaType)) {
    for (const child of parseIndex(bytes, parent.digest).manifests) await collect(request, child, plan, depth + 1);
  } else if (isManifestType(parent.mediaType)) {
    const manifest = parseManifest(bytes, parent.digest);
    for (const blob of [manifest.config, ...manifest.layers]) plan.blobs.set(blob.digest, blob);
  } else {
    throw new ImageError('MANIFEST_INVALID', `can't copy content of type ${JSON.stringify(parent.mediaType)}`, {
      where: parent.digest,
    });
  }
  plan.manifests.push({ descriptor: parent, bytes });
  return false;
}

async function copyBlobs(request: CopyRequest, blobs: readonly Descriptor[]): Promise<CopyResult> {
  const { from, to } = request;
  const limit = pLimit(request.concurrency ?? 4);
  const progress = progressOf(request, blobs);
  let blobsCopied = 0;
  let bytes = 0;
  let failed = false;
  const copyOne = async (blob: Descriptor) => {
    if (failed) return; // the first failure is the one to tell of; what has not begun need not begin
    let started = false;
    if (!(await to.has(blob))) {
      await to.put(blob, async function* () {
        started = true;
        for await (const chunk of from.open(blob)) {
          bytes += chunk.byteLength;
          yield chunk;
          progress(chunk.byteLength);
        }
      });
    }
    if (started) blobsCopied += 1;
    else progress(blob.size);
  };
  const outcomes = await Promise.allSettled(
    blobs.map((blob) =>
      limit(() =>
        copyOne(blob).catch((error: unknown) => {
          failed = true;
          throw error;
        }),
      ),
    ),
  );
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
  return { blobsCopied, blobsPresent: blobs.length - blobsCopied, bytes };
}

/** Gives a counter that reports about each megabyte. A transfer that starts anew may count beyond the total, which is then kept to. */
function progressOf(request: CopyRequest, blobs: readonly Descriptor[]): (bytes: number) => void {
  const totalBytes = blobs.reduce((sum, { size }) => sum + size, 0);
  const subject = request.subject ?? request.tags[0] ?? request.root.digest;
  let sum = 0;
  let told = 0;
  return (bytes) => {
    sum = Math.min(sum + bytes, totalBytes);
    if (sum - told < PROGRESS_BYTES && sum !== totalBytes) return;
    told = sum;
    request.report?.({ kind: 'step-progress', subject, step: 'copy', bytes: sum, totalBytes });
  };
}
