// SPDX-License-Identifier: Apache-2.0
import { type Digest, discard, hexOf, readBody } from '#core';
import type { Descriptor } from '../content.ts';
import { ImageError } from '../error.ts';
import { buildIndex, MAX_MANIFEST_BYTES, parseIndex, parseManifest } from '../manifest.ts';
import { isIndexType } from '../media-types.ts';
import { fetchManifest, pushManifest, resolveManifest } from './manifests.ts';
import { nextPage } from './pages.ts';
import type { RegistryRequest, Transport } from './transport.ts';

const MOST_PAGES = 100;
/** Twenty times what is ever read of them; each costs memory before it can be judged. */
const MOST_LISTED = 40_000;

/**
 * Lists what refers to a manifest: signatures, SBOMs, attestations (distribution-spec 1.1, "Listing Referrers"). Where
 * the registry has no referrers API, the tag `sha256-HEX` is read instead ("Unavailable Referrers API"). Throws
 * `CONTENT_TOO_LARGE` for a list of more than 100 pages or 40,000 entries.
 */
export async function listReferrers(
  transport: Transport,
  repository: string,
  digest: Digest,
): Promise<readonly Descriptor[]> {
  const found: Descriptor[] = [];
  let to: string | URL | undefined = `referrers/${digest}`;
  for (let page = 0; to !== undefined; page += 1) {
    // A list cut short could hide the very entry that is looked for: it is refused, not used in part.
    if (page >= MOST_PAGES || found.length > MOST_LISTED) {
      throw new ImageError('CONTENT_TOO_LARGE', `the list of what refers to ${digest} has no end in sight`, {
        where: `${transport.registry}/${repository}`,
        hint: 'Somebody may be hiding the right entries. Ask who may write to this repository.',
      });
    }
    const request: RegistryRequest = { repository, to, scopes: [{ repository, actions: 'pull' }] };
    const response = await transport.send(request);
    if (response.status === 404 && page === 0) {
      await discard(response);
      return (await readFallback(transport, repository, digest)) ?? [];
    }
    if (response.status !== 200) throw await transport.refusal(request, response);
    found.push(
      ...parseIndex(await readBody(response, MAX_MANIFEST_BYTES), `${transport.registry}/${repository}`).manifests,
    );
    to = await nextPage(transport, repository, response, to);
  }
  return found;
}

/** A manifest and what it refers to. */
export interface ReferrerLink {
  readonly subject: Digest;
  readonly referrer: Descriptor;
}

/** Takes a manifest; gives its link as a list of referrers shows it (type and annotations from inside), undefined without a subject. */
export function readLink(descriptor: Descriptor, bytes: Uint8Array): ReferrerLink | undefined {
  const isIndex = isIndexType(descriptor.mediaType);
  const document = isIndex ? parseIndex(bytes, descriptor.digest) : parseManifest(bytes, descriptor.digest);
  if (document.subject === undefined) return undefined;
  // distribution-spec 1.1: artifactType, or else the config's type, and the manifest's own annotations.
  const artifactType = document.artifactType ?? ('config' in document ? document.config.mediaType : undefined);
  const { mediaType, digest, size } = descriptor;
  return {
    subject: document.subject.digest,
    referrer: {
      mediaType,
      digest,
      size,
      ...(artifactType === undefined ? {} : { artifactType }),
      ...(document.annotations === undefined ? {} : { annotations: document.annotations }),
    },
  };
}

/**
 * Adds a referrer to the index under its subject's fallback tag, where the registry has no referrers API
 * (distribution-spec 1.1, "Pushing Manifests with Subject"). Two clients doing so at once may lose one entry: the
 * specification has no remedy for that.
 */
export async function addToFallback(
  transport: Transport,
  repository: string,
  { subject, referrer }: ReferrerLink,
): Promise<void> {
  // Some registries have the API and forget to say so with OCI-Subject: they need no tag.
  const api = await transport.send({
    repository,
    to: `referrers/${subject}`,
    scopes: [{ repository, actions: 'pull' }],
  });
  await discard(api);
  if (api.status === 200) return;
  const present = (await readFallback(transport, repository, subject)) ?? [];
  if (present.some(({ digest }) => digest === referrer.digest)) return;
  const index = buildIndex([...present, referrer]);
  await pushManifest(transport, repository, index, fallbackTag(subject));
}

async function readFallback(
  transport: Transport,
  repository: string,
  subject: Digest,
): Promise<readonly Descriptor[] | undefined> {
  const reference = { registry: transport.registry, repository, tag: fallbackTag(subject) };
  if ((await resolveManifest(transport, reference)) === undefined) return undefined;
  const { bytes } = await fetchManifest(transport, reference);
  return parseIndex(bytes, `${transport.registry}/${repository}:${reference.tag}`).manifests;
}

function fallbackTag(subject: Digest): string {
  return `sha256-${hexOf(subject)}`;
}
