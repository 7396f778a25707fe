// SPDX-License-Identifier: Apache-2.0
export { basesBelow, channelImage, channelOfImage, hasPrograms, programPackages } from './channel-image.ts';
export { parseDefinition, readDefinition } from './definition.ts';
export type { ReadDefinition } from './definition.ts';
export { DefinitionError } from './error.ts';
export type { DefinitionErrorCode } from './error.ts';
export {
  digestOfLock,
  emptyLock,
  formatLock,
  lockFileOf,
  lockOfRelease,
  packagesOfBase,
  parseLock,
  readLock,
  replaceLock,
  writeLock,
} from './lock.ts';
export type { BasePackage } from './lock.ts';
export { LOCK_SHAPES } from './lock-schema.ts';
export type {
  Lock,
  LockedApiServer,
  LockedBase,
  LockedComponent,
  LockedModule,
  LockedOverlay,
  LockedRelease,
  LockedRevision,
} from './lock-schema.ts';
export { definitionJsonSchema } from './schema.ts';
export type {
  BaseDefinition,
  ChannelDefinition,
  ComponentDefinition,
  DebianBaseDefinition,
  Definition,
  AlpineBaseDefinition,
  ImageBaseDefinition,
  ToolDefinition,
  ToolName,
  WatchDefinition,
} from './schema.ts';
export { NOTICE_KINDS } from './watch-schema.ts';
