// SPDX-License-Identifier: Apache-2.0
import { formatPurl, type Purl } from '#formats';
import type { ScanPackage } from '../subject.ts';

const CODENAMES: Readonly<Record<string, string>> = {
  buster: '10',
  bullseye: '11',
  bookworm: '12',
  trixie: '13',
  forky: '14',
};

/**
 * Takes the `distro` qualifier of a package URL (`debian-13`, `debian-13.1`, `trixie`, `alpine-3.23.0`, `alpine-3.24_alpha2`)
 * and the URL's namespace; gives the OSV ecosystem, undefined where it names none that feeds cover.
 */
export function ecosystemOf(namespace: string | undefined, distro: string | undefined): string | undefined {
  const text = distro ?? '';
  if (namespace === 'debian') {
    const release = /^(?:debian-)?([a-z]+|\d{1,3}(?:\.\d+)*)(?:\/.*)?$/.exec(text)?.[1] ?? '';
    const number = CODENAMES[release] ?? release.split('.', 1)[0] ?? '';
    return /^\d+$/.test(number) ? `Debian:${number}` : undefined;
  }
  if (namespace !== 'alpine') return undefined;
  const [, release, rest] = /^(?:alpine-)?v?(edge|\d{1,3}\.\d{1,3})((?:[._].*)?)$/.exec(text) ?? [];
  if (release === undefined) return undefined;
  return release === 'edge' || rest?.includes('_alpha') ? 'Alpine:edge' : `Alpine:v${release}`;
}

/**
 * Takes the URL of a Debian or Alpine package; gives it as advisories name it: by its source package or origin (the
 * `upstream` qualifier, `NAME` or `NAME@VERSION`), and for Debian by the source's version, without the mark of a rebuild (`+b1`).
 */
export function distributionPackage(purl: Purl, ecosystem: string): ScanPackage {
  const version = withEpoch(purl);
  const [upstream, sourceVersion] = splitAt(purl.qualifiers?.['upstream'] ?? '');
  const isDebian = ecosystem.startsWith('Debian');
  const name = upstream === '' ? purl.name : upstream;
  const found = sourceVersion ?? (isDebian ? version?.replace(/\+b\d+$/, '') : version);
  const differs = name !== purl.name || found !== version;
  return {
    ecosystem,
    name,
    version: found,
    scope: 'image',
    occurrences: [
      {
        name: purl.name,
        version: purl.version ?? '',
        purl: formatPurl(purl),
        ...(differs ? { how: `built from the source package ${name} ${found ?? ''}`.trimEnd() } : {}),
      },
    ],
  };
}

/** Some tools put a Debian version's epoch into a qualifier of its own. */
function withEpoch({ version, qualifiers }: Purl): string | undefined {
  const epoch = qualifiers?.['epoch'];
  if (version === undefined || epoch === undefined || version.includes(':') || !/^\d+$/.test(epoch)) return version;
  return `${epoch}:${version}`;
}

function splitAt(text: string): [string, string | undefined] {
  const at = text.indexOf('@');
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
