// SPDX-License-Identifier: Apache-2.0
import { type Digest, digestOf, discard, HttpError, type HttpResponse, isDigest, readBody } from '#core';
import type { Descriptor } from '../content.ts';
import { ImageError } from '../error.ts';
import { MAX_MANIFEST_BYTES } from '../manifest.ts';
import { isIndexType, isManifestType, MANIFEST_TYPES } from '../media-types.ts';
import type { Scope } from './authorizer.ts';
import { toNetworkFailure } from './failure.ts';
import { ATTEMPTS } from './patience.ts';
import type { Reference } from './reference.ts';
import type { RegistryRequest, Transport } from './transport.ts';

/** A manifest or index as a registry holds it, with the descriptor that its exact bytes have. */
export interface FetchedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

/** A manifest to push. */
export interface PushedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** Finds what a tag or digest names (distribution-spec 1.1, "Checking if content exists"); undefined when it is not there. */
export async function resolveManifest(
  transport: Transport,
  reference: Reference,
  actions: Scope['actions'] = 'pull',
): Promise<Descriptor | undefined> {
  const request = requestFor(reference, 'HEAD', actions);
  const response = await transport.send(request);
  await discard(response);
  if (response.status === 404) return undefined;
  if (response.status !== 200) throw await transport.refusal(request, response);
  const digest = response.headers.get('docker-content-digest') ?? reference.digest;
  const size = response.headers.get('content-length');
  const mediaType = typeOf(response);
  const isWhole =
    digest !== undefined && isDigest(digest) && size !== null && (isIndexType(mediaType) || isManifestType(mediaType));
  // A registry may leave these headers out; then the manifest itself tells.
  if (!isWhole) return (await fetchManifest(transport, reference)).descriptor;
  if (reference.digest !== undefined && digest !== reference.digest) throw mismatch(transport, reference, digest);
  return { mediaType, digest, size: Number(size) };
}

/**
 * Fetches a manifest or index whole, 4 MiB at most, its digest checked against the reference and against what the registry
 * says of it. Throws `MANIFEST_UNKNOWN`, `MANIFEST_INVALID`, `BLOB_DIGEST_MISMATCH` and the registry's refusals.
 */
export async function fetchManifest(transport: Transport, reference: Reference): Promise<FetchedManifest> {
  const request = requestFor(reference, 'GET');
  const { response, bytes } = await readPatiently(transport, request);
  const digest = digestOf(bytes);
  const claimed = response.headers.get('docker-content-digest');
  if (reference.digest !== undefined && digest !== reference.digest) throw mismatch(transport, reference, digest);
  if (claimed !== null && isDigest(claimed) && claimed !== digest) {
    throw mismatch(transport, { ...reference, digest: claimed }, digest);
  }
  return {
    descriptor: { mediaType: declaredType(bytes, response, whereOf(transport, reference)), digest, size: bytes.length },
    bytes,
  };
}

/**
 * Stores a manifest byte for byte under its digest, or under a tag (distribution-spec 1.1, "Pushing Manifests").
 * Gives the subject that the registry says it has linked (`OCI-Subject`), undefined where it keeps no referrers.
 */
export async function pushManifest(
  transport: Transport,
  repository: string,
  { descriptor, bytes }: PushedManifest,
  tag?: string,
): Promise<string | undefined> {
  const digest = digestOf(bytes);
  if (digest !== descriptor.digest || bytes.byteLength !== descriptor.size) {
    throw new ImageError('BLOB_DIGEST_MISMATCH', `the manifest ${descriptor.digest} has digest ${digest}`, {
      where: `${transport.registry}/${repository}`,
    });
  }
  const response = await transport.call(
    {
      repository,
      to: `manifests/${tag ?? descriptor.digest}`,
      method: 'PUT',
      headers: { 'content-type': descriptor.mediaType },
      body: bytes,
      scopes: [{ repository, actions: 'pull,push' }],
    },
    [201],
  );
  await discard(response);
  const stored = response.headers.get('docker-content-digest');
  if (stored !== null && stored !== descriptor.digest) {
    throw mismatch(transport, { registry: transport.registry, repository, digest: descriptor.digest }, stored);
  }
  return response.headers.get('oci-subject') ?? undefined;
}

/** A manifest is small: one that breaks off is asked for again, whole. */
async function readPatiently(
  transport: Transport,
  request: RegistryRequest,
): Promise<{ readonly response: HttpResponse; readonly bytes: Buffer }> {
  for (let attempt = 1; ; attempt += 1) {
    const response = await transport.call(request, [200]);
    try {
      return { response, bytes: await readBody(response, MAX_MANIFEST_BYTES) };
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      if (error.code === 'HTTP_TOO_LARGE') {
        throw new ImageError('CONTENT_TOO_LARGE', `a manifest is larger than ${MAX_MANIFEST_BYTES} bytes`, {
          where: response.url,
        });
      }
      if (attempt >= ATTEMPTS) throw toNetworkFailure(error, transport.registry, attempt);
    }
  }
}

function requestFor(reference: Reference, method: 'GET' | 'HEAD', actions: Scope['actions'] = 'pull'): RegistryRequest {
  const name = reference.digest ?? reference.tag;
  if (name === undefined) {
    throw new ImageError('REFERENCE_INVALID', 'the image reference has neither a tag nor a digest', {
      where: `${reference.registry}/${reference.repository}`,
      hint: 'Add a tag: there is no default one.',
    });
  }
  return {
    repository: reference.repository,
    to: `manifests/${name}`,
    method,
    headers: { accept: MANIFEST_TYPES.join(', ') },
    scopes: [{ repository: reference.repository, actions }],
  };
}

/** The type in the document leads (image-spec 1.1 wants it to match Content-Type, which some registries get wrong). */
function declaredType(bytes: Buffer, response: HttpResponse, where: string): string {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    if (/html/.test(typeOf(response))) {
      throw new ImageError('REGISTRY_NOT_OCI', 'a web page came where an image manifest was expected', {
        where,
        hint: 'Check the address of the registry.',
      });
    }
    throw new ImageError('MANIFEST_INVALID', 'not JSON where an image manifest was expected', { where, cause: error });
  }
  const inside = (value as { mediaType?: unknown } | null)?.mediaType;
  const mediaType = typeof inside === 'string' ? inside : typeOf(response);
  if (isIndexType(mediaType) || isManifestType(mediaType)) return mediaType;
  throw new ImageError('MANIFEST_INVALID', `${JSON.stringify(mediaType.slice(0, 100))} is no image manifest`, {
    where,
  });
}

function typeOf(response: HttpResponse): string {
  return (response.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

function whereOf(transport: Transport, reference: Reference): string {
  return `${transport.registry}/${reference.repository}`;
}

function mismatch(transport: Transport, reference: Reference & { digest?: Digest }, served: string): ImageError {
  return new ImageError(
    'BLOB_DIGEST_MISMATCH',
    `${transport.registry} served ${served} where ${reference.digest} was asked for`,
    {
      where: whereOf(transport, reference),
      hint: 'Do not use it. Try again, or another registry; if it recurs, the registry or a proxy before it is broken.',
    },
  );
}
