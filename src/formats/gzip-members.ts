// SPDX-License-Identifier: Apache-2.0
import { crc32, createInflateRaw, type InflateRaw } from 'node:zlib';
import { messageOf } from '#core';
import { FormatError } from './error.ts';

/** A gzip file of several members, read member by member. */
export interface GzipMembers {
  /**
   * Gives the plain bytes of the next member, to be read to their end before anything else is asked; undefined at the
   * end of the file. `onRaw` is told the member's own bytes, header and trailer too, as they lie in the file.
   */
  next(onRaw?: (bytes: Uint8Array) => void): Promise<AsyncIterable<Uint8Array> | undefined>;
  close(): Promise<void>;
}

/** The most plain bytes that may come out of all members together, and the name used in errors. */
export interface GzipMembersOptions {
  readonly maxBytes: number;
  readonly where: string;
}

/** What zlib is given at once: with deflate's greatest ratio it becomes 16 MiB of output, and waits there for a reader. */
const PIECE = 1 << 14;

/**
 * Reads a gzip file (RFC 1952) whose members mean something each, as those of Alpine packages do; elsewhere members are
 * one stream, and `decompress` is the reader. Members throw `DECOMPRESS_INVALID` for damage, a cut or junk and
 * `DECOMPRESS_TOO_LARGE` past the limit. Memory stays bounded.
 */
export function openGzipMembers(bytes: AsyncIterable<Uint8Array>, options: GzipMembersOptions): GzipMembers {
  const source = openSource(bytes);
  let left = options.maxBytes;
  return {
    close: () => source.close(),
    async next(onRaw = () => {}) {
      if (await source.isAtEnd()) return undefined;
      return (async function* () {
        for await (const chunk of readMember(source, onRaw, options.where)) {
          left -= chunk.length;
          if (left < 0) throw tooLarge(options);
          yield chunk;
        }
      })();
    },
  };
}

/** A stream that takes back what was read too far. */
interface Source {
  next(): Promise<Buffer | undefined>;
  putBack(rest: Buffer): void;
  isAtEnd(): Promise<boolean>;
  close(): Promise<void>;
}

function openSource(bytes: AsyncIterable<Uint8Array>): Source {
  const chunks = bytes[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  async function fill(): Promise<boolean> {
    while (rest.length === 0) {
      const { done, value } = await chunks.next();
      if (done) return false;
      rest = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    }
    return true;
  }
  return {
    async next() {
      if (!(await fill())) return undefined;
      const piece = rest.subarray(0, PIECE);
      rest = rest.subarray(piece.length);
      return piece;
    },
    putBack(back) {
      rest = rest.length === 0 ? back : Buffer.concat([back, rest]);
    },
    isAtEnd: async () => !(await fill()),
    async close() {
      await chunks.return?.();
    },
  };
}

async function* readMember(
  source: Source,
  onRaw: (bytes: Uint8Array) => void,
  where: string,
): AsyncGenerator<Buffer, void, undefined> {
  const exactly = async (count: number) => {
    const parts: Buffer[] = [];
    for (let missing = count; missing > 0; ) {
      const piece = await source.next();
      if (piece === undefined) throw invalid('it ends early', where);
      const part = piece.subarray(0, missing);
      if (part.length < piece.length) source.putBack(piece.subarray(part.length));
      onRaw(part);
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  };
  await skipHeader(exactly, where);
  let checksum = 0;
  let size = 0;
  for await (const chunk of inflate(source, onRaw, where)) {
    checksum = crc32(chunk, checksum);
    size += chunk.length;
    yield chunk;
  }
  const trailer = await exactly(8);
  if (trailer.readUInt32LE(0) !== checksum || trailer.readUInt32LE(4) !== size % 2 ** 32) {
    throw invalid('its checksum or size is wrong', where);
  }
}

/** RFC 1952 2.3: magic, method, flags, time, extra flags, system; then what the flags name. */
async function skipHeader(exactly: (count: number) => Promise<Buffer>, where: string): Promise<void> {
  const header = await exactly(10);
  const flags = header[3] ?? 0;
  if (header.readUInt16BE(0) !== 0x1f8b || header[2] !== 8 || (flags & 0xe0) !== 0) {
    throw invalid('it is no gzip data, or has junk after it', where);
  }
  if ((flags & 4) !== 0) await exactly((await exactly(2)).readUInt16LE());
  for (const text of [8, 16]) if ((flags & text) !== 0) await skipText(exactly, where);
  if ((flags & 2) !== 0) await exactly(2);
}

async function skipText(exactly: (count: number) => Promise<Buffer>, where: string): Promise<void> {
  for (let length = 0; (await exactly(1))[0] !== 0; length += 1) {
    if (length > 4096) throw invalid('a name in its header does not end', where);
  }
}

/** Node's gunzip runs on over the next member; raw inflate stops at the end of its own, and tells how much it took. */
async function* inflate(
  source: Source,
  onRaw: (bytes: Uint8Array) => void,
  where: string,
): AsyncGenerator<Buffer, void, undefined> {
  const engine = createInflateRaw({ chunkSize: 1 << 16 });
  const feeding = feed(engine, source, onRaw);
  feeding.catch((error: unknown) => engine.destroy(error instanceof Error ? error : new Error(messageOf(error))));
  try {
    yield* engine as AsyncIterable<Buffer>;
    await feeding;
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code?.startsWith('Z_') === true ? invalid(messageOf(error), where) : error;
  } finally {
    engine.destroy();
  }
}

/** Writes piece by piece until the engine says that its data has ended, and puts back what it did not take. */
async function feed(engine: InflateRaw, source: Source, onRaw: (bytes: Uint8Array) => void): Promise<void> {
  const ended = new Promise<'ended'>((resolve) => {
    for (const event of ['end', 'close', 'error']) engine.once(event, () => resolve('ended'));
  });
  let before = 0;
  for (let piece = await source.next(); piece !== undefined; piece = await source.next()) {
    const bytes = piece;
    const written = new Promise<'more'>((resolve) => engine.write(bytes, () => resolve('more')));
    const state = await Promise.race([written, ended]);
    const taken = engine.bytesWritten - before;
    before = engine.bytesWritten;
    onRaw(bytes.subarray(0, taken));
    if (state === 'more' && taken === bytes.length) continue;
    source.putBack(bytes.subarray(taken));
    return;
  }
  engine.end();
}

function invalid(what: string, where: string): FormatError {
  return new FormatError('DECOMPRESS_INVALID', `damaged gzip data: ${what}`, { where });
}

function tooLarge({ maxBytes, where }: GzipMembersOptions): FormatError {
  return new FormatError('DECOMPRESS_TOO_LARGE', `unpacked, this is more than the ${maxBytes} bytes allowed`, {
    where,
  });
}
