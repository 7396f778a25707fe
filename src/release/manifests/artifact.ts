// SPDX-License-Identifier: Apache-2.0
import { buildManifest, type Descriptor, type Document, type Layer, toDocument, toRfc3339 } from '#image';

/** Media types of an artifact that Flux reads (fluxcd/pkg/oci, globals.go). */
export const FLUX_CONFIG_TYPE = 'application/vnd.cncf.flux.config.v1+json';
const FLUX_CONTENT_TYPE = 'application/vnd.cncf.flux.content.v1.tar+gzip';

/** What an artifact says of itself. */
export interface ArtifactFacts {
  /** When upstream made what is in it. */
  readonly created: Date;
  /** The address of the repository that `revision` is of. */
  readonly source: string;
  /** `v2.9.2@sha1:<commit>`: Flux shows it, and takes it as a new version when it changes. */
  readonly revision: string;
  readonly description: string;
}

/** An artifact's documents; its layer lies in the cache. */
export interface Artifact {
  readonly manifest: Document;
  readonly config: Document;
  readonly layer: Descriptor;
}

/** Gives an artifact as `flux push artifact` makes it (fluxcd/pkg/oci, push.go): one layer, a tar compressed by gzip. */
export function fluxArtifact(content: Layer, facts: ArtifactFacts): Artifact {
  const created = toRfc3339(facts.created);
  const config = toDocument(
    {
      architecture: '',
      os: '',
      created,
      config: {},
      rootfs: { type: 'layers', diff_ids: [content.diffId] },
    },
    FLUX_CONFIG_TYPE,
  );
  const layer = { mediaType: FLUX_CONTENT_TYPE, digest: content.digest, size: content.size };
  const manifest = buildManifest({
    config: config.descriptor,
    layers: [layer],
    annotations: {
      'org.opencontainers.image.created': created,
      'org.opencontainers.image.description': facts.description,
      'org.opencontainers.image.revision': facts.revision,
      'org.opencontainers.image.source': facts.source,
    },
  });
  return { manifest, config, layer };
}

/** Gives how Flux writes a revision of a Git tag: `v2.9.2@sha1:<commit>`, without a commit the tag alone. */
export function sourceRevision(tag: string, commit: string | undefined): string {
  return commit === undefined ? tag : `${tag}@${commit.length === 40 ? 'sha1' : 'sha256'}:${commit}`;
}
