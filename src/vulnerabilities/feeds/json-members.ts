// SPDX-License-Identifier: Apache-2.0
import { createJsonScanner, isJsonSpace } from '#formats';
import { VulnerabilityError } from '../error.ts';
import { MAX_DEPTH, parseJson, tooDeep } from './json.ts';

const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

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
  const scanner = createJsonScanner();
  let done = false;
  let mark: Mark = 'open';
  /** Gives whether a byte belongs to the outermost object; pairs further in are judged when the member is parsed. */
  const take = (byte: number | undefined): boolean => {
    const [kind, depth] = [scanner.mark(), scanner.depth()];
    if (kind === 'outside') throw broken(where);
    mark = kind;
    if (kind === 'comma') return depth === 1;
    if (kind === 'open') {
      if (depth > MAX_DEPTH) throw tooDeep(where);
      if (depth === 1 && (byte !== OPEN_OBJECT || done)) throw broken(where);
      return depth === 1;
    }
    if (depth < 0 || (depth === 0 && byte !== CLOSE_OBJECT)) throw broken(where);
    done = depth === 0;
    return done;
  };
  return {
    mark: () => mark,
    isInside: () => scanner.depth() > 0,
    isDone: () => done,
    next(chunk, from) {
      for (let at = scanner.next(chunk, from); at >= 0; at = scanner.next(chunk, at + 1))
        if (take(chunk[at])) return at;
      return -1;
    },
  };
}

function memberOf(bytes: Uint8Array, where: string): JsonMember {
  const parsed = parseJson(Buffer.concat([Buffer.from('{'), bytes, Buffer.from('}')]), where) as object;
  const [member, ...others] = Object.entries(parsed);
  if (member === undefined || others.length > 0) throw broken(where);
  return { name: member[0], value: member[1] };
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every(isJsonSpace);
}

function broken(where: string): VulnerabilityError {
  return new VulnerabilityError('FEED_INVALID', 'it is no JSON object, or cut short', { where });
}
