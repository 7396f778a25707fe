// SPDX-License-Identifier: Apache-2.0
import { VulnerabilityError } from '../error.ts';
import { MAX_DEPTH, parseJson, tooDeep } from './json.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const CLOSE_OBJECT = 0x7d;
const CLOSE_ARRAY = 0x5d;

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
  let count = 0;
  for await (const chunk of bytes) {
    let start = 0;
    for (let at = scanner.next(chunk, 0); at >= 0; at = scanner.next(chunk, at + 1)) {
      const mark = scanner.mark();
      const member = Buffer.concat([...kept, chunk.subarray(start, at)]);
      kept = [];
      keptSize = 0;
      start = at + 1;
      // Only `{}` has nothing before its end: after a comma a member must come (RFC 8259, 4).
      if (mark === 'open' || (mark === 'close' && count === 0 && isBlank(member))) continue;
      count += 1;
      yield memberOf(member, where);
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

/** What a byte is to the outermost object: its start, a comma between its members, its end. */
type Mark = 'open' | 'comma' | 'close';

interface Scanner {
  /** Gives where the next byte from `from` on is that has a {@link Mark}; -1 where the chunk ends before. */
  next(chunk: Uint8Array, from: number): number;
  /** The mark of the last place found. */
  mark(): Mark;
  isInside(): boolean;
  isDone(): boolean;
}

function createScanner(where: string): Scanner {
  let depth = 0;
  const text = createText();
  let done = false;
  let mark: Mark = 'open';
  const open = (byte: number): boolean => {
    depth += 1;
    if (depth > MAX_DEPTH) throw tooDeep(where);
    if (depth === 1 && (byte !== OPEN_OBJECT || done)) throw broken(where);
    mark = 'open';
    return depth === 1;
  };
  const close = (byte: number): boolean => {
    depth -= 1;
    // Pairs further in are judged when the member is parsed.
    if (depth < 0 || (depth === 0 && byte !== CLOSE_OBJECT)) throw broken(where);
    done = depth === 0;
    mark = 'close';
    return done;
  };
  /** Gives whether the byte has a mark; it is outside of texts. */
  const take = (byte: number): boolean => {
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) return open(byte);
    if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) return close(byte);
    if (depth === 0 && !isSpace(byte)) throw broken(where);
    if (byte === QUOTE) text.begin();
    if (byte !== COMMA || depth !== 1) return false;
    mark = 'comma';
    return true;
  };
  return {
    mark: () => mark,
    isInside: () => depth > 0,
    isDone: () => done,
    next(chunk, from) {
      for (let at = from; at < chunk.length; ) {
        if (text.isOpen()) at = text.skip(chunk, at);
        else if (take(chunk[at] as number)) return at;
        else at += 1;
      }
      return -1;
    },
  };
}

/** Where in a text of JSON a scanner is. */
function createText() {
  let isOpen = false;
  let escaped = false;
  return {
    isOpen: () => isOpen,
    begin: () => void (isOpen = true),
    /** Gives the place after the text that goes on at `from`, or the end of the chunk. */
    skip(chunk: Uint8Array, from: number): number {
      for (let at = from; at < chunk.length; at += 1) {
        if (escaped) escaped = false;
        else if (chunk[at] === BACKSLASH) escaped = true;
        else if (chunk[at] === QUOTE) {
          isOpen = false;
          return at + 1;
        }
      }
      return chunk.length;
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
