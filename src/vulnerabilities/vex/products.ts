// SPDX-License-Identifier: Apache-2.0
import { architectureOf, type Digest, hexOf, type Platform } from '#core';
import { formatPurl } from '#formats';
import { purlOf } from './matches.ts';
import type { VexComponent, VexProduct } from './openvex.ts';

/** One published image: what it is in the distribution, and by which digests the world knows it. */
export interface VexImage {
  readonly component: string;
  readonly channel: string;
  /** Such as `2.9.2-r0`. */
  readonly revision: string;
  /** Registry and repository without tag, such as `registry.example.com/flux/distroless/source-controller`. */
  readonly repository: string;
  readonly index: Digest;
  readonly platforms: readonly { readonly platform: Platform; readonly digest: Digest }[];
}

/**
 * Gives the products by which scanners know the given platforms of an image, each with these packages as subcomponents:
 *
 * - `pkg:oci/NAME@PLATFORM_DIGEST` with the bare hash: what Grype and Trivy look for when the manifest itself is scanned.
 *   The digest says the architecture; a qualifier that Grype does not give would make it miss.
 * - `pkg:oci/NAME@INDEX_DIGEST?arch=ARCH`: what Trivy looks for when a tag is scanned, which it resolves to the index.
 * - `pkg:oci/NAME@INDEX_DIGEST`, only where every platform of the image is meant: what Grype looks for when a tag is scanned.
 *
 * No `repository_url`: the digest binds already, and a copy in another registry is the same image.
 */
export function productsOf(
  image: VexImage,
  platforms: readonly Platform[],
  packages: readonly string[],
): readonly VexProduct[] {
  const name = nameOf(image.repository);
  const subcomponents = packages.flatMap(subcomponentsOf);
  const meant = image.platforms.filter(({ platform }) => platforms.includes(platform));
  const whole = meant.length === image.platforms.length;
  const oci = (version: Digest, qualifiers: Record<string, string> = {}) =>
    formatPurl({ type: 'oci', name, version, qualifiers });
  const own = meant.map(({ digest }) => ({
    '@id': oci(digest),
    identifiers: { purl: oci(digest) },
    hashes: { 'sha-256': hexOf(digest) },
    subcomponents,
  }));
  const isIndex = image.platforms.every(({ digest }) => digest !== image.index);
  if (!isIndex) return own;
  const byArch = meant.map(({ platform }) => {
    const purl = oci(image.index, { arch: architectureOf(platform) });
    return { '@id': purl, identifiers: { purl }, subcomponents };
  });
  const all = { '@id': oci(image.index), identifiers: { purl: oci(image.index) }, subcomponents };
  return [...own, ...byArch, ...(whole ? [{ ...all, hashes: { 'sha-256': hexOf(image.index) } }] : [])];
}

/**
 * Gives the names that a scanner has for an image by one digest: the package URL with and without architecture, and the bare hash.
 * `name` is the last part of its repository.
 */
export function identifiersOf(
  name: string,
  digests: readonly Digest[],
  platform: string | undefined,
): readonly string[] {
  const qualifiers = platform === undefined ? {} : { arch: platform.split('/')[1] ?? '' };
  return digests.flatMap((version) => [formatPurl({ type: 'oci', name, version, qualifiers }), hexOf(version)]);
}

/** The last part of a repository, lower case as `pkg:oci` has it. */
function nameOf(repository: string): string {
  return (repository.split('/').at(-1) ?? repository).toLowerCase();
}

/**
 * The forms of a package's URL that scanners give: without qualifiers, which they fill in each in their own way; Go's standard
 * library with `v` (Trivy, osv-scanner) and without (Syft, Grype); a Debian epoch inside the version (Syft) and beside it (Trivy).
 */
function subcomponentsOf(text: string): readonly VexComponent[] {
  return packageForms(text).map((purl) => ({ '@id': purl, identifiers: { purl } }));
}

/** See {@link subcomponentsOf}; the text itself where it is no package URL. */
export function packageForms(text: string): readonly string[] {
  const purl = purlOf(text);
  if (purl === undefined) return [text];
  const { qualifiers: _qualifiers, ...plain } = purl;
  const { version } = plain;
  const forms = [formatPurl(plain)];
  if (plain.type === 'golang' && plain.namespace === undefined && plain.name === 'stdlib' && version !== undefined) {
    const bare = version.replace(/^(?:v|go)/, '');
    forms.splice(0, 1, formatPurl({ ...plain, version: `v${bare}` }), formatPurl({ ...plain, version: bare }));
  }
  const epoch = plain.type === 'deb' ? /^(\d+):(.+)$/.exec(version ?? '') : null;
  if (epoch !== null && epoch[1] !== '0') {
    forms.push(formatPurl({ ...plain, version: epoch[2], qualifiers: { epoch: epoch[1] ?? '' } }));
  }
  return forms;
}
