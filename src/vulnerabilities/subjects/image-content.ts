// SPDX-License-Identifier: Apache-2.0
import type { ImageContent } from '#evidence';
import { mergePackages, type ScanGap, type ScanPackage, type ScanSubject } from '../subject.ts';
import { distributionPackage, ecosystemOf } from './distribution-packages.ts';
import { programPackages } from './go-packages.ts';

/** What is needed of an image's content. */
type Content = Pick<
  ImageContent,
  'packages' | 'apks' | 'rpms' | 'programs' | 'release' | 'hiddenLists' | 'unreadLists'
>;

/** Gives the packages of an image by its own bytes: its Go programs, and what dpkg, apk or rpm says is installed, by source package or origin. */
export function contentPackages(content: Content): Pick<ScanSubject, 'packages' | 'gaps'> {
  const programs = [...content.programs.values()].flatMap(programPackages);
  const distribution = distributionPackages(content);
  const packages = [...programs, ...distribution.packages];
  const gaps = [...distribution.gaps, ...hiddenGaps(content)];
  return {
    packages: mergePackages(packages),
    gaps:
      packages.length === 0 && gaps.length === 0
        ? [{ what: 'the whole image', reason: 'no package was found in its layers' }]
        : gaps,
  };
}

function distributionPackages({ packages, apks, rpms, release }: Content): Pick<ScanSubject, 'packages' | 'gaps'> {
  const id = release.get('ID');
  const ecosystem = ecosystemOf(id, release.get('VERSION_ID'));
  const debian = packages.map(({ name, version, architecture, source }) => ({
    type: 'deb',
    namespace: 'debian',
    name,
    version,
    qualifiers: { arch: architecture, upstream: `${source.name}@${source.version}` },
  }));
  const alpine = apks.map(({ name, version, architecture, origin }) => ({
    type: 'apk',
    namespace: 'alpine',
    name,
    version,
    qualifiers: { arch: architecture, upstream: origin },
  }));
  const found: ScanPackage[] = [];
  const gaps: ScanGap[] = [];
  for (const [kind, list] of [['Debian', debian] as const, ['Alpine', alpine] as const]) {
    if (list.length === 0) continue;
    if (ecosystem?.startsWith(`${kind}:`)) found.push(...list.map((purl) => distributionPackage(purl, ecosystem)));
    else gaps.push({ what: `${list.length} ${kind} packages`, reason: `no feed covers ${nameOf(release)}` });
  }
  if (rpms.length > 0)
    gaps.push({ what: `${rpms.length} packages of rpm`, reason: `no feed covers ${nameOf(release)}` });
  if (debian.length + alpine.length + rpms.length === 0 && id !== undefined)
    gaps.push({ what: `packages of ${nameOf(release)}`, reason: 'its layers hold no list of them that is known' });
  return { packages: found, gaps };
}

function nameOf(release: ReadonlyMap<string, string>): string {
  const name = [release.get('ID'), release.get('VERSION_ID')].filter((part) => part !== undefined).join(' ');
  return name === '' ? 'an unnamed distribution' : name.slice(0, 80);
}

function hiddenGaps({ hiddenLists, unreadLists }: Content): readonly ScanGap[] {
  const hidden = [...hiddenLists].map(
    ([path, target]) => [path, `it is a link to ${JSON.stringify(target.slice(0, 80))}, which was not read`] as const,
  );
  return [...hidden, ...unreadLists].map(([path, reason]) => ({ what: `packages listed in /${path}`, reason }));
}
