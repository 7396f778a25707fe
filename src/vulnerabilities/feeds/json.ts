// SPDX-License-Identifier: Apache-2.0
import { VulnerabilityError } from '../error.ts';

/** Deeper than any feed's records, and shallow enough that no recursion over them runs out of stack. */
const MAX_DEPTH = 32;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const CLOSE_OBJECT = 0x7d;
const CLOSE_ARRAY = 0x5d;

/**
 * Parses JSON (RFC 8259) of a stranger: UTF-8, and nested no deeper than feeds are. `where` is the URL or file for the
 * error. Throws `FEED_INVALID`.
 */
export function parseJson(bytes: Uint8Array, where: string): unknown {
  if (depthOf(bytes) > MAX_DEPTH) throw tooDeep(where);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new VulnerabilityError('FEED_INVALID', 'it is no JSON, or cut short', { where });
  }
}

/**
 * Gives a value's one text: keys in the order of their UTF-16 code units, no space. Unlike the canonical JSON of what
 * Oakum writes itself, numbers may have fractions: advisories do.
 */
export function stableJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(stableJson).join(',')}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${stableJson(member)}`);
  return `{${members.join(',')}}`;
}

function depthOf(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inText = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] as number;
    if (inText) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth -= 1;
  }
  return deepest;
}

/** One member of the outermost object: its name and its value. */
export interface JsonMember {
  readonly name: string;
  readonly value: unknown;
}

/**
 * Takes the bytes of one large JSON object; gives its members one by one, so that memory holds one at a time. A member
 * larger than `maxMember` bytes, nesting as in {@link parseJson} and a cut or broken text throw `FEED_INVALID`.
 */
export async function* jsonMembers(
  bytes: AsyncIterable<Uint8Array>,
  options: { readonly where: string; readonly maxMember: number },
): AsyncGenerator<JsonMember, void, undefined> {
  const { where, maxMember } = options;
  const scanner = createScanner(where);
  let kept: Uint8Array[] = [];
  let keptSize = 0;
  for await (const chunk of bytes) {
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const mark = scanner.take(chunk[at] as number);
      if (mark === 'none') continue;
      const member = Buffer.concat([...kept, chunk.subarray(start, at)]);
      kept = [];
      keptSize = 0;
      start = at + 1;
      if (mark === 'comma' || (mark === 'close' && !isBlank(member))) yield memberOf(member, where);
    }
    if (!scanner.isInside()) continue;
    kept.push(chunk.subarray(start));
    keptSize += chunk.length - start;
    if (keptSize > maxMember) {
      throw new VulnerabilityError('FEED_INVALID', `one entry of it is larger than ${maxMember} bytes`, { where });
    }
  }
  if (!scanner.isDone()) throw broken(where);
}

/** What a byte is to the outermost object: its start, a comma between its members, its end, or none of them. */
type Mark = 'none' | 'open' | 'comma' | 'close';

interface Scanner {
  take(byte: number): Mark;
  isInside(): boolean;
  isDone(): boolean;
}

function createScanner(where: string): Scanner {
  let depth = 0;
  let inText = false;
  let escaped = false;
  let done = false;
  const open = (byte: number): Mark => {
    depth += 1;
    if (depth > MAX_DEPTH) throw tooDeep(where);
    if (depth > 1) return 'none';
    if (byte !== OPEN_OBJECT || done) throw broken(where);
    return 'open';
  };
  const close = (): Mark => {
    depth -= 1;
    if (depth < 0) throw broken(where);
    done = depth === 0;
    return done ? 'close' : 'none';
  };
  return {
    isInside: () => depth > 0,
    isDone: () => done,
    take(byte) {
      if (inText) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inText = false;
        return 'none';
      }
      if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) return open(byte);
      if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) return close();
      if (depth === 0 && !isSpace(byte)) throw broken(where);
      inText = byte === QUOTE;
      return byte === COMMA && depth === 1 ? 'comma' : 'none';
    },
  };
}

function memberOf(bytes: Uint8Array, where: string): JsonMember {
  const parsed = parseJson(Buffer.concat([Buffer.from('{'), bytes, Buffer.from('}')]), where) as object;
  const [member, ...others] = Object.entries(parsed);
  if (member === undefined || others.length > 0) throw broken(where);
  return { name: member[0], value: member[1] };
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every(isSpace);
}

function broken(where: string): VulnerabilityError {
  return new VulnerabilityError('FEED_INVALID', 'it is no JSON object, or cut short', { where });
}

function tooDeep(where: string): VulnerabilityError {
  return new VulnerabilityError('FEED_INVALID', `its JSON is nested more than ${MAX_DEPTH} levels deep`, { where });
}
