// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { parseNoteKey, parseSignedNote, readNoteSignature } from './signed-note.ts';

// The example in the documentation of golang.org/x/mod/sumdb/note (BSD-3-Clause).
const KEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const NOTE =
  'If you think cryptography is the answer to your problem,\n' +
  "then you don't know what your problem is.\n" +
  '\n' +
  '\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';

describe('the signed note reader', () => {
  const key = parseNoteKey(KEY);
  if (key === undefined) throw new Error('the reference key must be readable');
  const read = (note: string) => {
    const parsed = parseSignedNote(note);
    return parsed === undefined ? 'no note' : readNoteSignature(parsed, key);
  };

  it("verifies the reference implementation's example", () => {
    expect(read(NOTE)).toBe('signed');
  });

  it('finds a changed text, a changed signature, and the signature of another', () => {
    expect(read(NOTE.replace('answer', 'ANSWER'))).toBe('bad-signature');
    expect(read(NOTE.replace('/ZJkuBS', '/ZJkuBT'))).toBe('bad-signature');
    expect(read(NOTE.replace('PeterNeumann x', 'EnochRoot x'))).toBe('not-signed');
    expect(read(NOTE.replace('x08go', 'x08gp'))).toBe('not-signed');
  });

  it('refuses what is no note', () => {
    for (const text of ['', 'text\n', 'text\n\nno signature line\n', NOTE.slice(0, -1), `${NOTE}more`]) {
      expect(read(text), JSON.stringify(text)).toBe('no note');
    }
  });

  it('refuses a key whose hash does not fit its name and bytes', () => {
    expect(parseNoteKey(KEY.replace('Peter', 'Paul'))).toBeUndefined();
    expect(parseNoteKey(KEY.replace('c74f', 'c74e'))).toBeUndefined();
    expect(parseNoteKey(KEY.slice(0, -4))).toBeUndefined();
  });
});
