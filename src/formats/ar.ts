// SPDX-License-Identifier: Apache-2.0
import { openByteReader } from './byte-reader.ts';
import { FormatError } from './error.ts';

/** One member of an archive. `body` must be read before the next member is asked for; what is left of it is skipped. */
export interface ArMember {
  readonly name: string;
  readonly size: number;
  readonly body: AsyncIterable<Uint8Array>;
}

const MAGIC = '!<arch>\n';
const HEADER = 60;

/**
 * Reads an ar archive as deb(5) uses it: a magic line, then members of a 60-byte text header and a body padded to an
 * even length. Names are plain (a trailing slash is dropped, as dpkg does); BSD and GNU long names are refused.
 * Throws `AR_INVALID`, or `AR_TRUNCATED` where the bytes end inside a member. `where` names the archive in errors.
 */
export async function* readAr(
  bytes: AsyncIterable<Uint8Array>,
  where: string,
): AsyncGenerator<ArMember, void, undefined> {
  const reader = openByteReader(bytes);
  try {
    if ((await reader.take(MAGIC.length)).toString('latin1') !== MAGIC) {
      throw new FormatError('AR_INVALID', 'not an ar archive', { where });
    }
    for (;;) {
      const header = await reader.take(HEADER);
      if (header.length === 0) return;
      const { name, size } = parseHeader(header, where);
      let left = size;
      const body = (async function* () {
        for await (const piece of reader.pieces(left)) {
          left -= piece.length;
          yield piece;
        }
        if (left > 0) throw truncated(where);
      })();
      yield { name, size, body };
      for await (const _ of body); // what the caller left
      for await (const piece of reader.pieces(left)) left -= piece.length; // or broke off from
      if (left > 0) throw truncated(where);
      if (size % 2 === 1) await reader.take(1);
    }
  } finally {
    await reader.close();
  }
}

function parseHeader(header: Buffer, where: string): { name: string; size: number } {
  if (header.length < HEADER) throw truncated(where);
  const text = header.toString('latin1');
  const name = text.slice(0, 16).trimEnd().replace(/\/$/, '');
  const size = text.slice(48, 58).trimEnd();
  if (text.slice(58) !== '`\n' || !/^\d+$/.test(size) || !/^[A-Za-z0-9_.+-]+$/.test(name)) {
    throw new FormatError('AR_INVALID', 'an ar archive has a malformed member header', { where });
  }
  return { name, size: Number(size) };
}

function truncated(where: string): FormatError {
  return new FormatError('AR_TRUNCATED', 'an ar archive ends inside a member', { where });
}
