// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import type { SignedEntity, TrustMaterial } from '@sigstore/verify';
import { messageOf } from '#core';
import type { SignedThing, Step } from './found.ts';
import { entryNamesSigner } from './log-signer.ts';
import { checkOldEntry } from './old-entry.ts';
import type { Identity } from './policy.ts';
import { formatMatch, readMatch } from './text-match.ts';
import type { Trust } from './trust.ts';

/** Who signed, as far as it is proved. */
export interface ProvedSigner {
  /** The name of the policy's identity that it is. */
  readonly name: string;
  readonly kind: 'key' | 'certificate';
  /** The key's fingerprint, or the identity in the certificate. */
  readonly identity: string;
  readonly issuer: string | undefined;
  /** When it was signed, by a log's promise or a timestamp. */
  readonly time: Date | undefined;
  readonly logEntries: number;
  readonly timestamps: number;
}

/** How a signed thing stands to an identity: signed by it, or the step at which it failed and why. */
export type ThingReading =
  | { readonly trusted: true; readonly signer: ProvedSigner }
  | { readonly trusted: false; readonly step: Step; readonly reason: string };

const CODE_SIGNING = '1.3.6.1.5.5.7.3.3'; // RFC 5280 4.2.1.12, id-kp-codeSigning

/** How far a proved time may lie in the future: clocks differ by a little. */
export const CLOCK_TOLERANCE_MILLISECONDS = 5 * 60_000;

/** Checks a signed thing against one identity of the policy. Never throws; what can't be read is refused. */
export function checkThing(
  thing: SignedThing,
  identity: Identity,
  { trust, now }: { trust: Trust; now: Date },
): ThingReading {
  try {
    return check(thing, identity, { trust, now });
  } catch (error) {
    return refused(stepOf(error), describe(error, thing));
  }
}

function check(thing: SignedThing, identity: Identity, { trust, now }: { trust: Trust; now: Date }): ThingReading {
  const { certificate } = thing;
  if (identity.kind === 'key' && certificate !== undefined && thing.format === 'sigstore-bundle') {
    return refused('key', `it was made with a certificate, not with ${identity.name}`);
  }
  if (identity.kind === 'certificate' && certificate === undefined) {
    return refused('certificate', `it was made with a key, not with a certificate for ${identity.name}`);
  }
  const material = materialFor(identity, trust.material);
  const entity = entityFor(thing, identity, material);
  for (const old of thing.oldEntries) {
    const fault = checksLog(identity, material) ? checkOldEntry(old, material.tlogs) : undefined;
    if (fault !== undefined) return refused('transparency', fault);
  }
  const timestamps = entity.timestamps.filter(({ $case }) => $case === 'timestamp-authority').length;
  if (identity.transparency === 'timestamp' && timestamps === 0) {
    return refused('timestamp', 'it has no timestamp of an authority, which the policy asks for');
  }
  const oldCount = checksLog(identity, material) ? thing.oldEntries.length : 0;
  const verifier = new trust.library.Verifier(material, {
    tlogThreshold: identity.transparency === 'log' ? Math.max(1 - oldCount, 0) : 0,
    ctlogThreshold: identity.kind === 'certificate' && identity.certificateLog ? 1 : 0,
    timestampThreshold: identity.kind === 'certificate' || identity.transparency === 'timestamp' ? 1 : 0,
  });
  const signer = verifier.verify(entity);
  const own = ownChecks(thing, entity, signer.key);
  if (own !== undefined) return own;
  const named = identity.kind === 'certificate' ? readIdentity(identity, signer.identity) : undefined;
  if (named !== undefined && 'step' in named) return named;
  const time = timeOf(entity);
  if (time !== undefined && time.getTime() > now.getTime() + CLOCK_TOLERANCE_MILLISECONDS) {
    return refused(
      'age',
      `it says it was signed at ${time.toISOString()}, in the future of this machine's clock (${now.toISOString()})`,
    );
  }
  return {
    trusted: true,
    signer: {
      name: identity.name,
      kind: identity.kind,
      identity: named?.identity ?? (identity.kind === 'key' ? identity.fingerprint : ''),
      issuer: named?.issuer,
      time,
      logEntries: entity.tlogEntries.length + oldCount,
      timestamps,
    },
  };
}

/** Where no log is named and none asked for, entries can't be checked and count for nothing; else each must hold. */
function checksLog(identity: Identity, material: TrustMaterial): boolean {
  return identity.transparency === 'log' || material.tlogs.length > 0;
}

function materialFor(identity: Identity, material: TrustMaterial): TrustMaterial {
  if (identity.kind !== 'key') return material;
  return { ...material, publicKey: () => ({ publicKey: identity.key, validFor: () => true }) };
}

