// SPDX-License-Identifier: Apache-2.0
import { type Digest, digestOf, type Platform } from '#core';
import {
  digestOfRelease,
  type EvidenceRecord,
  type FindingsRecord,
  type ImageRecord,
  imageTags,
  parseRevision,
  type OpenFinding,
  RELEASE_DOCUMENT_TYPE,
  type ReleaseDocument,
} from '#release';

/** What of a made-up document is chosen. */
export interface DocumentChoice {
  readonly components?: readonly string[];
  readonly channels?: readonly string[];
  readonly platforms?: readonly Platform[];
  readonly predecessor?: ReleaseDocument;
  readonly created?: string;
  readonly open?: readonly OpenFinding[];
  /** Digests of real indexes and manifests, by `channel/component` and `channel/component/platform`. */
  readonly digests?: (place: string) => Digest;
  /** Members of the source that every component of the release has. */
  readonly findings?: FindingsRecord;
}

const h1 = (seed: string) => `h1:${Buffer.from(digestOf(seed).slice(7), 'hex').toString('base64')}`;

const module = (path: string, version: string) => ({
  path,
  version,
  zipHash: h1(`${path}@${version}`),
  modHash: h1(`${path}@${version}/go.mod`),
  proof: { kind: 'checksum-database' as const, database: 'sums.example', recordId: 1, treeSize: 2 },
});

/** Gives a whole, consistent document of made-up things: alpha and beta in two channels, unless told otherwise. */
export function releaseDocument(revision: string, choice: DocumentChoice = {}): ReleaseDocument {
  const { release, number } = parseRevision(revision) ?? { release: revision, number: 0 };
  const { components = ['alpha', 'beta'], channels = ['distroless', 'fips'], platforms = ['linux/amd64'] } = choice;
  const digests = choice.digests ?? ((place: string) => digestOf(`${revision} ${place}`));
  const image = (channel: string, component: string): ImageRecord => {
    const version = `v1.${release.split('.').slice(1).join('.')}`;
    const { immutable, moving } = imageTags(version, number);
    const place = `${channel}/${component}`;
    return {
      component,
      version,
      name: `registry.example.com/flux/${place}`,
      tags: [immutable, moving],
      digest: digests(place),
      source: { ...module(`git.example/${component}`, version), commit: 'a'.repeat(40), nested: [] },
      platforms: Object.fromEntries(
        platforms.map((platform) => [
          platform,
          {
            manifest: digests(`${place}/${platform}`),
            config: digestOf(`config ${place}`),
            layers: [{ digest: digestOf('layer'), diffId: digestOf('diff'), size: 10 }],
            binary: { path: `/usr/local/bin/${component}`, digest: digestOf(component), size: 5 },
            modules: { count: 1, digest: digestOf('modules') },
            sbom: { spdx: digestOf('spdx'), cyclonedx: digestOf('cyclonedx') },
            isolation: 'none',
          },
        ]),
      ),
    };
  };
  const evidence = channels.flatMap((channel) =>
    components.map(
      (component): EvidenceRecord => ({
        image: `${channel}/${component}`,
        subject: 'index',
        predicateType: 'https://sigstore.dev/cosign/sign/v1',
        digest: digestOf(`signature ${channel} ${component}`),
      }),
    ),
  );
  const before = choice.predecessor;
  return {
    mediaType: RELEASE_DOCUMENT_TYPE,
    distribution: 'example',
    release,
    revision,
    flux: module('git.example/flux', `v${release}`),
    definition: digestOf('definition'),
    lock: digestOf('lock'),
    toolchain: { version: 'go1.27.3', modules: { 'linux/amd64': module('golang.org/toolchain', 'v0.0.1') } },
    compressor: 'gzip',
    exemptions: [],
    channels: Object.fromEntries(
      channels.map((channel) => [
        channel,
        {
          base: { name: 'debian-13', releases: [], packages: {} },
          images: components.map((component) => image(channel, component)),
        },
      ]),
    ),
    publication: {
      created: choice.created ?? '2026-08-21T00:00:00Z',
      ...(before === undefined
        ? number === 0
          ? {}
          : { predecessor: { revision: `${release}-r${number - 1}`, digest: digestOf('before') } }
        : { predecessor: { revision: before.revision, digest: digestOfRelease(before) } }),
      evidence,
      findings: choice.findings ?? {
        kind: 'scanned',
        at: '2026-08-21T00:00:00Z',
        feeds: [{ name: 'go', state: 'fresh', digest: digestOf('go'), asOf: '2026-08-20T00:00:00Z', ageHours: 24 }],
        open: [...(choice.open ?? [])],
        closed: [],
        gaps: [],
      },
    },
  };
}

/** An open finding of alpha in every channel. */
export function openFinding(id: string, severity: OpenFinding['severity'] = 'high'): OpenFinding {
  return {
    id,
    aliases: [],
    ecosystem: 'Go',
    package: 'golang.org/x/net',
    version: 'v0.30.0',
    severity,
    exploited: false,
    state: 'open',
    images: ['distroless/alpha', 'fips/alpha'],
    platforms: ['linux/amd64'],
  };
}
