// SPDX-License-Identifier: Apache-2.0
import { type Platform } from '#core';
import { verifyImage } from '#evidence';
import type { Document } from '#image';
import { BaseError } from '../error.ts';
import { selectPlatform } from './platforms.ts';
import { readImageBase } from './read.ts';
import type {
  FoundImage,
  ImageBase,
  ImageBaseOptions,
  ImageBaseSpec,
  LockedImage,
  LockedImagePackage,
  LockedImagePlatform,
} from './types.ts';

/** Bases that are images which somebody else has made. */
export interface ImageBases {
  /**
   * Makes a name exact: what it means now, believed if the spec says by whom, and for each platform its manifest, distribution and
   * packages. Throws `BASE_IMAGE_UNTRUSTED`, `BASE_IMAGE_UNCHECKED`, and what {@link readImageBase} throws.
   */
  resolve(spec: ImageBaseSpec, platforms: readonly Platform[]): Promise<LockedImage>;
  /** Brings one platform into the cache and reads it; see {@link readImageBase}. */
  open(locked: LockedImage, platform: Platform): Promise<ImageBase>;
}

/** Opens images as bases: nothing is asked of a registry until a verb is called. */
export function openImageBases(options: ImageBaseOptions): ImageBases {
  return {
    resolve: (spec, platforms) => resolveImage(spec, platforms, options),
    async open(locked, platform) {
      const pinned = locked.platforms[platform];
      if (pinned === undefined) throw new TypeError(`the base ${locked.reference} was locked without ${platform}`);
      const { store } = await options.open(locked.reference);
      return readImageBase({ where: locked.reference, manifest: pinned.manifest, platform, store }, options);
    },
  };
}

async function resolveImage(
  { reference, belief }: ImageBaseSpec,
  platforms: readonly Platform[],
  options: ImageBaseOptions,
): Promise<LockedImage> {
  const found = await options.open(reference);
  const root = await found.root();
  if (belief !== undefined) await believe({ reference, belief, platforms, found, root }, options);
  const locked = await Promise.all(
    platforms.map(
      async (platform) => [platform, await lockPlatform({ reference, root, found, platform }, options)] as const,
    ),
  );
  return {
    reference,
    digest: root.descriptor.digest,
    ...(belief === undefined ? {} : { verified: belief.digest }),
    platforms: Object.fromEntries(locked),
  };
}

interface Wanted {
  readonly reference: string;
  readonly root: Document;
  readonly found: FoundImage;
}

async function lockPlatform(
  { reference, root, found, platform }: Wanted & { readonly platform: Platform },
  options: ImageBaseOptions,
): Promise<LockedImagePlatform> {
  const { mediaType, digest, size } = selectPlatform(root, platform, reference);
  const manifest = { mediaType, digest, size };
  const { distribution, content } = await readImageBase(
    { where: reference, manifest, platform, store: found.store },
    options,
  );
  const packages = content.packages
    .map(
      ({ kind = 'deb', name, version, architecture, source }): LockedImagePackage => ({
        kind,
        name,
        version,
        architecture,
        source,
      }),
    )
    .sort((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1));
  return { manifest, distribution, packages };
}

async function believe(
  {
    reference,
    belief,
    platforms,
    found,
    root,
  }: Wanted & Required<Pick<ImageBaseSpec, 'belief'>> & { readonly platforms: readonly Platform[] },
  { clock, cache }: ImageBaseOptions,
): Promise<void> {
  const report = await verifyImage({
    image: reference,
    root: async () => root,
    store: found.store,
    policy: belief.policy,
    trust: await belief.trust(),
    now: clock.now(),
    platforms,
    temporary: () => cache.temporary(),
  });
  if (report.verdict === 'trusted') return;
  const reasons = report.checks
    .filter(({ outcome }) => outcome !== 'passed')
    .map(({ subject, reason }) => `${subject}: ${reason}`);
  if (report.verdict === 'undecided') {
    throw new BaseError('BASE_IMAGE_UNCHECKED', `the base image could not be checked: ${reasons.join('; ')}`, {
      where: reference,
      hint: 'Try again when its registry answers; nothing was locked.',
    });
  }
  throw new BaseError(
    'BASE_IMAGE_UNTRUSTED',
    `the base image is not signed as \`verify\` demands: ${reasons.join('; ')}`,
    {
      where: reference,
      hint: '`oakum verify` with the same policy shows every check. Take a signed image, or mend `verify` of the base in the definition.',
    },
  );
}
