// SPDX-License-Identifier: Apache-2.0
import { type ApkPackage, copyrightLicences, type RpmPackage } from '#formats';
import type { ImageContent } from './image-content.ts';
import type { DpkgPackage } from './package-lists.ts';
import type { SbomFile, SbomPackage } from './types.ts';

/** What an image holds, as an SBOM tells it. */
export interface InstalledContent {
  /** Every regular file. */
  readonly files: readonly SbomFile[];
  readonly packages: readonly SbomPackage[];
}

type Content = Pick<ImageContent, 'files' | 'packages' | 'apks' | 'rpms' | 'texts'>;

/**
 * Takes the content of an image that was read with `owners`; gives its files and packages for an SBOM. A file belongs to the first package
 * whose list names it; a list that names what is not there, or a folder or link, is believed no more than that.
 */
export function installedContent(content: Content): InstalledContent {
  const files = [...content.files].map(([path, { digest, size, sha1 = '' }]) => ({ path, digest, sha1, size }));
  const claim = openClaims(content);
  const packages = new Map<string, SbomPackage>();
  const add = (one: SbomPackage) => {
    const key = [one.kind, one.name, one.version, one.architecture].join(' ');
    if (!packages.has(key)) packages.set(key, one);
  };
  for (const one of content.packages) add(ofDpkg(one, content, claim));
  for (const one of content.apks) add(ofApk(one, claim));
  for (const one of content.rpms) add(ofRpm(one, claim));
  return { files, packages: [...packages.values()] };
}

type Claim = (paths: readonly string[]) => SbomPackage['files'];

/** Lists may name what lies below usr by its path before the folders were merged. */
const MERGED = /^(?:s?bin|lib(?:32|64|x32)?)\//;

function openClaims({ files }: Content): Claim {
  const taken = new Set<string>();
  return (paths) =>
    paths.flatMap((named) => {
      const path = files.has(named) || !MERGED.test(named) ? named : `usr/${named}`;
      const file = files.get(path);
      if (file === undefined || taken.has(path)) return [];
      taken.add(path);
      return [{ path, digest: file.digest }];
    });
}

function ofDpkg(one: DpkgPackage, { texts, files }: Content, claim: Claim): SbomPackage {
  const { name, version, architecture, source } = one;
  const copyright = `usr/share/doc/${name}/copyright`;
  return {
    kind: 'deb',
    name,
    version,
    architecture,
    source,
    maintainer: one.maintainer ?? '',
    ...(one.homepage === undefined ? {} : { homepage: one.homepage }),
    ...(files.has(copyright) ? { copyright } : {}),
    licenses: copyrightLicences(texts.get(copyright) ?? ''),
    files: claim(pathsOf(one, texts)),
  };
}

/** `info/NAME.list` or `info/NAME:ARCHITECTURE.list`, one path a line; of Distroless images `status.d/NAME.md5sums`. */
function pathsOf({ name, architecture }: DpkgPackage, texts: ReadonlyMap<string, string>): readonly string[] {
  const info = 'var/lib/dpkg/info';
  const list = texts.get(`${info}/${name}:${architecture}.list`) ?? texts.get(`${info}/${name}.list`);
  if (list !== undefined) return list.split('\n').map((line) => line.replace(/^\/+/, ''));
  const sums = texts.get(`var/lib/dpkg/status.d/${name}.md5sums`) ?? '';
  return sums.split('\n').map((line) => line.slice(34).replace(/^(?:\.?\/)+/, ''));
}

function ofApk(one: ApkPackage, claim: Claim): SbomPackage {
  const { name, version, architecture, origin, maintainer, homepage, licence, commit, paths } = one;
  return {
    kind: 'apk',
    name,
    version,
    architecture,
    source: { name: origin, version },
    maintainer,
    ...(homepage === '' ? {} : { homepage }),
    licenses: [],
    licence,
    ...(commit === '' ? {} : { commit }),
    files: claim(paths),
  };
}

function ofRpm(one: RpmPackage, claim: Claim): SbomPackage {
  const { name, version, epoch, architecture, licence, vendor, homepage, paths } = one;
  return {
    kind: 'rpm',
    name,
    version,
    ...(epoch === 0 ? {} : { epoch }),
    architecture,
    source: sourceOf(one),
    maintainer: vendor,
    ...(homepage === '' ? {} : { homepage }),
    licenses: [],
    licence,
    files: claim(paths),
  };
}

/** `openssl-3.2.2-6.el9.src.rpm`: neither version nor release holds a hyphen. */
function sourceOf({ name, version, sourcePackage }: RpmPackage): SbomPackage['source'] {
  const [, source = name, its = version] = /^(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm$/.exec(sourcePackage) ?? [];
  return { name: source, version: its };
}
