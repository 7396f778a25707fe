// SPDX-License-Identifier: Apache-2.0
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';

/** The key that checks a signed note: the signer's name, the key's hash (8 hex digits) and the Ed25519 key. */
export interface NoteKey {
  readonly name: string;
  readonly hash: string;
  readonly publicKey: KeyObject;
  /** The key once more as written: base64 of the algorithm byte 1 and 32 key bytes. */
  readonly encoded: string;
}

/** A note taken apart, nothing checked. `text` ends with a newline and is what the signatures cover. */
export interface SignedNote {
  readonly text: string;
  readonly signatures: readonly { readonly name: string; readonly hash: string; readonly signature: Uint8Array }[];
}

/** How a note stands to a key: signed by it, signed by others only, or carrying a signature in its name that is wrong. */
export type NoteReading = 'signed' | 'not-signed' | 'bad-signature';

const ED25519 = 1;
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex'); // RFC 8410: SubjectPublicKeyInfo of an Ed25519 key

/**
 * Takes a signer's name and base64 key; gives the key with its hash: the first four bytes of
 * SHA-256(name, newline, key bytes) (https://pkg.go.dev/golang.org/x/mod/sumdb/note). Undefined for no Ed25519 key.
 */
export function noteKeyOf(name: string, encoded: string): NoteKey | undefined {
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length !== 33 || bytes[0] !== ED25519 || bytes.toString('base64') !== encoded) return undefined;
  if (name === '' || /[\s+]/u.test(name)) return undefined;
  const hash = createHash('sha256').update(`${name}\n`).update(bytes).digest('hex').slice(0, 8);
  const publicKey = createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, bytes.subarray(1)]),
    format: 'der',
    type: 'spki',
  });
  return { name, hash, publicKey, encoded };
}

/** Takes `name+hash+key`; gives the key, or undefined where the text is malformed or its hash does not fit its key. */
export function parseNoteKey(text: string): NoteKey | undefined {
  const [, name = '', hash = '', encoded = ''] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text) ?? [];
  const key = noteKeyOf(name, encoded);
  return key?.hash === hash ? key : undefined;
}

/** Takes a note's bytes as text; gives its parts, or undefined where it is no note. */
export function parseSignedNote(note: string): SignedNote | undefined {
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) return undefined;
  const lines = note.slice(split + 2, -1).split('\n');
  const signatures = lines.map((line) => {
    const [, name, base64] = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line) ?? [];
    const bytes = Buffer.from(base64 ?? '', 'base64');
    if (name === undefined || bytes.length < 5) return undefined;
    return { name, hash: bytes.subarray(0, 4).toString('hex'), signature: bytes.subarray(4) };
  });
  const whole = signatures.filter((signature) => signature !== undefined);
  if (whole.length !== signatures.length || whole.length > 100) return undefined;
  return { text: note.slice(0, split + 1), signatures: whole };
}

/** Says how a note stands to a key. One wrong signature in the key's name makes the whole note bad. */
export function readNoteSignature(note: SignedNote, key: NoteKey): NoteReading {
  const own = note.signatures.filter((signature) => signature.name === key.name && signature.hash === key.hash);
  if (own.length === 0) return 'not-signed';
  const text = Buffer.from(note.text, 'utf8');
  return own.every(({ signature }) => verify(null, text, key.publicKey, signature)) ? 'signed' : 'bad-signature';
}
