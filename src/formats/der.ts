// SPDX-License-Identifier: Apache-2.0
import { FormatError } from './error.ts';

/** One value of DER (X.690): its tag byte, its content, and the bytes of both. */
export interface DerValue {
  readonly tag: number;
  readonly content: Buffer;
  readonly bytes: Buffer;
}

/** The tag bytes that certificates, keys, timestamps and their requests are made of (X.690 8.1.2, X.680 8.4). */
export const DER = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Takes a tag byte and the parts of the content; gives the value's bytes, its length in the shortest form (X.690 10.1). */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const length: number[] = [];
  for (let rest = content.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
  const head = content.length < 128 ? [content.length] : [0x80 | length.length, ...length];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

/** Gives a SEQUENCE of these values. */
export function derSequence(...parts: readonly Uint8Array[]): Buffer {
  return der(DER.sequence, ...parts);
}

/** Gives a SET OF these values, in the order DER wants (X.690 11.6). */
export function derSet(...parts: readonly Uint8Array[]): Buffer {
  return der(DER.set, ...[...parts].sort((a, b) => Buffer.compare(a, b)));
}

/** Gives a context-specific, constructed value: `[number] EXPLICIT`, or `[number] IMPLICIT` of something constructed. */
export function derContext(number: number, ...parts: readonly Uint8Array[]): Buffer {
  return der(0xa0 | number, ...parts);
}

/** Takes a number from zero on, or its big-endian bytes; gives an INTEGER that is not negative (X.690 8.3). */
export function derInteger(value: number | Uint8Array): Buffer {
  const bytes = typeof value === 'number' ? Buffer.from(evenHex(value), 'hex') : Buffer.from(value);
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const magnitude = bytes.subarray(start);
  return der(DER.integer, Buffer.from((magnitude[0] ?? 0) >= 0x80 ? [0] : []), magnitude);
}

/** Takes an identifier such as `2.5.29.17`; gives it as OBJECT IDENTIFIER (X.690 8.19). */
export function derIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const groups = [first * 40 + second, ...rest].flatMap((part) => {
    const bytes = [part % 128];
    for (let left = Math.floor(part / 128); left > 0; left = Math.floor(left / 128)) bytes.unshift((left % 128) | 128);
    return bytes;
  });
  return der(DER.objectIdentifier, Buffer.from(groups));
}

/** Takes bytes; gives a BIT STRING of all their bits. */
export function derBits(bytes: Uint8Array): Buffer {
  return der(DER.bitString, Buffer.of(0), bytes);
}

/** Takes bytes that must be one DER value and nothing after it; gives the value. Throws `DER_INVALID`. */
export function readDer(bytes: Uint8Array): DerValue {
  const values = readDerValues(bytes);
  const [value] = values;
  if (value === undefined || values.length > 1) throw new FormatError('DER_INVALID', 'not exactly one DER value');
  return value;
}

/** Takes bytes; gives the DER values in them, one after the other: a constructed value's members. Throws `DER_INVALID`. */
export function readDerValues(bytes: Uint8Array): DerValue[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values: DerValue[] = [];
  for (let at = 0; at < buffer.length; ) {
    const { start, end } = contentOf(buffer, at);
    values.push({ tag: buffer[at] ?? 0, content: buffer.subarray(start, end), bytes: buffer.subarray(at, end) });
    at = end;
  }
  return values;
}

/** Where the content of the value at `at` lies; low tag numbers and lengths of up to four bytes alone. */
function contentOf(bytes: Buffer, at: number): { start: number; end: number } {
  const first = bytes[at + 1];
  if (((bytes[at] ?? 0) & 0x1f) === 0x1f || first === undefined) throw truncated();
  const count = first < 128 ? 0 : first & 0x7f;
  if (first === 0x80 || count > 4 || at + 2 + count > bytes.length) throw truncated();
  const length = count === 0 ? first : bytes.readUIntBE(at + 2, count);
  const start = at + 2 + count;
  if (start + length > bytes.length) throw truncated();
  return { start, end: start + length };
}

function truncated(): FormatError {
  return new FormatError('DER_INVALID', 'a DER value is cut short, or of a form that DER does not have');
}

function evenHex(value: number): string {
  const text = value.toString(16);
  return text.padStart(text.length + (text.length % 2), '0');
}
