// SPDX-License-Identifier: Apache-2.0

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const CLOSE_OBJECT = 0x7d;
const CLOSE_ARRAY = 0x5d;

/** What a byte of JSON outside of texts is: the start or end of an object or array, a comma, or something outside of them all. */
export type JsonMark = 'open' | 'close' | 'comma' | 'outside';

/** Reads JSON (RFC 8259) byte by byte and in pieces, before anything is parsed: where values begin and end, and how deep. */
export interface JsonScanner {
  /** Gives where the next mark from `from` on is in this piece; -1 where it ends before. Pieces are given in order, each byte once. */
  next(piece: Uint8Array, from: number): number;
  /** What was found last. */
  mark(): JsonMark;
  /** How many objects and arrays are open after it; negative where more end than begin. */
  depth(): number;
}

/** Starts a scanner. It knows texts and their escapes, and judges nothing: not whether ends fit beginnings, nor what is between. */
export function createJsonScanner(): JsonScanner {
  let depth = 0;
  let mark: JsonMark = 'outside';
  let inText = false;
  let escaped = false;
  const skipText = (piece: Uint8Array, from: number): number => {
    for (let at = from; at < piece.length; at += 1) {
      const byte = piece[at];
      if (escaped) escaped = false;
      else if (byte === BACKSLASH) escaped = true;
      else if (byte === QUOTE) {
        inText = false;
        return at + 1;
      }
    }
    return piece.length;
  };
  /** Gives whether a byte outside of texts is a mark, and notes it. */
  const note = (byte: number): boolean => {
    if (byte === QUOTE) inText = true;
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      depth += 1;
      mark = 'open';
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      depth -= 1;
      mark = 'close';
    } else if (depth <= 0 && !isJsonSpace(byte)) mark = 'outside';
    else if (byte === COMMA) mark = 'comma';
    else return false;
    return true;
  };
  return {
    mark: () => mark,
    depth: () => depth,
    next(piece, from) {
      for (let at = from; at < piece.length; ) {
        if (inText) at = skipText(piece, at);
        else if (note(piece[at] as number)) return at;
        else at += 1;
      }
      return -1;
    },
  };
}

/** Gives how deep JSON is nested, and about how many values it has: what parsing it will cost. */
export function measureJson(bytes: Uint8Array): { readonly depth: number; readonly values: number } {
  const scanner = createJsonScanner();
  let deepest = 0;
  let values = 0;
  for (let at = scanner.next(bytes, 0); at >= 0; at = scanner.next(bytes, at + 1)) {
    const mark = scanner.mark();
    if (mark === 'open' || mark === 'comma') values += 1;
    if (mark === 'open' && scanner.depth() > deepest) deepest = scanner.depth();
  }
  return { depth: deepest, values };
}

/** Says whether a byte is white space of JSON (RFC 8259, 2). */
export function isJsonSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
