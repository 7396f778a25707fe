// SPDX-License-Identifier: Apache-2.0

/** The parts of a package URL, unencoded. `namespace` may hold slashes, which separate its segments. */
export interface PackageUrl {
  readonly type: string;
  readonly namespace?: string;
  readonly name: string;
  readonly version?: string;
  readonly qualifiers?: Readonly<Record<string, string>>;
}

/** Gives a package URL's one text (https://github.com/package-url/purl-spec): parts encoded, qualifiers sorted, empty ones left out. */
export function formatPurl({ type, namespace, name, version, qualifiers = {} }: PackageUrl): string {
  const segments = [...(namespace?.split('/').filter((segment) => segment !== '') ?? []), name].map(encode);
  const pairs = Object.entries(qualifiers)
    .filter(([, value]) => value !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${encode(value)}`);
  const at = version === undefined || version === '' ? '' : `@${encode(version)}`;
  return `pkg:${type}/${segments.join('/')}${at}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`;
}

/**
 * Takes a Go module's path and version (with its `v`); gives its package URL. The purl type `golang` is lower-case, and
 * the last segment of the path, also a major suffix, is the name.
 */
export function goModulePurl(path: string, version: string): string {
  const lower = path.toLowerCase();
  const slash = lower.lastIndexOf('/');
  const namespace = slash === -1 ? {} : { namespace: lower.slice(0, slash) };
  return formatPurl({ type: 'golang', ...namespace, name: lower.slice(slash + 1), version });
}

/** Takes a Debian package; gives its package URL. `distro` is `debian-13`, the form that scanners read. */
export function debianPurl(found: {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly distro?: string;
}): string {
  const { name, version, architecture, distro } = found;
  const qualifiers = { arch: architecture, ...(distro === undefined ? {} : { distro }) };
  return formatPurl({ type: 'deb', namespace: 'debian', name, version, qualifiers });
}

/** Percent-encodes all but RFC 3986's unreserved characters and the colon, which the specification leaves as it is. */
function encode(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%3A', ':');
}
