// SPDX-License-Identifier: Apache-2.0
import { reportStep, type Report } from '#core';
import { canonicalJson } from '#formats';
import { toRfc3339 } from '#image';
import {
  findRelease,
  formatReleaseDocument,
  formatRevision,
  lineOf,
  orderRevisions,
  parseReleaseDocument,
  parseRevision,
  type Publication,
  publishedRevisions,
  type PublishedRelease,
  releaseArtifact,
  type ReleaseDocument,
  type ReleasePlace,
  RELEASES,
  type Revision,
} from '#release';
import { FactoryError } from './error.ts';
import { moveTags } from './move-tags.ts';
import { forward, inLine } from './forward.ts';
import { type SigningOptions, signManifest } from './sign.ts';

/** A release document to publish, and what is known on the day that it is. */
export interface PublishReleaseRequest {
  /** Without publication. */
  readonly document: ReleaseDocument;
  readonly place: ReleasePlace;
  /** Registries keep what they have; a layout is a workbench, in which a document may be written anew until another builds on it. */
  readonly kind: 'registry' | 'layout';
  /** The document's repository as people pull it: `registry.example.com/flux/releases`. */
  readonly name: string;
  readonly now: Date;
  /** Finds out what is known of vulnerabilities; asked only where a document is made. */
  readonly findings: () => Promise<Publication['findings']>;
  /** Says whether what a document says of vulnerabilities is what would be found out now; without it that is always found out. */
  readonly isCurrent?: (findings: Publication['findings']) => Promise<boolean>;
  readonly known: Pick<Publication, 'evidence' | 'compatibility' | 'support'>;
  readonly signing?: SigningOptions;
  readonly report: Report;
}

/**
 * Publishes a revision's document, signed, last of all: content, signature, the tag that never moves (`2.9.2-r0`), then `2.9.2` and the
 * line's `2.9`, unless a later revision is there. A revision that has a document for the same content keeps it: the second
 * run of the same publishes nothing. A part of a release gets none in a registry, where its revision would then be taken. Throws `REVISION_EXISTS` where it has one for other content.
 */
export async function publishRelease(request: PublishReleaseRequest): Promise<ReleaseDocument> {
  const { document, place, report, kind } = request;
  if (document.partial === true && kind === 'registry') {
    report({
      kind: 'note',
      message: `this is a part of ${document.revision}, so no release document is published; release it whole for one`,
    });
    return complete(await publishedRevisions(place), request);
  }
  const { value } = await reportStep(report, { subject: place.where, step: 'publish document' }, async () => {
    const others = await publishedRevisions(place);
    const existing = await findRelease(place, document.revision);
    const whole = existing === undefined ? await complete(others, request) : await settle(existing, others, request);
    await put(whole, request);
    return { value: whole, cached: whole === existing?.document };
  });
  return value;
}

/** Takes the document that is there; gives it where it is to stay, else the one that takes its place. */
async function settle(
  existing: PublishedRelease,
  others: readonly Revision[],
  request: PublishReleaseRequest,
): Promise<ReleaseDocument> {
  const { document, place, kind } = request;
  const isSame = contentOf(existing.document) === contentOf(document);
  const isFinal = kind === 'registry' || (await hasSuccessor(existing, others, place));
  if (isSame && isFinal) return existing.document;
  if (isFinal) {
    throw new FactoryError(
      'REVISION_EXISTS',
      `the revision has a release document for other content (${existing.digest})`,
      {
        where: place.name(RELEASES, document.revision),
        hint: 'Revisions never change. Publish the new content as the next one (--revision 1), or build from the lock that made the first.',
      },
    );
  }
  const known = existing.document.publication?.findings;
  if (known !== undefined && (await request.isCurrent?.(known)) === true) {
    const same = await complete(others, { ...request, findings: async () => known });
    if (timeless(same) === timeless(existing.document)) return existing.document;
  }
  const fresh = await complete(others, request);
  return timeless(fresh) === timeless(existing.document) ? existing.document : fresh;
}

async function hasSuccessor(
  { document, digest }: PublishedRelease,
  others: readonly Revision[],
  place: ReleasePlace,
): Promise<boolean> {
  const own = parseRevision(document.revision) as Revision;
  const later = inLine(others, own).filter((one) => orderRevisions(one, own) > 0);
  for (const one of later) {
    const found = await findRelease(place, formatRevision(one));
    if (found?.document.publication?.predecessor?.digest === digest) return true;
  }
  return false;
}

async function complete(
  others: readonly Revision[],
  { document, place, known, findings, now }: PublishReleaseRequest,
): Promise<ReleaseDocument> {
  const own = parseRevision(document.revision) as Revision;
  const before = inLine(others, own)
    .filter((one) => orderRevisions(one, own) < 0)
    .sort(orderRevisions)
    .at(-1);
  const predecessor = before === undefined ? undefined : await findRelease(place, formatRevision(before));
  const publication: Publication = {
    created: toRfc3339(now),
    ...(predecessor === undefined
      ? {}
      : { predecessor: { revision: predecessor.document.revision, digest: predecessor.digest } }),
    ...known,
    findings: await findings(),
  };
  // What is published must be readable: the reader's own checks hold for the writer too.
  return parseReleaseDocument(formatReleaseDocument({ ...document, publication }), 'release.json');
}

async function put(document: ReleaseDocument, request: PublishReleaseRequest): Promise<void> {
  const { place, signing, name, report } = request;
  const parcel = releaseArtifact(document);
  const { descriptor } = parcel.manifest;
  const isThere = (await place.resolve(RELEASES, document.revision))?.digest === descriptor.digest;
  if (!isThere) await place.put(RELEASES, parcel);
  if (signing !== undefined) {
    const created = new Date(document.publication?.created ?? 0);
    await signManifest({ store: place.store(RELEASES), manifest: descriptor, name, created }, signing);
  }
  if ((await place.resolve(RELEASES, document.revision))?.digest !== descriptor.digest)
    await place.put(RELEASES, { manifest: parcel.manifest, blobs: [] }, document.revision);
  const revision = parseRevision(document.revision) as Revision;
  const moving = [document.release, lineOf(document.release)];
  const moves = moving.map((tag) => ({ path: RELEASES, tag, to: parcel.manifest, revision }));
  await moveTags(await forward(moves, place), { place, report });
}

/** What a revision is: its images and manifests. Another build of the same content may differ in all else. */
function contentOf({ channels, manifests = [] }: ReleaseDocument): string {
  const images = Object.entries(channels).flatMap(([channel, one]) =>
    one.images.map(({ component, digest, platforms }) =>
      [
        `${channel}/${component}`,
        digest,
        ...Object.entries(platforms)
          .map(([name, { manifest }]) => `${name} ${manifest}`)
          .sort(),
      ].join(' '),
    ),
  );
  return [...images, ...manifests.map(({ channel, kind, digest }) => `${channel} ${kind} ${digest}`)].sort().join('\n');
}

/** A document without the times in it: what a second run on another hour would write again. */
function timeless({ publication, ...rest }: ReleaseDocument): string {
  const { created: _, findings, ...others } = publication ?? { created: '', findings: undefined };
  const scanned =
    findings?.kind === 'scanned'
      ? { ...findings, at: '', feeds: findings.feeds.map(({ name, state, digest }) => ({ name, state, digest })) }
      : findings;
  return canonicalJson({ ...rest, others, scanned });
}
