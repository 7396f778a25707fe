// SPDX-License-Identifier: Apache-2.0
import { type ApkPackage, parseApkInstalled, parseDeb822 } from '#formats';

/** A Debian package as the image itself says that it holds it. */
export interface DpkgPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** The source package that it was built from, and that one's version: its own where the list tells no other. */
  readonly source: { readonly name: string; readonly version: string };
  readonly maintainer?: string;
  readonly homepage?: string;
}

/** Matches the paths of os-release (os-release(5)). */
const OS_RELEASE = /^(?:usr\/lib|etc)\/os-release$/;

/** Debian's list, or one file for each package, as images without dpkg have them. */
const DPKG = /^var\/lib\/dpkg\/(?:status|status\.d\/[^/]+(?<!\.md5sums))$/;

/** What dpkg knows of a package's files, and what its copyright file says. */
const DPKG_FILES =
  /^(?:var\/lib\/dpkg\/(?:info\/[^/]+\.list|status\.d\/[^/]+\.md5sums)|usr\/share\/doc\/[^/]+\/copyright)$/;

/** Alpine's list: below usr since apk-tools 3. */
const APK = /^(?:usr\/)?lib\/apk\/db\/installed$/;

/** The lists and every folder above them. */
const WAY_TO_LIST =
  /^(?:var(?:\/lib(?:\/dpkg(?:\/status(?:\.d)?)?)?)?|(?:usr\/)?lib(?:\/apk(?:\/db(?:\/installed)?)?)?|usr|(?:var\/lib|usr\/lib\/sysimage)\/rpm(?:\/rpmdb\.sqlite)?)$/;

/** Says whether a file names packages or the distribution. */
export function isListed(path: string): boolean {
  return DPKG.test(path) || APK.test(path) || OS_RELEASE.test(path);
}

/** Says whether a file tells which package owns which files, or under which licence: what an SBOM of a foreign image needs beside its lists. */
export function isOwnerList(path: string): boolean {
  return DPKG_FILES.test(path);
}

/** Links that distributions have from where a list lay to where it lies now: both places are read. */
const MOVED: Readonly<Record<string, RegExp>> = {
  lib: /^\/?(?:\.\/)?usr\/lib\/?$/,
  'lib/apk': /^(?:\/|\.\.\/)usr\/lib\/apk\/?$/,
  'var/lib/rpm': /^(?:\/|\.\.\/\.\.\/)usr\/lib\/sysimage\/rpm\/?$/,
};

/** Says whether a symbolic link hides a list of packages from who reads files by their paths in layers. */
export function hidesList(path: string, target: string): boolean {
  if (MOVED[path]?.test(target) === true) return false;
  return WAY_TO_LIST.test(path) || /^var\/lib\/dpkg\/status\.d\/[^/]+$/.test(path);
}

/**
 * Reads the stanzas of what is there, also of what dpkg has not finished with (dpkg(1), "PACKAGE STATES"); a stanza without
 * a status counts as such, as in Distroless images.
 */
export function dpkgPackages(texts: ReadonlyMap<string, string>): readonly DpkgPackage[] {
  const packages = [...texts].flatMap(([path, text]) => {
    if (!DPKG.test(path)) return [];
    return parseDeb822(text, path).flatMap((stanza) => {
      const name = stanza.get('package');
      if (name === undefined || / (?:not-installed|config-files)$/.test(stanza.get('status') ?? '')) return [];
      const version = stanza.get('version') ?? '';
      const source = sourceOf(stanza.get('source'), { name, version });
      const [maintainer, homepage] = [stanza.get('maintainer'), stanza.get('homepage')];
      return [
        {
          name,
          version,
          architecture: stanza.get('architecture') ?? '',
          source,
          ...(maintainer === undefined ? {} : { maintainer }),
          ...(homepage === undefined ? {} : { homepage }),
        },
      ];
    });
  });
  return packages.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** `Source: openssl`, or `Source: gcc-14 (14.2.0-19)` where the versions differ (Debian policy 5.6.1). A rebuild (`+b1`) has its source's version. */
function sourceOf(field: string | undefined, own: DpkgPackage['source']): DpkgPackage['source'] {
  const [, name = own.name, version = own.version.replace(/\+b\d+$/, '')] =
    /^([^\s()]+)(?:\s*\(([^\s()]+)\))?$/.exec(field ?? '') ?? [];
  return { name, version };
}

/** Reads Alpine's lists of what is installed. */
export function apkPackages(texts: ReadonlyMap<string, string>): readonly ApkPackage[] {
  const packages = [...texts].flatMap(([path, text]) => (APK.test(path) ? parseApkInstalled(text, path) : []));
  return packages.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Gives the fields of os-release. */
export function releaseFields(texts: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const text = texts.get('etc/os-release') ?? texts.get('usr/lib/os-release') ?? '';
  return new Map([...text.matchAll(/^([A-Z_]+)=["']?(.*?)["']?$/gm)].map(([, key = '', value = '']) => [key, value]));
}
