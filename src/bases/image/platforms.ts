// SPDX-License-Identifier: Apache-2.0
import type { Platform } from '#core';
import { type ContentPlatform, type Descriptor, type Document, isIndexType, isManifestType, parseIndex } from '#image';
import { BaseError } from '../error.ts';

/**
 * Takes what an image's name means, an index or one manifest, and a platform; gives that platform's manifest. Throws
 * `BASE_IMAGE_PLATFORM`, naming the platforms that are there, and `BASE_IMAGE_FOREIGN` for an index of other things.
 */
export function selectPlatform({ descriptor, bytes }: Document, platform: Platform, where: string): Descriptor {
  if (!isIndexType(descriptor.mediaType)) return descriptor; // its config says what it is for
  const { manifests } = parseIndex(bytes, where);
  const found = manifests.find((one) => one.platform !== undefined && fits(one.platform, platform));
  if (found === undefined) {
    const there = manifests.flatMap((one) => (one.platform === undefined ? [] : [nameOf(one.platform)]));
    const known = there.filter((name) => !name.startsWith('unknown/'));
    throw new BaseError('BASE_IMAGE_PLATFORM', `the base image is not there for ${platform}`, {
      where,
      hint: `It has ${[...new Set(known)].join(', ') || 'no platform at all'}: take another image, or leave ${platform} out of \`platforms\` in the definition.`,
    });
  }
  if (isManifestType(found.mediaType)) return found;
  throw new BaseError(
    'BASE_IMAGE_FOREIGN',
    `the base image has ${JSON.stringify(found.mediaType.slice(0, 100))} where a manifest belongs`,
    {
      where,
    },
  );
}

/** Says whether a platform as an index or config names it is one of ours. Variants of arm64 other than v8 are for newer machines. */
export function fits({ os, architecture, variant }: ContentPlatform, platform: Platform): boolean {
  if (`${os}/${architecture}` !== platform) return false;
  return variant === undefined || variant === '' || (architecture === 'arm64' && variant === 'v8') || variant === 'v1';
}

/** Gives a platform's name: `linux/arm64/v8`. */
function nameOf({ os, architecture, variant }: ContentPlatform): string {
  return [os, architecture, variant].filter(Boolean).join('/');
}
