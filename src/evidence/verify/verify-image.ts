// SPDX-License-Identifier: Apache-2.0
import { type Digest, messageOf, OakumError } from '#core';
import type { Document } from '#image';
import type { EvidenceStore } from '../attach/store.ts';
import { isProvenanceType } from '../provenance/read.ts';
import { checkSboms } from './check-sbom.ts';
import { type Claim, type Collected, collectClaims } from './collect.ts';
import { isContentFault } from './content-fault.ts';
import { attestationCheck, signatureChecks, toBelieved, who } from './evaluate.ts';
import { hasNamed, type NamedEvidence, namedChecks } from './named.ts';
import {
  type EmbeddedStatement,
  type PlatformReading,
  type PlatformTarget,
  readEmbedded,
  readPlatform,
  selectPlatforms,
} from './platforms.ts';
import type { AttestationDemand, Policy, Requirements } from './policy.ts';
import { predicateTypesOf } from './predicate-names.ts';
import { type Check, type EvidenceItem, type VerificationReport, verdictOf } from './report.ts';
import { checkProvenance } from './slsa.ts';
import type { Trust } from './trust.ts';

/** What {@link verifyImage} needs. */
export interface VerifyImageRequest {
  /** The image's name, for the report. */
  readonly image: string;
  /** Reads what the name names, its digest checked. */
  readonly root: () => Promise<Document>;
  /** Where the image and its evidence lie. */
  readonly store: EvidenceStore;
  readonly policy: Policy;
  readonly trust: Trust;
  readonly now: Date;
  /** Only these platforms, whatever the policy says. */
  readonly platforms?: readonly string[];
  /** Reads every layer and compares digest and diffId. */
  readonly deep?: boolean;
  /** Evidence on the image or its platforms that must be there by its very digest, beside what the policy demands. */
  readonly named?: readonly NamedEvidence[];
  /** Names a new path on disk; needed where the policy compares SBOMs with the content. */
  readonly temporary: () => string;
}

/**
 * Verifies an image against a policy: the index or manifest, each platform manifest below it, and what is attached to them.
 * Whatever it finds is a verdict, not an error: what could not be read makes the report `undecided`. Fail-closed: a check
 * counts only when it passed. Throws nothing but defects.
 */
export async function verifyImage(request: VerifyImageRequest): Promise<VerificationReport> {
  const { policy, now, image } = request;
  const shared = {
    image,
    warnings: policy.warnings,
    policy: { uri: policy.uri, digest: policy.digest },
    time: now.toISOString(),
  };
  let root: Document;
  try {
    root = await request.root();
  } catch (error) {
    if (!(error instanceof OakumError)) throw error;
    const outcome = error.family === 'proof' ? 'failed' : 'unknown';
    const checks: Check[] = [{ name: 'image', subject: 'index', outcome, reason: messageOf(error) }];
    return {
      ...shared,
      digest: undefined,
      verdict: verdictOf(checks),
      checks,
      level: undefined,
      evidence: [],
      failure: failureOf(error),
    };
  }
  const found = await examine(request, root);
  return { ...shared, digest: root.descriptor.digest, verdict: verdictOf(found.checks), ...found };
}

type Findings = Pick<VerificationReport, 'checks' | 'level' | 'evidence' | 'failure'>;

