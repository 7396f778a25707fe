// SPDX-License-Identifier: Apache-2.0
import { markdownCode, markdownTable, markdownText } from '#formats';
import type { CatalogSource } from '../catalog.ts';
import type { ChannelRecord, ManifestsRecord, ReleaseDocument } from '../document.ts';
import { architectureOf, type Platform } from '#core';
import { revisionSection } from './revision-section.ts';

/** The revisions of one release, newest first; there is at least one. */
export interface ReleaseRevisions {
  readonly release: string;
  readonly revisions: readonly [newest: CatalogSource, ...older: CatalogSource[]];
}

/** Gives the section of a patch release: what its newest revision consists of, channel by channel, then its revisions. */
export function releaseSection(
  { release, revisions }: ReleaseRevisions,
  of: {
    readonly before: (document: ReleaseDocument) => ReleaseDocument | undefined;
    readonly changelogs: ReadonlyMap<string, string>;
  },
): string {
  const [{ document: newest }] = revisions;
  const version = `v${release}`;
  const upstream = `Upstream changelog: [fluxcd/flux2 ${version}](https://github.com/fluxcd/flux2/releases/tag/${version})\n`;
  const channels = Object.entries(newest.channels).map(([name, channel]) =>
    channelSection({ name, channel, version, manifests: newest.manifests ?? [] }),
  );
  const sections = revisions.map((source) =>
    revisionSection(source, {
      before: of.before(source.document),
      changelog: of.changelogs.get(source.document.revision),
    }),
  );
  return [`## ${version}\n`, upstream, ...channels, `### Revisions ${version}\n`, ...sections].join('\n');
}

function channelSection(of: {
  readonly name: string;
  readonly channel: ChannelRecord;
  readonly version: string;
  readonly manifests: readonly ManifestsRecord[];
}): string {
  const { images } = of.channel;
  const manifests = of.manifests.filter(({ channel }) => channel === of.name);
  const flux = manifests.filter(({ kind }) => kind === 'flux-manifests');
  const digests = [...images, ...manifests].map(({ name, tags, digest }) => [
    markdownCode(name),
    tags.map(markdownCode).join(' '),
    markdownCode(digest),
  ]);
  return [
    `### ${channelTitle(of.name)} ${of.version}\n`,
    '#### Flux Controllers\n',
    markdownTable(
      ['Controller', 'Version', 'Architectures'],
      images.map(({ name, version, platforms }) => [
        markdownCode(name),
        markdownText(version),
        architectures(platforms),
      ]),
    ),
    '#### Digests\n',
    markdownTable(['Artifact', 'Tags', 'Digest'], digests),
    '#### Flux Manifests\n',
    flux.length === 0
      ? 'None were published with this revision.\n'
      : markdownTable(
          ['OCI Artifact', 'Version'],
          flux.map(({ name, tags }) => [markdownCode(name), markdownText(tags.at(-1) ?? '')]),
        ),
  ].join('\n');
}

/** `fips` is spoken in capitals; the rest begins with one. */
function channelTitle(name: string): string {
  const words = name.split('-').map((word) => (word === 'fips' ? 'FIPS' : word));
  return markdownText(words.join(' ').replace(/^[a-z]/, (sign) => sign.toUpperCase()));
}

function architectures(platforms: Readonly<Record<string, unknown>>): string {
  return (Object.keys(platforms) as Platform[]).map(architectureOf).sort().join(' / ');
}
