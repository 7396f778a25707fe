// SPDX-License-Identifier: Apache-2.0

/** A tag of an rpm header: a text, a list of texts, or a list of 32-bit numbers. */
export type RpmTagValue = string | readonly string[] | readonly number[];

/** Writes a header as rpm's database holds it (rpm's "RPM V4 Package format", "Header"), tags in the order given. */
export function buildRpmHeader(tags: Readonly<Record<number, RpmTagValue>>): Buffer {
  const index: Buffer[] = [];
  const data: Buffer[] = [];
  let offset = 0;
  for (const [tag, value] of Object.entries(tags)) {
    const { type, count, bytes } = encode(value);
    const padding = type === 4 ? (4 - (offset % 4)) % 4 : 0;
    data.push(Buffer.alloc(padding), bytes);
    offset += padding;
    index.push(numbers([Number(tag), type, offset, count]));
    offset += bytes.length;
  }
  return Buffer.concat([numbers([index.length, offset]), ...index, ...data]);
}

function encode(value: RpmTagValue): { type: number; count: number; bytes: Buffer } {
  if (typeof value === 'string') return { type: 6, count: 1, bytes: Buffer.from(`${value}\0`) };
  if (value.every((one) => typeof one === 'number')) return { type: 4, count: value.length, bytes: numbers(value) };
  return { type: 8, count: value.length, bytes: Buffer.from(value.map((one) => `${one}\0`).join('')) };
}

function numbers(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, at * 4);
  return bytes;
}
