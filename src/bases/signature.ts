// SPDX-License-Identifier: Apache-2.0
import type { PublicKey } from 'openpgp';
import { messageOf } from '#core';
import { type Archive, type Keyring, archiveOf, keyBlocks } from './archive-keys.ts';
import { BaseError } from './error.ts';

/** The text of an InRelease that was proved, and who proved it. */
export interface SignedText {
  readonly text: string;
  /** Fingerprints of the pinned primary keys with a good signature, sorted. */
  readonly signers: readonly string[];
}

const BEGIN = '-----BEGIN PGP SIGNED MESSAGE-----';
const SIGNATURE = '-----BEGIN PGP SIGNATURE-----';
const END = '-----END PGP SIGNATURE-----';

/**
 * Verifies an InRelease (OpenPGP cleartext signature framework, RFC 9580 7) and gives only the text that was signed.
 * Throws `BASE_RELEASE_UNSIGNED` where anything stands before, after or between the one signed block, and
 * `BASE_RELEASE_SIGNATURE` where no pinned key that may sign the suite made a good signature valid at `now`.
 */
export async function verifyInRelease(
  bytes: Uint8Array,
  options: {
    readonly suite: string;
    readonly keyrings: readonly Keyring[];
    readonly now: Date;
    readonly where: string;
  },
): Promise<SignedText> {
  const { where, suite } = options;
  const raw = Buffer.from(bytes).toString('utf8');
  if (!isOneSignedBlock(raw)) {
    throw new BaseError('BASE_RELEASE_UNSIGNED', 'the file is not exactly one OpenPGP signed message', { where });
  }
  const { readCleartextMessage, verify } = await import('openpgp');
  try {
    const message = await readCleartextMessage({ cleartextMessage: raw });
    const trusted = await readTrustedKeys(options.keyrings, suite);
    const verificationKeys = trusted.map(({ key }) => key);
    const { data, signatures } = await verify({ message, verificationKeys, date: options.now, format: 'utf8' });
    const signers = new Set<string>();
    const faults: string[] = [];
    for (const signature of signatures) {
      try {
        await signature.verified; // rejects where the key is unknown, the signature bad, expired or from the future
        const signer = trusted.find(({ key }) => key.getKeys(signature.keyID).length > 0);
        if (signer !== undefined) signers.add(signer.fingerprint);
      } catch (error) {
        faults.push(`${signature.keyID.toHex().toUpperCase()}: ${messageOf(error)}`);
      }
    }
    if (signers.size > 0) return { text: data, signers: [...signers].sort() };
    throw unproved(suite, where, faults.join('; ') || 'it holds no signature');
  } catch (error) {
    if (error instanceof BaseError) throw error;
    throw new BaseError('BASE_RELEASE_UNSIGNED', `the signed file can't be read: ${messageOf(error)}`, {
      where,
      cause: error,
    });
  }
}

/** Gives the keys of the keyrings that are pinned for a suite, with their primary fingerprints. */
async function readTrustedKeys(
  keyrings: readonly Keyring[],
  suite: string,
): Promise<readonly { readonly key: PublicKey; readonly fingerprint: string }[]> {
  const { readKeys } = await import('openpgp');
  const trusted = await Promise.all(
    keyrings.map(async ({ armored, keys }) => {
      const read = await Promise.all(keyBlocks(armored).map((block) => readKeys({ armoredKeys: block })));
      return read.flat().flatMap((key) => {
        const fingerprint = key.getFingerprint().toUpperCase();
        const pin = keys.find((one) => one.fingerprint.toUpperCase() === fingerprint);
        return pin !== undefined && maySign(pin, suite) ? [{ key: key.toPublic(), fingerprint }] : [];
      });
    }),
  );
  return trusted.flat();
}

function maySign(pin: { archive: Archive; suites?: readonly string[] }, suite: string): boolean {
  return pin.archive === archiveOf(suite) && (pin.suites?.includes(suite) ?? true);
}

/** A reader that skips text around the block could be fed unsigned fields; so there must be none, and one block only. */
function isOneSignedBlock(raw: string): boolean {
  const lines = raw.split(/\r?\n/);
  const marks = lines.filter((line) => line.startsWith('-----'));
  return lines[0] === BEGIN && marks.join() === [BEGIN, SIGNATURE, END].join() && /-----\r?\n?$/.test(raw);
}

function unproved(suite: string, where: string, why: string): BaseError {
  return new BaseError('BASE_RELEASE_SIGNATURE', `no pinned key that may sign ${suite} has signed this file (${why})`, {
    where,
    hint: 'Check that the mirror is a mirror of Debian. If Debian has new archive keys, update Oakum (see keys/README.md).',
  });
}