async function examine(request: VerifyImageRequest, root: Document): Promise<Findings> {
  const { policy, store, deep = false } = request;
  const wanted = request.platforms ?? policy.platforms;
  let selected: ReturnType<typeof selectPlatforms>;
  try {
    selected = selectPlatforms(root, wanted, request.image);
  } catch (error) {
    if (!isContentFault(error)) throw error;
    const checks: Check[] = [{ name: 'image', subject: 'index', outcome: 'failed', reason: messageOf(error) }];
    return { checks, level: undefined, evidence: [], failure: undefined };
  }
  const { targets, missing } = selected;
  const [collected, readings, embedded] = await Promise.all([
    collectAll(request, root, targets),
    Promise.all(targets.map((target) => readPlatform(store, target, { wanted, deep }))),
    readAllEmbedded(request, root, targets),
  ]);
  const of = (digest: Digest) => collected.get(digest) ?? NOTHING;
  const rootCollected = of(root.descriptor.digest);
  const rootName = targets.some(({ descriptor }) => descriptor.digest === root.descriptor.digest)
    ? 'manifest'
    : 'index';
  const checks: Check[] = [
    { name: 'image', subject: rootName, outcome: 'passed', reason: `${request.image} is ${root.descriptor.digest}` },
    ...missing.map((platform): Check => absent(platform)),
  ];
  if (policy.require.signature !== 'none') checks.push(...signatureChecks(rootCollected, rootName));
  const { digest } = root.descriptor;
  checks.push(...namedChecks(request.named ?? [], { digest, subject: rootName, collected: rootCollected }));
  const isSigned = rootCollected.claims.some(({ type }) => type === 'signature');
  const levels: number[] = [];
  for (const [index, reading] of readings.entries()) {
    const platform = await checkPlatform(request, reading, {
      own: of(reading.target.descriptor.digest),
      root: rootCollected,
      isRoot: reading.target.descriptor.digest === root.descriptor.digest,
      embedded: embedded[index] ?? [],
      isSigned,
    });
    checks.push(...platform.checks);
    if (platform.level !== undefined) levels.push(platform.level);
  }
  return {
    checks,
    level: levels.length === 0 ? undefined : Math.min(...levels),
    evidence: [...collected.values()].flatMap(toItems).concat(embedded.flat().map((one) => toItem(one, isSigned))),
    failure: failureIn(collected, checks),
  };
}

/** Gives why an examination is undecided. */
function failureIn(collected: ReadonlyMap<Digest, Collected>, checks: readonly Check[]): VerificationReport['failure'] {
  const failure = [...collected.values()].find((one) => one.failure !== undefined)?.failure;
  return failure === undefined || verdictOf(checks) !== 'undecided' ? undefined : failureOf(failure);
}

const NOTHING: Collected = { claims: [], refusals: [], failure: undefined };

function absent(platform: string): Check {
  return { name: 'image', subject: platform, outcome: 'failed', reason: `the image has no ${platform}` };
}

/**
 * Reads what is attached to the root and to each platform, all at once, each digest once. What the root has serves its
 * platforms too, so a platform's search ends where both together have enough.
 */
async function collectAll(
  request: VerifyImageRequest,
  root: Document,
  targets: readonly PlatformTarget[],
): Promise<ReadonlyMap<Digest, Collected>> {
  const { named = [], policy } = request;
  const { require } = policy;
  const demands = demandsOf(require);
  const signed = (claims: readonly Claim[]) => claims.some(({ type }) => type === 'signature');
  const attested = (claims: readonly Claim[]) =>
    demands.every(({ types }) => claims.some(({ type }) => types.includes(type)));
  const rootDigest = root.descriptor.digest;
  const needsSignature = require.signature !== 'none' || require.embedded;
  const ofRoot = collectClaims(
    rootDigest,
    request,
    async (claims) => (!needsSignature || signed(claims)) && attested(claims) && hasNamed(claims, named, rootDigest),
  );
  const others = new Set(targets.map(({ descriptor }) => descriptor.digest).filter((digest) => digest !== rootDigest));
  const ofPlatforms = [...others].map(async (digest) => {
    const isEnough = async (claims: readonly Claim[]) =>
      (require.signature !== 'each' || signed(claims)) &&
      hasNamed(claims, named, digest) &&
      (attested(claims) || attested([...claims, ...(await ofRoot).claims]));
    return [digest, await collectClaims(digest, request, isEnough)] as const;
  });
  return new Map([[rootDigest, await ofRoot], ...(await Promise.all(ofPlatforms))]);
}

