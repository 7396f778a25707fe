// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { type ContentSource, type Descriptor, unpackImage } from '#image';
import type { UnpackedImage } from './controllers.ts';

/** An image of one platform, where it lies. */
export interface PlacedImage {
  readonly component: string;
  readonly source: ContentSource;
  /** Of the platform's manifest. */
  readonly manifest: Descriptor;
}

/** Unpacks images below a folder, one root each, checking every digest on the way. Throws what unpacking throws. */
export async function unpackImages(images: readonly PlacedImage[], folder: string): Promise<readonly UnpackedImage[]> {
  const unpacked: UnpackedImage[] = [];
  for (const { component, source, manifest } of images) {
    const root = join(folder, component);
    unpacked.push({ component, root, config: await unpackImage(source, manifest, root) });
  }
  return unpacked;
}
