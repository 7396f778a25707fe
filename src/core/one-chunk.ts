// SPDX-License-Identifier: Apache-2.0

/** Gives bytes that are at hand as a stream of one chunk. */
export async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
