// SPDX-License-Identifier: Apache-2.0
import { Measure, messageOf } from '#core';
import { decompress } from '#formats';
import type { Layer } from './layer.ts';
import { packingOf } from './media-types.ts';

/** The most bytes of tar that one layer may hold when it is read. */
export const MAX_LAYER_BYTES = 8 * 2 ** 30;

/**
 * Checks a layer's claims against its bytes: digest, size and diffId, all of them. Gives what is wrong as sentences;
 * none means that every claim holds. Throws only what the bytes' source throws.
 */
export async function inspectLayer(layer: Layer, bytes: AsyncIterable<Uint8Array>): Promise<readonly string[]> {
  const packed = new Measure();
  const source = watch(bytes, packed);
  const unpacked = await diffIdOf(layer, source.bytes);
  if (source.failed()) throw source.failure();
  for await (const _ of source.rest()); // what the decompressor left unread counts too
  const faults: string[] = [];
  const digest = packed.digest();
  if (digest !== layer.digest) faults.push(`the digest is ${digest}, not ${layer.digest}`);
  if (packed.size !== layer.size) faults.push(`the size is ${packed.size}, not ${layer.size}`);
  if (unpacked !== layer.diffId) faults.push(`the diffId is ${unpacked}, not ${layer.diffId}`);
  return faults;
}

/** Gives the digest of the tar, or words why there is none. */
async function diffIdOf(layer: Layer, bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const compression = packingOf(layer.mediaType);
  if (compression === undefined) return `unknown (${layer.mediaType} is no layer's media type)`;
  const sum = new Measure();
  try {
    const limits = { compression, maxBytes: MAX_LAYER_BYTES, where: layer.digest };
    for await (const chunk of decompress(bytes, limits)) sum.update(chunk);
  } catch (error) {
    return `unknown (${messageOf(error)})`;
  }
  return sum.digest();
}

/** Measures bytes on their way, keeps an error of theirs, and can read on where the first reader stopped. */
function watch(bytes: AsyncIterable<Uint8Array>, sum: Measure) {
  const iterator = bytes[Symbol.asyncIterator]();
  let error: { readonly cause: unknown } | undefined;
  const next: AsyncIterator<Uint8Array>['next'] = async () => {
    try {
      const result = await iterator.next();
      if (result.done !== true) sum.update(result.value);
      return result;
    } catch (cause) {
      error = { cause };
      throw cause;
    }
  };
  // No `return`: a reader that stops early must not close the source, the rest is measured as well.
  const through: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => ({ next }) };
  return {
    bytes: through,
    rest: () => through,
    failed: () => error !== undefined,
    failure: () => error?.cause,
  };
}