/** All predicate types that must be there: those named, and what the demands on provenance and SBOM need. */
function demandsOf(require: Requirements): readonly AttestationDemand[] {
  const implied = (name: string): AttestationDemand => ({ name, types: predicateTypesOf(name) });
  const named = require.attestations;
  const has = (demand: AttestationDemand) =>
    named.some(({ types }) => types.every((type) => demand.types.includes(type)));
  return [
    ...named,
    ...(require.slsa === undefined ? [] : [implied('provenance')]).filter((demand) => !has(demand)),
    ...(require.sbom === undefined ? [] : [implied('sbom')]).filter((demand) => !has(demand)),
  ];
}

async function readAllEmbedded(
  { policy, store }: VerifyImageRequest,
  root: Document,
  targets: readonly PlatformTarget[],
): Promise<readonly (readonly EmbeddedStatement[])[]> {
  if (!policy.require.embedded) return targets.map(() => []);
  return Promise.all(
    targets.map(async (target) => {
      try {
        return await readEmbedded(store, root, target);
      } catch (error) {
        // What can't be read is not there: the checks that need it fail.
        if (error instanceof OakumError) return [];
        throw error;
      }
    }),
  );
}

interface PlatformEvidence {
  readonly own: Collected;
  readonly root: Collected;
  readonly isRoot: boolean;
  readonly embedded: readonly EmbeddedStatement[];
  readonly isSigned: boolean;
}

async function checkPlatform(
  request: VerifyImageRequest,
  reading: PlatformReading,
  { own, root, isRoot, embedded, isSigned }: PlatformEvidence,
): Promise<{ readonly checks: readonly Check[]; readonly level: number | undefined }> {
  const { require } = request.policy;
  const { name: subject, descriptor } = reading.target;
  const checks: Check[] = [reading.check];
  if (require.signature === 'each' && !isRoot) checks.push(...signatureChecks(own, subject));
  const { digest } = descriptor;
  if (!isRoot) checks.push(...namedChecks(request.named ?? [], { digest, subject, collected: own }));
  const collected = isRoot ? [own] : [own, root];
  // What is attached to the index holds for its platforms; what lies in the index counts where the index is signed.
  const believed = toBelieved(
    collected.flatMap(({ claims }) => claims),
    isSigned ? embedded : [],
  );
  for (const demand of demandsOf(require)) checks.push(attestationCheck(demand, { subject, believed, collected }));
  // Where there is none, the check of its presence has failed already, or could not be made.
  const provenance = believed.filter(({ type }) => isProvenanceType(type));
  const slsa =
    require.slsa === undefined || provenance.length === 0
      ? undefined
      : checkProvenance(provenance, require.slsa, subject);
  if (slsa !== undefined) checks.push(...slsa.checks);
  const sboms = believed.filter(({ type }) => predicateTypesOf('sbom').includes(type));
  if (require.sbom !== undefined && sboms.length > 0 && reading.check.outcome === 'passed') {
    const { store, temporary } = request;
    const target = { subject, descriptor, architecture: reading.architecture, source: store.source, temporary };
    checks.push(...(await checkSboms(sboms, target, require.sbom)));
  }
  return { checks, level: require.slsa === undefined ? undefined : (slsa?.level ?? 0) };
}

function toItems({ claims, refusals }: Collected): EvidenceItem[] {
  return [
    ...claims.map((claim): EvidenceItem => {
      const { subject, type, place, digest } = claim;
      return { subject, type, place, digest, trusted: true, reason: `signed by ${who(claim)}` };
    }),
    ...refusals.map(({ subject, type = 'unknown', place, reason }): EvidenceItem => {
      return { subject, type, place, trusted: false, reason };
    }),
  ];
}

function toItem({ type, place, digest }: EmbeddedStatement, isSigned: boolean): EvidenceItem {
  const reason = isSigned ? 'inside the signed index, without a signature of its own' : 'not signed';
  return { subject: digest, type, place, digest, trusted: isSigned, reason };
}

function failureOf({ family, code, message }: OakumError): VerificationReport['failure'] {
  return { family, code, message };
}
