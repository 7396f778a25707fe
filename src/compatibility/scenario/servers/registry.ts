// SPDX-License-Identifier: Apache-2.0
import type { ServerResponse } from 'node:http';
import { type Digest, digestOf } from '#core';
import { buildIndex, type Descriptor, type Document, MEDIA_TYPES } from '#image';
import type { ServerIdentity } from './authority.ts';
import { isLoggedIn, type Login, type RunningServer, startHttps } from './https.ts';

/** A blob of an artifact, with its media type. */
export interface ArtifactPart {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** What is put under a tag: an OCI image manifest (image-spec 1.1) is made around it. */
export interface Artifact {
  readonly config: ArtifactPart;
  readonly layers: readonly ArtifactPart[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A manifest, and the blobs that it names. */
export interface PublishedManifest {
  readonly manifest: Document;
  readonly blobs: readonly Document[];
}

/** An artifact byte for byte as it lies in another registry, with what refers to it there. */
export interface PublishedArtifact extends PublishedManifest {
  readonly referrers: readonly PublishedManifest[];
}

/** A registry to pull from. What it holds is put in directly: pushes over HTTP are refused. */
export interface ArtifactRegistry extends RunningServer {
  /** Puts an artifact under a tag, in place of what was there; gives its manifest's digest. */
  put(repository: string, tag: string, artifact: Artifact): Digest;
  /** Puts an artifact under a tag as it was published elsewhere. */
  copy(repository: string, tag: string, artifact: PublishedArtifact): void;
}

const ROUTE = /^\/v2\/([a-z0-9/._-]+)\/(manifests|blobs|tags|referrers)\/([^/]+)$/;

interface Repository {
  readonly blobs: Map<string, Uint8Array>;
  readonly manifests: Map<string, Uint8Array>;
  readonly tags: Map<string, Digest>;
  /** What refers to a digest. */
  readonly referrers: Map<string, readonly Descriptor[]>;
}

/** Starts a registry that speaks the pull half of distribution-spec 1.1 and lets in one user only. */
export async function startArtifactRegistry(identity: ServerIdentity, login: Login): Promise<ArtifactRegistry> {
  const repositories = new Map<string, Repository>();
  const server = await startHttps(identity, (request, response) => {
    if (!isLoggedIn(request, response, login)) return;
    request.resume();
    const url = new URL(request.url ?? '/', 'https://registry');
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405, 'UNSUPPORTED');
    if (url.pathname === '/v2/') return send(response, 'application/json', Buffer.from('{}'));
    const [, name = '', kind, reference = ''] = ROUTE.exec(url.pathname) ?? [];
    const repository = repositories.get(name);
    if (repository === undefined) return refuse(response, 404, 'NAME_UNKNOWN');
    if (kind === 'tags') return listTags(response, name, repository, url.searchParams);
    if (kind === 'referrers') return listReferrers(response, repository, reference);
    const digest = kind === 'manifests' ? (repository.tags.get(reference) ?? reference) : reference;
    const bytes = repository[kind === 'manifests' ? 'manifests' : 'blobs'].get(digest);
    if (bytes === undefined) {
      return refuse(response, 404, kind === 'manifests' ? 'MANIFEST_UNKNOWN' : 'BLOB_UNKNOWN');
    }
    response.setHeader('docker-content-digest', digest);
    send(response, kind === 'manifests' ? MEDIA_TYPES.manifest : 'application/octet-stream', bytes);
  });
  return {
    ...server,
    copy(name, tag, { manifest, blobs, referrers }) {
      const repository = open(name, repositories);
      for (const one of [{ manifest, blobs }, ...referrers]) {
        repository.manifests.set(one.manifest.descriptor.digest, one.manifest.bytes);
        for (const { descriptor, bytes } of one.blobs) repository.blobs.set(descriptor.digest, bytes);
      }
      const { digest } = manifest.descriptor;
      repository.tags.set(tag, digest);
      repository.referrers.set(
        digest,
        referrers.map((one) => one.manifest.descriptor),
      );
    },
    put(name, tag, artifact) {
      const repository = open(name, repositories);
      const manifest = manifestOf(artifact);
      const digest = digestOf(manifest);
      for (const { bytes } of [artifact.config, ...artifact.layers]) repository.blobs.set(digestOf(bytes), bytes);
      repository.manifests.set(digest, manifest);
      repository.tags.set(tag, digest);
      return digest;
    },
  };
}

/** Gives the repository of a name, made where there is none. */
function open(name: string, repositories: Map<string, Repository>): Repository {
  const fresh = { blobs: new Map(), manifests: new Map(), tags: new Map(), referrers: new Map() };
  const repository = repositories.get(name) ?? fresh;
  repositories.set(name, repository);
  return repository;
}

function manifestOf({ config, layers, annotations }: Artifact): Buffer {
  const descriptor = ({ mediaType, bytes }: ArtifactPart) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: descriptor(config),
    layers: layers.map(descriptor),
    ...(annotations === undefined ? {} : { annotations }),
  };
  return Buffer.from(JSON.stringify(manifest));
}

/** distribution-spec 1.1, "Listing Tags": in order, in pages where `n` asks for them. */
function listTags(response: ServerResponse, name: string, { tags }: Repository, query: URLSearchParams): void {
  const all = [...tags.keys()].sort().filter((tag) => tag > (query.get('last') ?? ''));
  const page = all.slice(0, Number(query.get('n') ?? all.length));
  if (page.length > 0 && page.length < all.length) {
    response.setHeader('link', `</v2/${name}/tags/list?n=${page.length}&last=${page.at(-1)}>; rel="next"`);
  }
  send(response, 'application/json', Buffer.from(JSON.stringify({ name, tags: page })));
}

/** distribution-spec 1.1, "Listing Referrers": an empty index where nothing refers to a digest. */
function listReferrers(response: ServerResponse, { referrers }: Repository, digest: string): void {
  send(response, MEDIA_TYPES.index, buildIndex(referrers.get(digest) ?? []).bytes);
}

/** Node leaves the body out of an answer to HEAD by itself. */
function send(response: ServerResponse, type: string, bytes: Uint8Array): void {
  response.writeHead(200, { 'content-type': type, 'content-length': bytes.length }).end(bytes);
}

/** distribution-spec 1.1, "Error Codes". */
function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ errors: [{ code, message: code.toLowerCase().replaceAll('_', ' ') }] }));
}
