// SPDX-License-Identifier: Apache-2.0
import { compareModuleVersions } from '#formats';

/** One build of an upstream release by us; `release` is `2.9.2`, `number` counts from 0. Written `2.9.2-r0`. */
export interface Revision {
  readonly release: string;
  readonly number: number;
}

/** Gives a revision's written form, `2.9.2-r0`. */
export function formatRevision(revision: Revision): string {
  return `${revision.release}-r${revision.number}`;
}

/** Reads a revision's written form; undefined where a text is none. */
export function parseRevision(text: string): Revision | undefined {
  const [, release, number] = /^(.+)-r(\d+)$/.exec(text) ?? [];
  return release === undefined ? undefined : { release, number: Number(number) };
}

/** Gives the revision that a document is of, or that it names: their schema has made sure that it is one. */
export function revisionOf({ revision }: { readonly revision: string }): Revision {
  return parseRevision(revision) as Revision;
}

/** Orders revisions: by release, as semantic versions are ordered, then by number. */
export function orderRevisions(a: Revision, b: Revision): number {
  return compareModuleVersions(`v${a.release}`, `v${b.release}`) || a.number - b.number;
}

/** Orders documents, each with what it was read from, by their revisions, newest first. */
export function newestFirst<T extends { readonly document: { readonly revision: string } }>(
  sources: Iterable<T>,
): readonly T[] {
  return [...sources].sort((a, b) => orderRevisions(revisionOf(b.document), revisionOf(a.document)));
}

/** Takes a release, `2.9.2`; gives its line, `2.9`. */
export function lineOf(release: string): string {
  return release.split('.', 2).join('.');
}

/** The two tags of one image of a revision: `immutable` never moves once published, `moving` follows the newest revision. */
export interface ImageTags {
  readonly immutable: string;
  readonly moving: string;
}

/** Takes a component's version (`v1.9.3`) and the revision's number; gives its tags (`v1.9.3-r0`, `v1.9.3`). */
export function imageTags(componentVersion: string, number: number): ImageTags {
  return { immutable: `${componentVersion}-r${number}`, moving: componentVersion };
}

/** Gives an image's name without tag: `<registry>/<channel>/<component>`. */
export function imageName(registry: string, channel: string, component: string): string {
  return `${registry}/${channel}/${component}`;
}
