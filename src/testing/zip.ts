// SPDX-License-Identifier: Apache-2.0
import { crc32, deflateRawSync } from 'node:zlib';

/** An entry of a zip to write. Beside name and content all is for lies: what the directory says instead of the truth. */
export interface ZipSpec {
  readonly name: string;
  readonly content?: Uint8Array | string;
  readonly unixMode?: number;
  readonly claimedSize?: number;
  readonly claimedCrc32?: number;
  /** The name in the entry's own header. */
  readonly headerName?: string;
}

/** Writes a zip (APPNOTE 4.3) with deflated entries in the order given. */
export function buildZip(entries: readonly ZipSpec[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const content = Buffer.from(entry.content ?? '');
    const packed = deflateRawSync(content);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(0x800, 2); // names are UTF-8
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE(entry.claimedCrc32 ?? crc32(content), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(entry.claimedSize ?? content.length, 18);
    const headerName = Buffer.from(entry.headerName ?? entry.name);
    const header = Buffer.from(fields);
    header.writeUInt16LE(headerName.length, 22);
    const name = Buffer.from(entry.name);
    fields.writeUInt16LE(name.length, 22);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(((entry.unixMode ?? 0) << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x03', 'latin1'), fields, tail, name);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), header, headerName, packed]);
    parts.push(local);
    offset += local.length;
  }
  const listing = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(listing.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, listing, end]);
}
