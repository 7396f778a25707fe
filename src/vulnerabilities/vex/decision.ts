// SPDX-License-Identifier: Apache-2.0
import type { Digest, Platform } from '#core';
import type { VexJustification, VexStatus } from './openvex.ts';
import type { VexImage } from './products.ts';

/** Which images a decision is about; what is undefined leaves that side open. */
export interface Scope {
  readonly components?: readonly string[] | undefined;
  readonly channels?: readonly string[] | undefined;
  /** Lines (2.9), releases (2.9.2) or revisions (2.9.2-r0). */
  readonly releases?: readonly string[] | undefined;
  readonly platforms?: readonly Platform[] | undefined;
  /** Platform manifests; evidence about a build holds for its digest alone. */
  readonly digests?: readonly Digest[] | undefined;
}

/** What was decided about one vulnerability in some packages of some images, by whom, why and until when. */
export interface VexDecision {
  /** `person` for a file in vex/, `evidence` for what reachability analysis proved. */
  readonly kind: 'person' | 'evidence';
  readonly author: string;
  /** The file with line, or the digest of the evidence. */
  readonly where: string;
  readonly vulnerability: string;
  readonly aliases: readonly string[];
  readonly status: VexStatus;
  readonly justification?: VexJustification | undefined;
  /** Why, for readers: the impact statement where there is one, else the notes on the status. */
  readonly reason: string;
  /** What users are to do, for `affected`. */
  readonly action?: string | undefined;
  readonly at: Date;
  /** From then on the decision no longer holds and the finding is open again. */
  readonly reviewBy?: Date | undefined;
  readonly scope: Scope;
  /** Package URLs; one without version means any version. */
  readonly packages: readonly string[];
}

/** Says whether a decision is about one platform of an image. */
export function inScope(scope: Scope, image: VexImage, { platform, digest }: VexImage['platforms'][number]): boolean {
  const { components, channels, releases, platforms, digests } = scope;
  return (
    (components?.includes(image.component) ?? true) &&
    (channels?.includes(image.channel) ?? true) &&
    (releases?.some((release) => isOfRelease(image.revision, release)) ?? true) &&
    (platforms?.includes(platform) ?? true) &&
    (digests?.includes(digest) ?? true)
  );
}

/** Says whether two scopes have an image in common, as far as one can tell without knowing the images. */
export function scopesMeet(a: Scope, b: Scope): boolean {
  const meet = <T>(one: readonly T[] | undefined, other: readonly T[] | undefined) =>
    one === undefined || other === undefined || one.some((name) => other.includes(name));
  const releases = (one: readonly string[] | undefined, other: readonly string[] | undefined) =>
    one === undefined ||
    other === undefined ||
    one.some((name) => other.some((another) => isOfRelease(name, another) || isOfRelease(another, name)));
  return (
    meet(a.components, b.components) &&
    meet(a.channels, b.channels) &&
    meet(a.platforms, b.platforms) &&
    meet(a.digests, b.digests) &&
    releases(a.releases, b.releases)
  );
}

/** Says whether a revision (2.9.2-r0) is, or belongs to, a revision, release (2.9.2) or line (2.9). */
function isOfRelease(revision: string, wanted: string): boolean {
  return revision === wanted || revision.startsWith(`${wanted}.`) || revision.startsWith(`${wanted}-`);
}

/** All the names of a decision's vulnerability. */
export function namesOf(decision: Pick<VexDecision, 'vulnerability' | 'aliases'>): readonly string[] {
  return [decision.vulnerability, ...decision.aliases];
}
