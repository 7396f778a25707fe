// SPDX-License-Identifier: Apache-2.0

/** Which rooms each room may import, `core` apart, which is open to all. Nothing but a room's index.ts may be imported from outside. */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  formats: [],
  cache: ['formats'],
  definition: ['formats'],
  sources: ['formats', 'cache'],
  bases: ['formats', 'cache'],
  engine: ['cache'],
  build: ['formats', 'cache', 'sources', 'bases', 'engine'],
  image: ['formats', 'cache'],
  evidence: ['formats', 'image'],
  release: ['formats', 'definition', 'sources', 'build', 'engine', 'image', 'evidence'],
  factory: ['formats', 'cache', 'definition', 'sources', 'bases', 'engine', 'build', 'image', 'evidence', 'release'],
  cli: ['cache', 'definition', 'sources', 'bases', 'engine', 'build', 'image', 'evidence', 'release', 'factory'],
  testing: ['formats', 'image', 'evidence'],
};
