// SPDX-License-Identifier: Apache-2.0
export type { Blob, Blobs, PutOptions, StoredBlob } from './blobs.ts';
export { isAlive, openCache, removeTree } from './cache.ts';
export type { Cache, StepKey, StepResult, TreeResult } from './cache.ts';
export { CacheError } from './error.ts';
export type { CacheErrorCode } from './error.ts';
