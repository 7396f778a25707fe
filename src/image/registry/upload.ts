// SPDX-License-Identifier: Apache-2.0
import { discard, type HttpResponse, isPassingStatus, retryDelay } from '#core';
import type { Descriptor } from '../content.ts';
import { ImageError } from '../error.ts';
import type { Scope } from './authorizer.ts';
import { type Feed, openFeed } from './feed.ts';
import { ATTEMPTS } from './patience.ts';
import type { RegistryRequest, Transport } from './transport.ts';

/** How to upload: one request for the whole blob (default), or pieces of `chunkBytes`. */
export interface UploadOptions {
  /** Another repository of the same registry that holds the blob, to mount it from there. */
  readonly mountFrom?: string;
  /** Upload in pieces of this many bytes. Without it that happens only where a registry wants it. */
  readonly chunkBytes?: number;
}

/** A blob on its way up. */
interface Upload {
  readonly transport: Transport;
  readonly repository: string;
  readonly descriptor: Descriptor;
  readonly feed: Feed;
}

/** Where an upload stands: its newest address, the bytes the registry has, the size of pieces (none: all that is left). */
interface Session {
  readonly location: URL;
  readonly offset: number;
  readonly chunkBytes: number | undefined;
  /** The least a registry takes in one piece (`OCI-Chunk-Min-Length`). */
  readonly leastBytes: number;
}

const CHUNK = 16 << 20;
const LEAST_CHUNK = 256 << 10;

/**
 * Brings a blob into a repository (distribution-spec 1.1, "Pushing Blobs"): mounted from another repository where that
 * works, else by POST and one PUT of known length; where that is refused for its size or keeps breaking, by PATCHes.
 * An interrupted transfer goes on from where the registry says it stands. Bytes that are not what the descriptor says are
 * never completed. Throws `BLOB_DIGEST_MISMATCH`, `BLOB_SIZE_MISMATCH`, what `bytes` throws, and the registry's refusals.
 */
export async function uploadBlob(
  transport: Transport,
  target: { readonly repository: string; readonly descriptor: Descriptor },
  bytes: () => AsyncIterable<Uint8Array>,
  options: UploadOptions = {},
): Promise<'uploaded' | 'mounted'> {
  const feed = openFeed(target.descriptor, bytes);
  const upload: Upload = { transport, ...target, feed };
  try {
    const session = await start(upload, options);
    if (session === undefined) return 'mounted';
    await transfer(upload, session);
    return 'uploaded';
  } finally {
    await feed.close();
  }
}

/** Opens an upload session; undefined when the registry could mount instead. */
async function start(upload: Upload, options: UploadOptions, earlier = 0): Promise<Session | undefined> {
  const { transport, repository, descriptor } = upload;
  const from = options.mountFrom;
  const mount = from === undefined ? '' : `?mount=${descriptor.digest}&from=${encodeURIComponent(from)}`;
  const scopes: Scope[] = [{ repository, actions: 'pull,push' }];
  if (from !== undefined) scopes.push({ repository: from, actions: 'pull' });
  const request: RegistryRequest = {
    repository,
    to: `blobs/uploads/${mount}`,
    method: 'POST',
    headers: { 'content-length': '0' },
    scopes,
    earlier,
  };
  const response = await transport.send(request);
  if (response.status === 201 && from !== undefined) {
    await discard(response);
    return undefined;
  }
  if (response.status !== 202) {
    // Mounting is an optimisation: where the other repository may not be read, or it is not offered, upload.
    if (from === undefined || isPassingStatus(response.status)) throw await transport.refusal(request, response);
    await discard(response);
    return start(upload, options.chunkBytes === undefined ? {} : { chunkBytes: options.chunkBytes }, earlier);
  }
  await discard(response);
  const leastBytes = Number(response.headers.get('oci-chunk-min-length') ?? 0) || 0;
  return sessionAfter(upload, response, {
    location: undefined,
    offset: 0,
    leastBytes,
    chunkBytes: options.chunkBytes === undefined ? undefined : Math.max(options.chunkBytes, leastBytes, 1),
  });
}

/** Sends what is missing until all is there, recovering from what passes. */
async function transfer(upload: Upload, first: Session): Promise<void> {
  const { transport, descriptor, feed } = upload;
  let session: Session | undefined = first;
  let reached = 0;
  for (let failures = 0; session !== undefined; ) {
    const step: Step = await advance(upload, session, failures);
    if (step.kind === 'done') return;
    if (step.kind === 'moved') {
      session = step.session;
      continue;
    }
    if (feed.failure() !== undefined) throw feed.failure();
    let chunkBytes = session.chunkBytes;
    if (step.kind === 'too-large') {
      chunkBytes = smallerChunk(session, descriptor.size);
      if (chunkBytes === undefined) throw step.error;
    } else {
      failures = session.offset > reached ? 1 : failures + 1;
      reached = Math.max(reached, session.offset);
      if (failures >= ATTEMPTS) throw step.error;
      await transport.clock.sleep(step.wait, transport.signal);
      // A second break without any progress: perhaps something on the way lets no long request through.
      if (failures >= 2) chunkBytes ??= Math.max(CHUNK, session.leastBytes);
    }
    session = await recover(upload, { ...session, chunkBytes }, failures);
  }
}

type Step =
  | { readonly kind: 'done' }
  | { readonly kind: 'moved'; readonly session: Session }
  | { readonly kind: 'broken'; readonly error: unknown; readonly wait: number }
  | { readonly kind: 'too-large'; readonly error: unknown };

