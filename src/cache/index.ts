// SPDX-License-Identifier: Apache-2.0
export type { Blob, Blobs, PutOptions, StoredBlob } from './blobs.ts';
export { isAlive } from './alive.ts';
export { openCache } from './cache.ts';
export type { Cache, StepKey, StepResult, TreeResult } from './cache.ts';
export { CacheError } from './error.ts';
export type { CacheErrorCode } from './error.ts';
export { whileLocked } from './lock-file.ts';
export { measureCache, pruneCache } from './prune.ts';
export type { CacheUsage, PruneReport } from './prune.ts';
export { removeTree } from './remove-tree.ts';
