// SPDX-License-Identifier: Apache-2.0
import { verifySignature } from '#evidence';
import { findRelease, type PublishedRelease } from '../artifact.ts';
import { type ReleasePlace, RELEASES } from '../place.ts';
import { type PieceReport, type ReleaseCheck, toFailedCheck, toPiece } from './report.ts';
import type { ReleaseJudging } from './verify-release.ts';

/**
 * Walks back from a document to the first of its line: each predecessor must be there, be the very document that its successor names,
 * and be signed. It ends where one is not, since what lies behind it is then not vouched for. Throws nothing but defects.
 */
export async function verifyChain(
  first: PublishedRelease,
  place: ReleasePlace,
  judging: ReleaseJudging,
): Promise<readonly PieceReport[]> {
  const pieces: PieceReport[] = [];
  for (let current: PublishedRelease | undefined = first; current !== undefined; ) {
    const step: Step | undefined = await stepBack(current, place, judging);
    if (step === undefined) break;
    pieces.push(step.piece);
    current = step.next;
  }
  return pieces;
}

interface Step {
  readonly piece: PieceReport;
  /** Absent where the chain is broken. */
  readonly next: PublishedRelease | undefined;
}

async function stepBack(
  { document }: PublishedRelease,
  place: ReleasePlace,
  judging: ReleaseJudging,
): Promise<Step | undefined> {
  const predecessor = document.publication?.predecessor;
  if (predecessor === undefined) return undefined;
  const { revision, digest } = predecessor;
  const name = place.name(RELEASES, revision);
  const check = { name: 'predecessor', subject: 'document' } as const;
  const broken = (one: ReleaseCheck, failure?: PieceReport['failure']): Step => ({
    piece: toPiece({ kind: 'predecessor', name, digest }, [one], failure),
    next: undefined,
  });
  let found: PublishedRelease | undefined;
  try {
    found = await findRelease(place, revision);
  } catch (error) {
    const failed = toFailedCheck(error, check);
    return broken(failed.check, failed.failure);
  }
  if (found === undefined) {
    const reason = `${document.revision} names ${digest} as the document of ${revision}, which is not there`;
    return broken({ ...check, outcome: 'failed', reason });
  }
  if (found.digest !== digest) {
    const reason = `${document.revision} names ${digest} as the document of ${revision}, there it is ${found.digest}`;
    return broken({ ...check, outcome: 'failed', reason });
  }
  const checks: ReleaseCheck[] = [
    { ...check, outcome: 'passed', reason: `is what ${document.revision} names` },
    ...(await verifySignature({
      ...judging,
      store: place.store(RELEASES),
      digest: found.root.descriptor.digest,
      subject: 'document',
    })),
  ];
  return { piece: toPiece({ kind: 'predecessor', name, digest }, checks), next: found };
}
