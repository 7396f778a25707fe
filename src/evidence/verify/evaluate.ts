// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';
import type { ReadStatement } from '../statement.ts';
import type { Claim, Collected, Refusal } from './collect.ts';
import { STEPS } from './found.ts';
import type { EmbeddedStatement } from './platforms.ts';
import type { AttestationDemand } from './policy.ts';
import type { Check, CheckName } from './report.ts';

/** Something believed about a platform: signed by somebody, or inside the signed index. */
export interface Believed {
  readonly type: string;
  readonly place: string;
  readonly digest: Digest;
  readonly statement: ReadStatement | undefined;
  readonly by: string;
}

/** Gives the checks of a digest's signature: who, proved how and when, about what; or the one that stopped the best candidate. */
export function signatureChecks({ claims, refusals, failure }: Collected, subject: string): readonly Check[] {
  const claim = claims.find(({ type }) => type === 'signature');
  if (claim === undefined) {
    const candidates = refusals.filter(({ type }) => type === 'signature' || type === undefined);
    return [missing('signature', { subject, candidates, failure, what: 'signature' })];
  }
  const passed = (name: CheckName, reason: string): Check => ({ name, subject, outcome: 'passed', reason });
  return [
    passed('signature', `valid, ${formatOf(claim.format)} in ${claim.place}`),
    passed('identity', who(claim)),
    passed('transparency', proofOf(claim)),
    passed('subject', claim.subject),
  ];
}

/** Gives the check that one of the predicate types demanded is believed of a platform. */
export function attestationCheck(
  demand: AttestationDemand,
  platform: {
    readonly subject: string;
    readonly believed: readonly Believed[];
    readonly collected: readonly Collected[];
  },
): Check {
  const { subject, believed, collected } = platform;
  const found = believed.find(({ type }) => demand.types.includes(type));
  if (found !== undefined) {
    const reason = `${demand.name}: ${found.by}, in ${found.place}`;
    return { name: 'attestation', subject, outcome: 'passed', reason };
  }
  const candidates = collected
    .flatMap(({ refusals }) => refusals)
    .filter(({ type }) => type === undefined || demand.types.includes(type));
  const failure = collected.find((one) => one.failure !== undefined)?.failure;
  return missing('attestation', { subject, candidates, failure, what: `${demand.name} attestation` });
}

/** Gives what is believed: the claims as they are, and what lies in the index where that is signed and the policy accepts it. */
export function toBelieved(claims: readonly Claim[], embedded: readonly EmbeddedStatement[]): readonly Believed[] {
  return [
    ...claims.map((claim) => ({ ...claim, by: `signed by ${who(claim)}` })),
    ...embedded.map((one) => ({ ...one, by: 'inside the signed index, without a signature of its own' })),
  ];
}

function missing(
  name: CheckName,
  about: {
    readonly subject: string;
    readonly candidates: readonly Refusal[];
    readonly failure: Collected['failure'];
    readonly what: string;
  },
): Check {
  const { subject, candidates, failure, what } = about;
  // What could not be read might be the very thing that is missing.
  if (failure !== undefined) return { name, subject, outcome: 'unknown', reason: failure.message };
  const [best, ...others] = [...candidates].sort((a, b) => STEPS.indexOf(b.step) - STEPS.indexOf(a.step));
  if (best === undefined) return { name, subject, outcome: 'failed', reason: `there is no ${what}` };
  const rest = others.length === 0 ? '' : ` (and ${others.length} more that prove nothing)`;
  const reason = `no ${what} to trust: ${best.reason}, in ${best.place}${rest}`;
  return { name: nameOf(best.step, name), subject, outcome: 'failed', reason };
}

/** The step at which the best candidate stopped names the check, where it has a name of its own. */
function nameOf(step: Refusal['step'], otherwise: CheckName): CheckName {
  if (step === 'identity' || step === 'transparency' || step === 'subject') return step;
  return step === 'timestamp' ? 'transparency' : otherwise;
}

function formatOf(format: Claim['format']): string {
  return format === 'sigstore-bundle' ? 'Sigstore bundle' : 'cosign 2 format';
}

/** Says who signed, for reports. */
export function who({ signer }: Pick<Claim, 'signer'>): string {
  if (signer.kind === 'key') return `${signer.name} (${signer.identity.slice(0, 19)})`;
  return `${signer.identity}, vouched for by ${signer.issuer}`;
}

function proofOf({ signer }: Claim): string {
  const at = signer.time === undefined ? '' : `, signed at ${signer.time.toISOString()}`;
  const parts = [
    ...(signer.logEntries > 0 ? [counted(signer.logEntries, 'log entry', 'log entries')] : []),
    ...(signer.timestamps > 0 ? [counted(signer.timestamps, 'timestamp', 'timestamps')] : []),
  ];
  return parts.length === 0 ? 'none asked for, none checked' : `${parts.join(' and ')} proved${at}`;
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