function entityFor({ entity }: SignedThing, identity: Identity, material: TrustMaterial): SignedEntity {
  const withLog = checksLog(identity, material);
  const withTimestamps = identity.transparency === 'timestamp' || material.timestampAuthorities.length > 0;
  return {
    signature: entity.signature,
    key: identity.kind === 'key' ? { $case: 'public-key', hint: '' } : entity.key,
    tlogEntries: withLog ? entity.tlogEntries : [],
    // The library counts a log entry's time only where the log promised it.
    timestamps: entity.timestamps.filter(({ $case }) => ($case === 'timestamp-authority' ? withTimestamps : withLog)),
  };
}

/** What sigstore-go checks beyond the library: the certificate's purpose, and that the log entry names this signer. */
function ownChecks(
  { certificate, oldEntries, format }: SignedThing,
  entity: SignedEntity,
  key: Parameters<typeof entryNamesSigner>[1]['key'],
): ThingReading | undefined {
  const uses = entity.key.$case === 'certificate' ? certificate : undefined;
  if (uses !== undefined) {
    const read = new X509Certificate(uses);
    if (!read.keyUsage?.includes(CODE_SIGNING))
      return refused('certificate', 'the certificate is not for signing code');
    if (read.ca) return refused('certificate', 'the certificate is an authority, not a signer');
  }
  // cosign 2 puts the certificate into the entry although a key is given to verify with.
  const named = { key, certificate: uses ?? (format === 'sigstore-bundle' ? undefined : certificate) };
  const entries = [...entity.tlogEntries, ...oldEntries.map(({ entry }) => entry)];
  if (entity.tlogEntries.length === 0 && oldEntries.length === 0) return undefined;
  const foreign = entries.some((entry) => !entryNamesSigner(entry.canonicalizedBody, named));
  return foreign ? refused('transparency', 'the log entry names another signer') : undefined;
}

function readIdentity(
  identity: Extract<Identity, { kind: 'certificate' }>,
  proved: { subjectAlternativeName?: string; extensions?: { issuer?: string } } | undefined,
): { identity: string; issuer: string } | Extract<ThingReading, { trusted: false }> {
  const who = proved?.subjectAlternativeName ?? '';
  const issuer = proved?.extensions?.issuer ?? '';
  for (const [what, match, text] of [
    ['issuer', identity.issuer, issuer],
    ['identity', identity.identity, who],
  ] as const) {
    const reading = readMatch(match, text);
    if (reading === 'matches') continue;
    const part = reading === 'partly' ? ' (it is found in it, but does not span it)' : '';
    return {
      trusted: false,
      step: 'identity',
      reason: `the certificate's ${what} is ${JSON.stringify(text)}, not ${formatMatch(match)}${part}`,
    };
  }
  return { identity: who, issuer };
}

/** Gives the earliest proved time. */
function timeOf(entity: SignedEntity): Date | undefined {
  const times = entity.timestamps.flatMap((timestamp) => {
    if (timestamp.$case === 'timestamp-authority') return [timestamp.timestamp.signingTime.getTime()];
    const { inclusionPromise, integratedTime } = timestamp.tlogEntry;
    return inclusionPromise === undefined ? [] : [Number(integratedTime) * 1000];
  });
  return times.length === 0 ? undefined : new Date(Math.min(...times));
}

function refused(step: Step, reason: string): Extract<ThingReading, { trusted: false }> {
  return { trusted: false, step, reason };
}

function stepOf(error: unknown): Step {
  const code = (error as { code?: unknown } | undefined)?.code;
  if (typeof code !== 'string') return 'format';
  if (code.startsWith('TLOG_')) return 'transparency';
  const steps: Readonly<Record<string, Step>> = {
    TIMESTAMP_ERROR: 'timestamp',
    CERTIFICATE_ERROR: 'certificate',
    PUBLIC_KEY_ERROR: 'key',
    SIGNATURE_ERROR: 'signature',
  };
  return steps[code] ?? 'format';
}

/** Says what the library's short messages mean. */
function describe(error: unknown, thing: SignedThing): string {
  const message = messageOf(error);
  const cause = error instanceof Error && error.cause !== undefined ? ` (${messageOf(error.cause)})` : '';
  if (/verify certificate chain/.test(message) && thing.certificate !== undefined) {
    return `the certificate does not lead to an authority of the trusted root at the time of signing${validityOf(thing)}${cause}`;
  }
  if (message === 'signature verification failed') return 'the signature is not by this key over these bytes';
  if (/^expected 1 tlog entries, got 0$/.test(message)) return 'it has no entry in a transparency log';
  if (/^expected 1 timestamps, got 0$/.test(message)) return 'nothing proves when it was signed';
  if (/^expected 1 SCTs, got 0$/.test(message)) return 'the certificate does not prove that it is in a certificate log';
  if (message === 'duplicate tlog entry') return 'the same log entry is listed more than once';
  return `${message}${cause}`;
}

function validityOf({ certificate, entity }: SignedThing): string {
  if (certificate === undefined) return '';
  const { validFrom, validTo } = new X509Certificate(certificate);
  const time = timeOf(entity);
  return `: it is valid from ${validFrom} to ${validTo}${time === undefined ? '' : `, and was used at ${time.toISOString()}`}`;
}
