// SPDX-License-Identifier: Apache-2.0
import type { CellRun, StepResult } from '#compatibility';
import { type Digest, hexOf } from '#core';
import type { LockedApiServer } from '#definition';
import { PREDICATES, type Statement, toDirHash, toStatement } from '#evidence';
import type { Json } from '#formats';
import type { CompatSubject } from './compat-test.ts';

/** What one test of a subject gave, and with what it was made. */
export interface CompatEvidence {
  readonly subject: CompatSubject;
  /** The revision that was upgraded from, `2.9.2-r0`. */
  readonly previous?: string | undefined;
  /** `1.36`. */
  readonly minor: string;
  readonly run: CellRun;
  readonly apiServer: { readonly locked: LockedApiServer; readonly program: Digest };
  /** Of the install manifests' text. */
  readonly manifests: Digest;
  /** Of the logs, by name. */
  readonly logs: Readonly<Record<string, Digest>>;
  readonly versions: Readonly<Record<string, string>>;
}

/**
 * Gives the statement of a test: about every image that ran, its index and its platform's manifest, an in-toto test result of version 0.1.
 * `oakum_compatibility` holds what the format has no place for: which cell it is, when, each step with its time, the logs' digests.
 */
export function toCompatStatement(evidence: CompatEvidence): Statement {
  const { subject, run } = evidence;
  const namesOf = (verdict: StepResult['verdict']) =>
    run.steps.flatMap((step) => (step.verdict === verdict ? [step.name] : []));
  const predicate: Json = {
    result: verdictOf(run.steps) === 'failed' ? 'FAILED' : namesOf('skipped').length > 0 ? 'WARNED' : 'PASSED',
    configuration: configurationOf(evidence),
    passedTests: namesOf('passed'),
    warnedTests: namesOf('skipped'),
    failedTests: namesOf('failed'),
    oakum_compatibility: {
      kubernetes: evidence.minor,
      channel: subject.channel,
      revision: subject.revision,
      ...(evidence.previous === undefined ? {} : { previous: evidence.previous }),
      platform: subject.platform,
      began: run.began.toISOString(),
      ended: run.ended.toISOString(),
      versions: { ...evidence.versions },
      steps: run.steps.map((step) => ({ ...step })),
      logs: { ...evidence.logs },
      ...passedOverIn(evidence.apiServer.locked),
    },
  };
  return stateOfImages(subject.images, PREDICATES.testResult, predicate);
}

/** Gives a statement about images that ran: the index of each and its platform's manifest. */
export function stateOfImages(images: CompatSubject['images'], predicateType: string, predicate: Json): Statement {
  const [first, ...rest] = images.flatMap(({ name, index, manifest }) =>
    [index, manifest.digest].map((digest) => toStatement({ name, digest }, predicateType, predicate)),
  );
  if (first === undefined) throw new TypeError('a statement must be about an image');
  return { ...first, subject: [first, ...rest].flatMap(({ subject }) => subject) };
}

/** Gives the newer patches that could not be built, `1.32.13`, as cells hold them: where there are any. */
export function passedOverIn({ passedOver }: LockedApiServer): { passedOver?: string[] } {
  return passedOver === undefined ? {} : { passedOver: passedOver.map((version) => version.replace(/^v/, '')) };
}

/** What a test says as a whole: what was skipped is no fault of the revision. */
export function verdictOf(steps: readonly StepResult[]): 'passed' | 'failed' {
  return steps.some(({ verdict }) => verdict === 'failed') ? 'failed' : 'passed';
}

/** The other half of the test, by digest: what the images met. A module has Go's directory hash (in-toto digest_set.md, "dirHash"). */
export function configurationOf({
  apiServer,
  manifests,
  versions,
}: Pick<CompatEvidence, 'apiServer' | 'manifests' | 'versions'>): Json {
  const { path, version, zipHash } = apiServer.locked.module;
  return [
    {
      name: `${path}@${version}`,
      digest: { dirHash: toDirHash(zipHash) },
    },
    { name: 'kube-apiserver', digest: { sha256: hexOf(apiServer.program) } },
    { name: 'install manifests', digest: { sha256: hexOf(manifests) } },
    { name: `etcd ${versions['etcd'] ?? ''}` },
  ];
}