/** Makes one request of an upload: the whole, the next piece, or the closing PUT. */
async function advance(upload: Upload, session: Session, failures: number): Promise<Step> {
  const { transport, descriptor, feed } = upload;
  const { offset, chunkBytes } = session;
  const isWhole = offset === 0 && (chunkBytes === undefined || descriptor.size === 0);
  const isClosing = isWhole || offset === descriptor.size;
  const end = isWhole ? descriptor.size : Math.min(descriptor.size, offset + (chunkBytes ?? descriptor.size));
  const request: RegistryRequest = {
    repository: upload.repository,
    to: isClosing ? withDigest(session.location, descriptor) : session.location,
    method: isClosing ? 'PUT' : 'PATCH',
    headers: {
      'content-length': String(end - offset),
      'content-type': 'application/octet-stream',
      ...(isClosing ? {} : { 'content-range': `${offset}-${end - 1}` }),
    },
    body: offset === end ? new Uint8Array(0) : () => feed.slice(offset, end),
    scopes: [{ repository: upload.repository, actions: 'pull,push' }],
    attempts: 1,
    earlier: failures,
  };
  let response: HttpResponse;
  try {
    response = await transport.send(request);
  } catch (error) {
    const passes =
      error instanceof ImageError && (error.code === 'REGISTRY_DROPPED' || error.code === 'REGISTRY_UNREACHABLE');
    if (!passes) throw feed.failure() ?? error;
    return { kind: 'broken', error, wait: retryDelay(failures + 1, transport.clock) };
  }
  if (response.status !== (isClosing ? 201 : 202)) {
    return toSetback(response, await transport.refusal(request, response), {
      wait: retryDelay(failures + 1, transport.clock, response.headers),
      isFirstWhole: isWhole && chunkBytes === undefined,
    });
  }
  await discard(response);
  if (isClosing) return { kind: 'done' };
  return { kind: 'moved', session: await sessionAfter(upload, response, { ...session, offset: end }) };
}

/** Says what an unwanted answer to an upload means for the next try; throws what no further try can cure. */
function toSetback(
  response: HttpResponse,
  error: ImageError,
  { wait, isFirstWhole }: { readonly wait: number; readonly isFirstWhole: boolean },
): Step {
  if (response.status === 413) return { kind: 'too-large', error };
  // A registry that takes pieces only has no agreed way to say so.
  const isForm = [400, 405, 411].includes(response.status) && error.code === 'REGISTRY_REFUSED';
  if (isFirstWhole && isForm) return { kind: 'too-large', error };
  // 404 and 416: the session is gone, or stands elsewhere than we thought.
  if (isPassingStatus(response.status) || response.status === 404 || response.status === 416) {
    return { kind: 'broken', error, wait };
  }
  throw error;
}

/** Finds where an upload stands after a failure; a new session where the old is gone; undefined when the blob is there after all. */
async function recover(upload: Upload, session: Session, failures: number): Promise<Session | undefined> {
  const { transport, repository, descriptor } = upload;
  const scopes: Scope[] = [{ repository, actions: 'pull,push' }];
  const status = await transport.send({ repository, to: session.location, scopes, earlier: failures });
  await discard(status);
  const end = /^(?:bytes=)?0-(\d+)$/.exec(status.headers.get('range') ?? '')?.[1];
  const offset = Number(end ?? -1) + 1;
  // `0-0` is one byte by the specification, but 2.x registries say it for none: too little to build on.
  if ((status.status === 204 || status.status === 202) && offset > 1 && offset <= descriptor.size) {
    return sessionAfter(upload, status, { ...session, offset });
  }
  const head = await transport.send({ repository, to: `blobs/${descriptor.digest}`, method: 'HEAD', scopes });
  await discard(head);
  if (head.status === 200) return undefined; // only the answer to the last request was lost
  const chunk = session.chunkBytes === undefined ? {} : { chunkBytes: session.chunkBytes };
  return start(upload, chunk, failures);
}

/** Takes an answer and the session so far; gives the session at the answer's Location, which may change with each one. */
async function sessionAfter(
  upload: Upload,
  response: HttpResponse,
  session: Omit<Session, 'location'> & { readonly location: URL | undefined },
): Promise<Session> {
  const location = response.headers.get('location');
  if (location !== null) {
    return { ...session, location: await upload.transport.resolve(location, session.location ?? upload.repository) };
  }
  if (session.location !== undefined) return { ...session, location: session.location };
  throw new ImageError('REGISTRY_NOT_OCI', `${upload.transport.registry} accepts an upload without saying where to`, {
    where: `${upload.transport.registry}/${upload.repository}`,
    hint: 'Check that this is an OCI registry.',
  });
}

/** distribution-spec 1.1, "Pushing a blob monolithically": the digest joins whatever query the Location has. */
function withDigest(location: URL, descriptor: Descriptor): URL {
  const url = new URL(location);
  // Added as text: writing the query anew could spoil another parameter's spelling, which may be signed.
  url.search += `${url.search === '' ? '?' : '&'}digest=${encodeURIComponent(descriptor.digest)}`;
  return url;
}

/** Gives the next size of pieces to try where requests are too large; undefined when they can't get smaller. */
function smallerChunk(session: Session, size: number): number | undefined {
  const next = session.chunkBytes === undefined ? CHUNK : session.chunkBytes >> 1;
  const chunk = Math.max(Math.min(next, Math.max(size, 1)), session.leastBytes);
  return chunk < LEAST_CHUNK && session.chunkBytes !== undefined ? undefined : chunk;
}
