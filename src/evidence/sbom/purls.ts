// SPDX-License-Identifier: Apache-2.0
import { formatPurl } from '#formats';
import type { SbomInput, SbomPackage } from './types.ts';

/** Gives a Go module's package URL. Namespace and name are lower case, as the type's definition demands; names elsewhere keep theirs. */
export function modulePurl(path: string, version: string): string {
  const slash = path.lastIndexOf('/');
  return formatPurl({
    type: 'golang',
    namespace: slash === -1 ? undefined : path.slice(0, slash),
    name: path.slice(slash + 1),
    version,
  });
}

/** Takes `go1.27.3`; gives `v1.27.3`. */
export function standardLibraryVersion(goVersion: string): string {
  return `v${goVersion.replace(/^go/, '')}`;
}

/** Gives the name in the CPE dictionary under which advisories for the Go standard library are filed. */
export function goCpe(goVersion: string): string {
  const [, release = '', pre = ''] = /^go(\d+(?:\.\d+)*)(.*)$/.exec(goVersion) ?? [];
  return `cpe:2.3:a:golang:go:${release || '*'}:${pre === '' ? '-' : pre.replace(/[^a-z0-9._]/gi, '\\$&')}:*:*:*:*:*:*`;
}

/** What of a package its URL says. */
export type NamedPackage = Pick<SbomPackage, 'kind' | 'name' | 'version' | 'epoch' | 'architecture' | 'source'>;

/**
 * Gives a package's URL with the qualifiers scanners read: `distro` picks the advisories, `upstream` names the source
 * package they are filed under, with its version where that differs (of rpm, by the name of its file).
 */
export function packagePurl(
  one: NamedPackage,
  distribution: Pick<SbomInput['distribution'], 'id' | 'versionId'>,
  more: Readonly<Record<string, string>> = {},
): string {
  const { kind = 'deb' } = one;
  const upstream = upstreamOf(one);
  return formatPurl({
    type: kind,
    namespace: distribution.id,
    name: one.name,
    version: one.version,
    qualifiers: {
      arch: one.architecture,
      distro: `${distribution.id}-${distribution.versionId}`,
      ...more,
      ...(one.epoch ? { epoch: String(one.epoch) } : {}),
      ...(upstream === one.name ? {} : { upstream }),
    },
  });
}

function upstreamOf({ kind, version, source }: NamedPackage): string {
  if (kind === 'rpm') return `${source.name}-${source.version}.src.rpm`;
  return source.version === version ? source.name : `${source.name}@${source.version}`;
}

/** The qualifier of the URL of a package whose code is linked into the program, and which is not installed in the image. */
export const LINKED = 'linked';

/** Gives the URL of a Debian package whose code is linked into a program: advisories are found by it as if it were installed. */
export function linkedPurl(
  one: Omit<NamedPackage, 'kind' | 'epoch'>,
  distribution: Pick<SbomInput['distribution'], 'id' | 'versionId'>,
): string {
  return packagePurl(one, distribution, { [LINKED]: 'static' });
}

/** Gives the URL of the source package that a package was built from. */
export function sourcePurl({ kind = 'deb', source }: NamedPackage, distribution: SbomInput['distribution']): string {
  const arch = kind === 'rpm' ? 'src' : 'source';
  const qualifiers = { arch, distro: `${distribution.id}-${distribution.versionId}` };
  return formatPurl({ type: kind, namespace: distribution.id, ...source, qualifiers });
}

/** Gives an image's URL: the digest of the platform's manifest is its version. */
export function imagePurl(subject: SbomInput['subject']): string {
  const arch = subject.platform.split('/')[1] ?? '';
  return formatPurl({ type: 'oci', name: subject.name, version: subject.digest, qualifiers: { arch } });
}

/** The hosts on which the first path element is an owner. */
const FORGES = new Set(['github.com', 'gitlab.com', 'bitbucket.org', 'codeberg.org', 'gitea.com']);

/** Gives who supplies a module: whoever holds its path, that is an owner on a forge, else a domain. */
export function moduleSupplier(path: string): string {
  const [host = path, owner] = path.split('/');
  return FORGES.has(host) && owner !== undefined ? `${host}/${owner}` : host;
}
