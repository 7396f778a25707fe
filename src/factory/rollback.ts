// SPDX-License-Identifier: Apache-2.0
import { type Digest, reportStep, type Report } from '#core';
import { PREDICATES, publishEvidence, toStatement } from '#evidence';
import type { Document, RegistryClient } from '#image';
import { imageTags, registryPlace, type ReleasePlace } from '#release';
import { FactoryError } from './error.ts';
import { moveTags } from './move-tags.ts';
import { pathOf } from './publish.ts';
import { releaseTags, type RevisionTags } from './release-tags.ts';
import type { SigningOptions } from './sign.ts';

/** One image whose moving tag is to go back. `version` is the component's, `v1.9.3`. */
export interface RollbackImage {
  readonly channel: string;
  readonly component: string;
  readonly version: string;
}

/** Which revision the moving tags are to name again, where, and why. */
export interface RollbackRequest {
  readonly images: readonly RollbackImage[];
  /** The revision's number: 0 for `2.9.2-r0`. */
  readonly revision: number;
  /** The release, where all of its images go back: then the tags of its document and manifests go with them. */
  readonly release?: string;
  readonly registry: string;
  readonly client: RegistryClient;
  readonly reason: string;
  readonly now: Date;
  readonly signing: SigningOptions;
  readonly report: Report;
}

/** What one tag names now, and what it named before; the same where nothing had to move. */
export interface RolledBack {
  readonly name: string;
  readonly tag: string;
  readonly from: Digest | undefined;
  readonly to: Digest;
}

/**
 * Makes the moving tags name an earlier revision again, those of a whole release's document and manifests too. First all of that
 * revision must be there; then each gets a signed statement of the rollback ({@link PREDICATES.rollback}: from, to, why, when), then the
 * tags move. Immutable tags stay. Throws `REVISION_MISSING` before anything has changed.
 */
export async function rollBack(request: RollbackRequest): Promise<readonly RolledBack[]> {
  const { report, registry, client, release, revision } = request;
  const place = registryPlace(client, registry);
  const images = request.images.map(({ version, ...image }) => ({
    path: pathOf(image),
    ...imageTags(version, revision),
  }));
  const others = release === undefined ? [] : await releaseTags(place, { release, revision });
  const targets = await Promise.all([...images, ...others].map((tags) => toTarget(tags, place)));
  const moving = targets.filter(({ from, root }) => from !== root.descriptor.digest);
  await reportStep(report, { subject: registry, step: 'roll back' }, async () => {
    for (const target of moving) await record(target, place, request);
    await moveTags(
      moving.map(({ path, root, tag }) => ({ path, tag, to: root })),
      { place, report },
    );
    return { cached: moving.length === 0 };
  });
  return targets.map(({ path, tag, from, root }) => ({
    name: place.name(path),
    tag,
    from,
    to: root.descriptor.digest,
  }));
}

interface Target {
  readonly path: string;
  readonly tag: string;
  readonly from: Digest | undefined;
  readonly root: Document;
}

async function toTarget({ path, ...tags }: RevisionTags, place: ReleasePlace): Promise<Target> {
  const [wanted, current] = await Promise.all([tags.immutable, tags.moving].map((tag) => place.resolve(path, tag)));
  if (wanted === undefined) {
    throw new FactoryError('REVISION_MISSING', 'the revision to go back to is not there', {
      where: place.name(path, tags.immutable),
      hint: 'Nothing was changed. Name a revision that was published whole to this registry.',
    });
  }
  return { path, tag: tags.moving, from: current?.digest, root: await place.read(path, wanted.digest) };
}

async function record({ path, tag, from, root }: Target, place: ReleasePlace, request: RollbackRequest): Promise<void> {
  const { signing, reason, now } = request;
  const subject = { name: place.name(path), digest: root.descriptor.digest };
  const predicate = { tag, from: from ?? null, to: root.descriptor.digest, reason, at: now.toISOString() };
  await publishEvidence({
    store: place.store(path),
    claims: [{ statement: toStatement(subject, PREDICATES.rollback, predicate), subjects: [root.descriptor] }],
    signer: signing.signer,
    created: now,
  });
}
