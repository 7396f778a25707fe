// SPDX-License-Identifier: Apache-2.0
import { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import { readTar, tarEnd, tarHeader, tarPadding } from '#formats';

/** Text by path. */
export type Files = Readonly<Record<string, string>>;

const MAX_BYTES = 16 << 20;

/** Gives files as a gzipped tar; same files, same bytes. */
export function packArchive(files: Files): Buffer {
  const parts = Object.entries(files).flatMap(([path, text]) => {
    const body = Buffer.from(text);
    const header = tarHeader({ path, kind: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 0, size: body.length });
    return [header, body, tarPadding(body.length)];
  });
  return gzipSync(Buffer.concat([...parts, tarEnd()]));
}

/** Gives the files of a gzipped tar. Throws FormatError where it is none, RangeError past 16 MiB. */
export async function unpackArchive(bytes: Uint8Array, where: string): Promise<Files> {
  const tar = gunzipSync(bytes, { maxOutputLength: MAX_BYTES });
  const files: Record<string, string> = {};
  for await (const entry of readTar(Readable.from([tar]), { where, maxBytes: MAX_BYTES })) {
    if (entry.kind !== 'file') continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry.body) chunks.push(chunk);
    files[entry.path.replace(/^\.\//, '')] = Buffer.concat(chunks).toString('utf8');
  }
  return files;
}
