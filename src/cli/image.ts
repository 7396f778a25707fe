// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { OakumError } from '#core';
import { type EvidenceStore, layoutEvidence, registryEvidence } from '#evidence';
import {
  type Document,
  MAX_MANIFEST_BYTES,
  openLayout,
  parseReference,
  readContent,
  type RegistryClient,
} from '#image';

/** An image by its name: where it and its evidence lie, and how its index or manifest is read. */
export interface NamedImage {
  readonly image: string;
  readonly store: EvidenceStore;
  readonly root: () => Promise<Document>;
}

/** `oci:FOLDER:NAME` is an image of a layout, as skopeo writes it; all else is one of a registry. Throws `REFERENCE_INVALID`. */
export async function openImage(image: string, client: RegistryClient, workingFolder: string): Promise<NamedImage> {
  const [, folder, name] = /^oci:([^:]+):(.+)$/.exec(image) ?? [];
  if (folder !== undefined && name !== undefined) {
    const layout = await openLayout(resolve(workingFolder, folder));
    const root = async () => {
      const descriptor = await layout.resolve(name);
      return { descriptor, bytes: await readContent(layout, descriptor, MAX_MANIFEST_BYTES) };
    };
    return { image, store: layoutEvidence(layout), root };
  }
  if (image.startsWith('oci:')) {
    throw new OakumError('usage', 'REFERENCE_INVALID', 'an image of a layout is named oci:FOLDER:NAME', {
      where: image,
      hint: 'For example oci:out/oci:distroless/source-controller:v1.9.3.',
    });
  }
  const reference = parseReference(image);
  return { image, store: registryEvidence(client, reference), root: () => client.manifest(reference) };
}
