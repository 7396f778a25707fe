// SPDX-License-Identifier: Apache-2.0
import { checkedContent, type Descriptor } from '../content.ts';

/** The bytes of one blob on their way up, readable in slices; the digest is checked over all of it. */
export interface Feed {
  /** Yields the bytes from `start` to `end` (exclusive). Going on where the last slice ended costs nothing, going back reads anew. */
  slice(start: number, end: number): AsyncGenerator<Uint8Array, void, undefined>;
  /** What reading or checking threw, if it did: then the transfer failed through us and not through the registry. */
  failure(): unknown;
  close(): Promise<void>;
}

/** Takes a blob's descriptor and its bytes (called anew for each reading from the start); gives its {@link Feed}. */
export function openFeed(descriptor: Descriptor, bytes: () => AsyncIterable<Uint8Array>): Feed {
  let reading: AsyncGenerator<Uint8Array, void, undefined> | undefined;
  let position = 0;
  let rest: Uint8Array = new Uint8Array(0);
  let failure: unknown;

  async function close(): Promise<void> {
    const old = reading;
    reading = undefined;
    await old?.return(undefined).catch(() => {});
  }

  async function take(most: number): Promise<Uint8Array | undefined> {
    if (rest.byteLength === 0) {
      const next = await reading?.next();
      if (next === undefined || next.done) return undefined;
      rest = next.value;
    }
    const chunk = rest.subarray(0, most);
    rest = rest.subarray(chunk.byteLength);
    position += chunk.byteLength;
    return chunk;
  }

  return {
    failure: () => failure,
    close,
    async *slice(start, end) {
      try {
        if (reading === undefined || position !== start) {
          await close();
          reading = heldBack(checkedContent(descriptor, bytes(), descriptor.digest));
          position = 0;
          rest = new Uint8Array(0);
          while (position < start && (await take(start - position)) !== undefined);
        }
        for (let chunk; position < end && (chunk = await take(end - position)) !== undefined; ) yield chunk;
      } catch (error) {
        failure = error;
        throw error;
      }
    },
  };
}

/** Yields each chunk once the next has come, so that the last leaves only when the check at the end has passed. */
async function* heldBack(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let held: Uint8Array | undefined;
  for await (const chunk of bytes) {
    if (held !== undefined) yield held;
    held = chunk;
  }
  if (held !== undefined) yield held;
}
