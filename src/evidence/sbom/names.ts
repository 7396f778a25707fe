// SPDX-License-Identifier: Apache-2.0
// Names that writing and reading an SBOM share; apart from both, so that reading loads no writer.

/** The type of the reference that carries a Go module's directory hash; SPDX has no checksum of that kind. */
export const H1_REFERENCE = 'go-h1';

/** The names of properties that carry what CycloneDX has no member for. */
export const PROPERTIES = {
  h1: 'oakum:go:h1',
  size: 'oakum:size',
  generates: 'oakum:generates',
  metafileOf: 'oakum:metafile-of',
  buildToolOf: 'oakum:build-tool-of',
  config: 'oakum:image:config',
  platform: 'oakum:image:platform',
} as const;
