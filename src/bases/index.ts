// SPDX-License-Identifier: Apache-2.0
export { mirrorsOf, parseAptSources } from './apt-sources.ts';
export type { AptSource, AptSourceFile, Mirrors } from './apt-sources.ts';
export { openAlpine } from './alpine/alpine.ts';
export { ALPINE_KEYS, alpineFingerprint, readAlpineKeyring, readAlpineKeys } from './alpine/keys.ts';
export type { AlpineKey, AlpineKeyring, AlpinePin } from './alpine/keys.ts';
export { APK_ARCHITECTURES } from './alpine/repository.ts';
export { verifyApkSignatures } from './alpine/signature.ts';
export type { Alpine, AlpineOptions, AlpineSpec, LockedApk, LockedIndex, ResolvedAlpine } from './alpine/types.ts';
export { DEBIAN_ARCHIVE_KEYS, readKeyring } from './archive-keys.ts';
export type { Archive, ArchiveKey, Keyring } from './archive-keys.ts';
export { buildRootPackages, compilerFor, digestOfBuildRoot } from './build-root.ts';
export { COMPOSITION } from './compose.ts';
export { openDebian } from './debian.ts';
export type { Debian } from './debian.ts';
export { ALPINE_COMPOSITION, composeAlpine } from './alpine/rootfs/compose.ts';
export type { AlpineRoot, AlpineRootRequest } from './alpine/rootfs/compose.ts';
export { openImageBases } from './image/image-bases.ts';
export type { ImageBases } from './image/image-bases.ts';
export type {
  FoundImage,
  ImageBase,
  ImageBaseLayer,
  ImageBaseOptions,
  ImageBaseSettings,
  ImageBaseSpec,
  ImageBelief,
  ImageDistribution,
  LockedImage,
  LockedImagePackage,
  LockedImagePlatform,
} from './image/types.ts';
export { BaseError } from './error.ts';
export type { BaseErrorCode } from './error.ts';
export type {
  BaseRoot,
  BaseSpec,
  DebianOptions,
  InstalledFile,
  InstalledPackage,
  LockedPackage,
  LockedRelease,
  ResolvedBase,
} from './types.ts';
