// SPDX-License-Identifier: Apache-2.0
import { messageOf, OakumError, type Architecture } from '#core';
import { compressionOf, decompress, isDebianVersion, parseDeb822, selectStanzas } from '#formats';
import { BaseError } from './error.ts';
import type { OpenRelease } from './open-release.ts';
import type { ReleaseIndex } from './release-file.ts';
import { getBlob } from './transfer.ts';
import type { DebianOptions, LockedPackage } from './types.ts';

const MAX_INDEX = 512 << 20;
/** Compressed forms, best first; the plain one last. */
const ENDINGS = ['.xz', '.gz', ''];

/**
 * Finds the named packages in a suite's `main` indexes for an architecture (and in the one for `all`, where the archive
 * keeps that apart). The index is proved by its digest, streamed, and its wanted stanzas are remembered by that digest.
 * Throws `BASE_INDEX_MISSING`, `BASE_INDEX_DIFFERS` or `BASE_INDEX_INVALID`.
 */
export async function findPackages(
  open: OpenRelease,
  query: { readonly packages: readonly string[]; readonly architecture: Architecture },
  options: DebianOptions,
): Promise<readonly LockedPackage[]> {
  const parts = open.release.separateAll ? [query.architecture, 'all'] : [query.architecture];
  const found: LockedPackage[] = [];
  for (const part of parts) {
    const folder = `main/binary-${part}`;
    const { path, index } = chooseIndex(open, folder);
    const where = `${open.mirror}/dists/${open.suite}/${path}`;
    const { value } = await options.cache.step<{ readonly stanzas: readonly string[] }>(
      { name: 'select-debian-packages', inputs: { index: index.digest, packages: [...query.packages].sort() } },
      () => [],
      async () => ({ stanzas: await readIndex({ open, folder, path, index, where }, query.packages, options) }),
    );
    for (const stanza of value.stanzas) {
      const one = toLockedPackage(stanza, open.suite, where);
      if (one.architecture === query.architecture || one.architecture === 'all') found.push(one);
    }
  }
  return found;
}

function chooseIndex(open: OpenRelease, folder: string): { path: string; index: ReleaseIndex } {
  for (const ending of ENDINGS) {
    const path = `${folder}/Packages${ending}`;
    const index = open.release.indexes.get(path);
    if (index !== undefined) return { path, index };
  }
  throw new BaseError('BASE_INDEX_MISSING', `the suite ${open.suite} has no index ${folder}/Packages`, {
    where: `${open.mirror}/dists/${open.suite}/InRelease`,
  });
}

interface IndexPlace {
  readonly open: OpenRelease;
  readonly folder: string;
  readonly path: string;
  readonly index: ReleaseIndex;
  readonly where: string;
}

async function readIndex(
  place: IndexPlace,
  packages: readonly string[],
  options: DebianOptions,
): Promise<readonly string[]> {
  const { index, where, path } = place;
  if ((await options.cache.blobs.find(index.digest)) === undefined) await fetchIndex(place, options);
  const plain = place.open.release.indexes.get(`${place.folder}/Packages`);
  const bytes = decompress(options.cache.blobs.read(index.digest), {
    compression: compressionOf(path),
    maxBytes: Math.min(plain?.size ?? MAX_INDEX, MAX_INDEX),
    where,
  });
  const stanzas: string[] = [];
  for await (const stanza of selectStanzas(bytes, { packages: new Set(packages), where })) stanzas.push(stanza);
  return stanzas;
}

async function fetchIndex(place: IndexPlace, options: DebianOptions): Promise<void> {
  const { open, folder, index, where } = place;
  const hashed = `${open.mirror}/dists/${open.suite}/${folder}/by-hash/SHA256/${index.digest.slice('sha256:'.length)}`;
  const expected = {
    ...index,
    differs: (url: string, cause: unknown) =>
      new BaseError('BASE_INDEX_DIFFERS', `an index is not the one that the Release file of ${open.suite} names`, {
        where: url,
        hint: 'The mirror may be in the middle of an update: try again in some minutes, or use another mirror.',
        cause,
      }),
  };
  for (const url of open.release.byHash ? [hashed, where] : [where]) {
    if ((await getBlob(options, url, expected)) !== undefined) return;
  }
  throw new BaseError('BASE_INDEX_MISSING', `the mirror lacks an index of ${open.suite} that its Release file names`, {
    where,
    hint: 'The mirror may be in the middle of an update: try again in some minutes, or use another mirror.',
  });
}

const NAME = /^[a-z0-9][a-z0-9+.-]+$/;
const PATH = /^(?!.*(?:^|\/)\.{0,2}(?:\/|$))[A-Za-z0-9._+~/-]+$/;

function toLockedPackage(stanza: string, suite: string, where: string): LockedPackage {
  const fields = parseStanza(stanza, where);
  const field = (name: string, pattern: RegExp) => {
    const value = fields.get(name) ?? '';
    if (!pattern.test(value)) {
      throw new BaseError('BASE_INDEX_INVALID', `an index has a stanza with an unusable field ${name}`, { where });
    }
    return value;
  };
  const name = field('package', NAME);
  const version = field('version', /./);
  const source = readSource(fields.get('source'), { name, version });
  if (!isDebianVersion(version) || source === undefined) {
    throw new BaseError('BASE_INDEX_INVALID', `an index has an unusable version or source of ${name}`, { where });
  }
  return {
    name,
    version,
    architecture: field('architecture', /^[a-z0-9-]+$/),
    source,
    suite,
    path: field('filename', PATH),
    size: Number(field('size', /^\d{1,10}$/)),
    sha256: `sha256:${field('sha256', /^[0-9a-f]{64}$/)}`,
  };
}

function parseStanza(stanza: string, where: string): ReadonlyMap<string, string> {
  try {
    return parseDeb822(stanza, where)[0] ?? new Map();
  } catch (error) {
    if (!(error instanceof OakumError)) throw error;
    throw new BaseError('BASE_INDEX_INVALID', messageOf(error), { where, cause: error });
  }
}

/** Takes the field `Source: name (version)` (Debian policy 5.6.1); the version is the binary's unless given. */
function readSource(
  field: string | undefined,
  binary: { readonly name: string; readonly version: string },
): { readonly name: string; readonly version: string } | undefined {
  if (field === undefined) return binary;
  const [, name, version] = /^([a-z0-9][a-z0-9+.-]+)(?:\s+\(([^()\s]+)\))?$/.exec(field) ?? [];
  return name === undefined ? undefined : { name, version: version ?? binary.version };
}
