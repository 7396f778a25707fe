// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { OakumError } from '#core';
import { type Document, openLayout, parseReference, type RegistryClient } from '#image';
import { layoutPlace, registryPlace, type ReleasePlace, RELEASES } from '#release';

/** A release document by its name: where it and everything behind it lies, its tag, and how its manifest is read. */
export interface NamedRelease {
  readonly place: ReleasePlace;
  readonly tag: string | undefined;
  readonly root: () => Promise<Document>;
}

/**
 * Takes `REGISTRY/releases:TAG`, `REGISTRY/releases@sha256:DIGEST` or `oci:FOLDER:releases:TAG`; gives where that is. Throws
 * `REFERENCE_INVALID`, and what opening a layout throws.
 */
export async function openRelease(name: string, client: RegistryClient, workingFolder: string): Promise<NamedRelease> {
  const [, folder, tag] = /^oci:([^:]+):releases:(.+)$/.exec(name) ?? [];
  if (folder !== undefined && tag !== undefined) {
    const layout = await openLayout(resolve(workingFolder, folder));
    const place = layoutPlace(layout, folder);
    const root = async () => place.read(RELEASES, (await layout.resolve(`${RELEASES}:${tag}`)).digest);
    return { place, tag, root };
  }
  if (name.startsWith('oci:')) throw invalid(name);
  const reference = parseReference(name);
  const path = /^(?:(.+)\/)?releases$/.exec(reference.repository);
  if (path === null || (reference.tag === undefined && reference.digest === undefined)) throw invalid(name);
  const place = registryPlace(client, path[1] === undefined ? reference.registry : `${reference.registry}/${path[1]}`);
  return { place, tag: reference.tag, root: () => client.manifest(reference) };
}

function invalid(name: string): OakumError {
  return new OakumError('usage', 'REFERENCE_INVALID', `release documents lie in a repository named ${RELEASES}`, {
    where: name,
    hint: 'Write REGISTRY/releases:2.9.2, or oci:FOLDER:releases:2.9.2 for an OCI layout.',
  });
}
