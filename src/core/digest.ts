// SPDX-License-Identifier: Apache-2.0
import type { Hash } from 'node:crypto';

/** A SHA-256 digest in the form of the OCI image spec ("Digests"): `sha256:` and 64 lower-case hex digits. */
export type Digest = `sha256:${string}`;

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Node's crypto is loaded by the first that hashes: it takes longer to load than many a command that hashes nothing. */
function sha256(): Hash {
  return process.getBuiltinModule('node:crypto').createHash('sha256');
}

/** Says whether a text is a well-formed SHA-256 digest. */
export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/** Takes bytes or a text (as UTF-8); gives their digest. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${process.getBuiltinModule('node:crypto').hash('sha256', bytes, 'hex')}`;
}

/** Takes a digest; gives its 64 hex digits. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/** A running measure of a stream: feed it chunks, then read digest and size (bytes). */
export class Measure {
  readonly #hash: Hash = sha256();
  size = 0;

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.size += chunk.byteLength;
  }

  /** Gives the digest of all bytes seen; call once, at the end. */
  digest(): Digest {
    return `sha256:${this.#hash.digest('hex')}`;
  }
}

/** Takes a stream; gives digest and size (bytes) of all of it, reading it to its end. */
export async function measure(bytes: AsyncIterable<Uint8Array>): Promise<{ digest: Digest; size: number }> {
  const sum = new Measure();
  for await (const chunk of bytes) sum.update(chunk);
  return { digest: sum.digest(), size: sum.size };
}
