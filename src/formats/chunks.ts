// SPDX-License-Identifier: Apache-2.0

/**
 * Cuts a stream into blocks of exactly `size` bytes (the last may be shorter, none is empty), so that what is made
 * of them can't depend on how the stream was chunked. Each block is its own buffer, free to be kept or handed over,
 * unless `allocate` (a buffer of `size` bytes, whatever is in it) gives one again.
 */
export async function* fixedBlocks(
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  size: number,
  allocate: () => Buffer = () => Buffer.allocUnsafeSlow(size),
): AsyncGenerator<Buffer, void, undefined> {
  let block = allocate();
  let filled = 0;
  for await (const chunk of bytes) {
    for (let read = 0; read < chunk.byteLength; ) {
      const take = Math.min(size - filled, chunk.byteLength - read);
      block.set(chunk.subarray(read, read + take), filled);
      filled += take;
      read += take;
      if (filled < size) continue;
      yield block;
      block = allocate();
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}
