// SPDX-License-Identifier: Apache-2.0
import { type Digest, hexOf } from '#core';
import { formatPurl } from '#formats';
import { EvidenceError } from '../error.ts';
import { modulePurl, packagePurl } from '../sbom/purls.ts';
import type { BuildRecord, RecordedMaterials, RecordedModule, RecordedPackage, RecordedSource } from './record.ts';

/** Digests by algorithm (in-toto attestation spec/v1/digest_set.md): lower-case hex. */
export type DigestSet = Readonly<Record<string, string>>;

/** Something a build used (in-toto attestation spec/v1/resource_descriptor.md). */
export interface Resource {
  readonly name: string;
  readonly uri: string;
  readonly digest: DigestSet;
}

/**
 * Gives all that an image was made from: the source's commit and modules, the toolchain, the modules compiled in, the base's
 * packages, definition and lock; each group sorted by URI, and nothing twice. URIs are package URLs, never a mirror's address.
 */
export function toResources({ materials, request }: BuildRecord): readonly Resource[] {
  const { source, nested, toolchain, modules, packages } = materials;
  const groups = [
    commitOf(source),
    [moduleResource('source', source)],
    sorted(nested.map((module) => moduleResource('source', module))),
    overlayOf(materials.overlay),
    [moduleResource('toolchain', toolchain)],
    sorted(modules.map((module) => moduleResource('module', module))),
    sorted(packages.map((one) => packageResource(one, materials.distribution))),
    imageOf(materials.image),
    [documentResource('distribution.yaml', request.definition), documentResource('oakum.lock', request.lock)],
  ].flat();
  return [...new Map(groups.toReversed().map((resource) => [resource.uri, resource])).values()].toReversed();
}

/** The URI of a git repository at a ref, as SLSA's examples write it (SPDX 2.3, 7.7 "Package download location"). */
export function gitUri(repository: string, ref?: string): string {
  const url = repository.startsWith('git+') ? repository : `git+${repository}`;
  return ref === undefined ? url : `${url}@${ref}`;
}

/** Takes `h1:` and base64; gives what digest_set.md calls dirHash: the same 32 bytes in hex. Throws `PROVENANCE_INVALID`. */
export function toDirHash(h1: string): string {
  const bytes = Buffer.from(h1.slice('h1:'.length), 'base64');
  if (h1.startsWith('h1:') && bytes.length === 32) return bytes.toString('hex');
  throw new EvidenceError('PROVENANCE_INVALID', `${JSON.stringify(h1)} is no h1 hash of a module`);
}

function commitOf({ repository, commit, ref }: RecordedSource): readonly Resource[] {
  if (repository === undefined || commit === undefined) return [];
  return [{ name: 'source', uri: gitUri(repository, ref), digest: { gitCommit: commit } }];
}

function moduleResource(name: string, { path, version, h1 }: RecordedModule): Resource {
  return { name, uri: modulePurl(path, version), digest: { dirHash: toDirHash(h1) } };
}

/** The overlay is a part of the lock; its digest alone tells which, and each patch file stands by its name. */
function overlayOf(overlay: RecordedMaterials['overlay']): readonly Resource[] {
  if (overlay === undefined) return [];
  const patches = overlay.patches.map(({ file, digest }) => documentResource(file.split('/').at(-1) ?? file, digest));
  return [documentResource('overlay', overlay.digest), ...sorted(patches)];
}

/** `oci` names an image by its repository's last part and its digest (purl-spec, type oci). */
function imageOf(image: RecordedMaterials['image']): readonly Resource[] {
  if (image === undefined) return [];
  const { reference, digest } = image;
  const [, repository = reference] = /^(.*?)(?::[^:/@]+)?(?:@.*)?$/.exec(reference) ?? [];
  const name = repository.slice(repository.lastIndexOf('/') + 1);
  const place = reference.startsWith('oci:') ? {} : { qualifiers: { repository_url: repository } }; // a layout's folder is the builder's own
  const uri = formatPurl({ type: 'oci', name, version: digest, ...place });
  return [{ name: 'base', uri, digest: { sha256: hexOf(digest) } }];
}

/** The same package URL as in the SBOM. */
function packageResource(one: RecordedPackage, distribution: RecordedMaterials['distribution']): Resource {
  return { name: 'package', uri: packagePurl(one, distribution), digest: { sha256: hexOf(one.sha256) } };
}

/** A document has no address of its own: its name and digest are all there is (purl-spec, type generic, "checksum"). */
function documentResource(name: string, digest: Digest): Resource {
  const uri = formatPurl({ type: 'generic', name, qualifiers: { checksum: digest } });
  return { name, uri, digest: { sha256: hexOf(digest) } };
}

function sorted(resources: readonly Resource[]): readonly Resource[] {
  return [...resources].sort((a, b) => (a.uri < b.uri ? -1 : 1));
}
