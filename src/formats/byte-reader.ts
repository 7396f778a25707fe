// SPDX-License-Identifier: Apache-2.0

/** Reads a stream by exact counts. One reader owns the stream; call {@link ByteReader.close} when done. */
export interface ByteReader {
  /** Gives exactly `count` bytes, fewer only where the stream ends. For headers: the bytes are copied together. */
  take(count: number): Promise<Buffer>;
  /** Yields exactly `count` bytes in pieces as they come, fewer only where the stream ends. */
  pieces(count: number): AsyncGenerator<Buffer, void, undefined>;
  close(): Promise<void>;
}

/** Gives a reader over a stream of bytes. */
export function openByteReader(bytes: AsyncIterable<Uint8Array>): ByteReader {
  const source = bytes[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);

  async function next(most: number): Promise<Buffer | undefined> {
    while (rest.length === 0) {
      const { done, value } = await source.next();
      if (done) return undefined;
      rest = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    }
    const piece = rest.subarray(0, most);
    rest = rest.subarray(piece.length);
    return piece;
  }

  async function* pieces(count: number): AsyncGenerator<Buffer, void, undefined> {
    for (let left = count; left > 0; ) {
      const piece = await next(left);
      if (piece === undefined) return;
      left -= piece.length;
      yield piece;
    }
  }

  return {
    pieces,
    async take(count) {
      const taken: Buffer[] = [];
      for await (const piece of pieces(count)) taken.push(piece);
      return taken.length === 1 ? (taken[0] as Buffer) : Buffer.concat(taken);
    },
    async close() {
      await source.return?.();
    },
  };
}
