// SPDX-License-Identifier: Apache-2.0

/** A message whose fields are all texts, bytes or numbers that may be left out: the length-delimited ones, by number. */
export type Message = ReadonlyMap<number, Buffer>;

const LENGTH_DELIMITED = 2;
const FIXED: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

/** Reads a message (https://protobuf.dev/programming-guides/encoding/); what is not length-delimited is passed over. Throws RangeError where it is cut or has groups. */
export function readMessage(bytes: Buffer): Message {
  const fields = new Map<number, Buffer>();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 2 ** 49) throw new RangeError('a number is cut, or too long');
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  const take = (size: number) => {
    if (at + size > bytes.length) throw new RangeError('a field is cut');
    return bytes.subarray(at, (at += size));
  };
  while (at < bytes.length) {
    const tag = varint();
    const [field, type] = [Math.floor(tag / 8), tag % 8];
    if (type === LENGTH_DELIMITED) fields.set(field, take(varint()));
    else if (type === 0) varint();
    else take(FIXED[type] ?? Number.POSITIVE_INFINITY);
  }
  return fields;
}

/** Writes a message of length-delimited fields. */
export function writeMessage(fields: Readonly<Record<number, Uint8Array | string>>): Buffer {
  return Buffer.concat(
    Object.entries(fields).flatMap(([field, value]) => {
      const content = Buffer.from(value);
      return [numberOf(Number(field) * 8 + LENGTH_DELIMITED), numberOf(content.length), content];
    }),
  );
}

function numberOf(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}
