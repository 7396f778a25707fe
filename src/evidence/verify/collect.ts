// SPDX-License-Identifier: Apache-2.0
import { type Digest, hexOf, OakumError } from '#core';
import type { EvidenceStore } from '../attach/store.ts';
import { PREDICATES, type ReadStatement } from '../statement.ts';
import { checkThing, type ProvedSigner } from './check-thing.ts';
import { type Finding, type SignedThing, type Step, STEPS } from './found.ts';
import { gatherEvidence } from './gather.ts';
import type { Policy } from './policy.ts';
import { predicateFault } from './predicates.ts';
import type { Trust } from './trust.ts';

/** Something proved about a digest: somebody the policy believes signed it. */
export interface Claim {
  readonly subject: Digest;
  readonly place: string;
  /** What holds it, see SignedThing. */
  readonly digest: Digest;
  readonly format: SignedThing['format'];
  /** `signature`, or the type of the predicate. */
  readonly type: string;
  readonly statement: ReadStatement | undefined;
  readonly signer: ProvedSigner;
}

/** Something found that proves nothing, and why. `type` is what it says it is, where that could be read. */
export interface Refusal {
  readonly subject: Digest;
  readonly place: string;
  readonly type: string | undefined;
  readonly step: Step;
  readonly reason: string;
}

/** What came of all that is attached to a digest. `failure` tells why the rest could not be read. */
export interface Collected {
  readonly claims: readonly Claim[];
  readonly refusals: readonly Refusal[];
  readonly failure: OakumError | undefined;
}

/** What judging needs. */
export interface Judging {
  readonly store: EvidenceStore;
  readonly policy: Policy;
  readonly trust: Trust;
  readonly now: Date;
}

/** Reads and judges what is attached to a digest until `isEnough` says so or nothing is left. Never throws for what it reads. */
export async function collectClaims(
  digest: Digest,
  judging: Judging,
  isEnough: (claims: readonly Claim[]) => Promise<boolean>,
): Promise<Collected> {
  const claims: Claim[] = [];
  const refusals: Refusal[] = [];
  try {
    for await (const round of gatherEvidence(judging.store, digest, judging.trust.library)) {
      for (const finding of round) {
        const judged = judgeFinding(finding, digest, judging);
        if ('signer' in judged) claims.push(judged);
        else refusals.push(judged);
      }
      if (await isEnough(claims)) break;
    }
    return { claims, refusals, failure: undefined };
  } catch (error) {
    if (!(error instanceof OakumError)) throw error;
    return { claims, refusals, failure: error };
  }
}

function judgeFinding(finding: Finding, subject: Digest, judging: Judging): Claim | Refusal {
  if (finding.kind === 'fault') {
    return { subject, place: finding.place, type: undefined, step: 'format', reason: finding.reason };
  }
  const { thing } = finding;
  const type = typeOf(thing);
  const refusal = (step: Step, reason: string): Refusal => ({ subject, place: thing.place, type, step, reason });
  const signed = findSigner(thing, type, judging);
  if ('reason' in signed) return refusal(signed.step, signed.reason);
  const other = subjectFault(thing, subject);
  if (other !== undefined) return refusal('subject', other);
  const statement = thing.content.kind === 'statement' ? thing.content.statement : undefined;
  if (statement !== undefined && type !== 'signature') {
    const fault = predicateFault(type, statement.predicate);
    if (fault !== undefined) return refusal('predicate', fault);
  }
  const late = ageFault(signed, judging);
  if (late !== undefined) return refusal('age', late);
  return { subject, place: thing.place, digest: thing.digest, format: thing.format, type, statement, signer: signed };
}

/** Tries every identity that is believed for this type; gives the signer, or the refusal of the one that came furthest. */
function findSigner(
  thing: SignedThing,
  type: string,
  { policy, trust, now }: Judging,
): ProvedSigner | { readonly step: Step; readonly reason: string } {
  let best: { readonly step: Step; readonly reason: string } | undefined;
  for (const identity of policy.identities) {
    if (identity.signs !== undefined && !identity.signs.includes(type)) continue;
    const reading = checkThing(thing, identity, { trust, now });
    if (reading.trusted) return reading.signer;
    if (best === undefined || STEPS.indexOf(reading.step) > STEPS.indexOf(best.step)) best = reading;
  }
  return best ?? { step: 'identity', reason: `the policy believes nobody for ${type}` };
}

function typeOf({ content }: SignedThing): string {
  if (content.kind === 'simple-signing') return 'signature';
  return claimTypeOf(content.statement.predicateType);
}

/** Takes the type of a predicate; gives what a claim of it is called: cosign's statement is a signature, whichever way it is written. */
export function claimTypeOf(predicateType: string): string {
  return predicateType === PREDICATES.cosignSignature ? 'signature' : predicateType;
}

/** A bundle moved from another image, or one of several statements about other digests, speaks of something else. */
function subjectFault({ content }: SignedThing, subject: Digest): string | undefined {
  if (content.kind === 'simple-signing') {
    return content.digest === subject ? undefined : `it is about ${content.digest}, not about ${subject}`;
  }
  const digests = content.statement.subject.map(({ digest }) => digest['sha256']);
  if (digests.includes(hexOf(subject))) return undefined;
  return `it is about sha256:${digests[0] ?? '(nothing)'}, not about ${subject}`;
}

function ageFault({ time }: ProvedSigner, { policy, now }: Judging): string | undefined {
  const most = policy.require.maximumAgeMilliseconds;
  if (most === undefined) return undefined;
  if (time === undefined) return 'nothing proves when it was signed, and the policy sets a maximum age';
  if (now.getTime() - time.getTime() <= most) return undefined;
  return `it was signed at ${time.toISOString()}, longer ago than the policy's ${most / 3_600_000} hours`;
}
