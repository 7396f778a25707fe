// SPDX-License-Identifier: Apache-2.0
import type { ByteReader } from './byte-reader.ts';
import { FormatError } from './error.ts';

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;

/**
 * Cuts a zstd file into its frames (RFC 8878 3.1.1) without decoding them; skippable frames (3.1.2) are left out.
 * Each frame must be read to its end before the next. Throws `DECOMPRESS_INVALID` where the bytes end early or no frame begins.
 */
export async function* zstdFrames(
  reader: ByteReader,
  where: string,
): AsyncGenerator<AsyncIterable<Uint8Array>, void, undefined> {
  const exactly = async (count: number) => {
    const bytes = await reader.take(count);
    if (bytes.length < count) throw new FormatError('DECOMPRESS_INVALID', 'cut zstd data', { where });
    return bytes;
  };
  for (let first = true; ; first = false) {
    const magic = await reader.take(4);
    if (magic.length === 0 && !first) return;
    const number = magic.length === 4 ? magic.readUInt32LE() : 0;
    if ((number & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      await exactly((await exactly(4)).readUInt32LE());
    } else if (number === FRAME_MAGIC) {
      yield readFrame(magic, exactly);
    } else {
      throw new FormatError('DECOMPRESS_INVALID', 'not zstd data, or junk after it', { where });
    }
  }
}

async function* readFrame(
  magic: Buffer,
  exactly: (count: number) => Promise<Buffer>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield magic;
  const descriptor = await exactly(1);
  yield descriptor;
  const flags = descriptor[0] as number;
  yield await exactly(headerRest(flags));
  for (let last = false; !last; ) {
    const header = await exactly(3); // Block_Header, 3.1.1.2: last flag, two bits of type, 21 of size
    yield header;
    const value = header.readUIntLE(0, 3);
    last = (value & 1) === 1;
    const type = (value >> 1) & 3;
    const size = type === 1 ? 1 : value >> 3; // an RLE block is one byte, whatever its size says
    if (size > 0) yield await exactly(size); // at most 2 MiB; the decoder refuses more than 128 KiB
  }
  if ((flags & 4) !== 0) yield await exactly(4); // Content_Checksum
}

/** The length of Window_Descriptor, Dictionary_ID and Frame_Content_Size by the descriptor's flags (3.1.1.1.1). */
function headerRest(flags: number): number {
  const singleSegment = (flags & 0x20) !== 0;
  const contentSize = [singleSegment ? 1 : 0, 2, 4, 8][flags >> 6] as number;
  const dictionary = [0, 1, 2, 4][flags & 3] as number;
  return (singleSegment ? 0 : 1) + dictionary + contentSize;
}
