// SPDX-License-Identifier: Apache-2.0
import pLimit from 'p-limit';
import { type Policy, type Trust, verdictOf, verifySignature } from '#evidence';
import type { Document } from '#image';
import { type PublishedRelease, readReleaseArtifact } from '../artifact.ts';
import type { ReleaseDocument } from '../document.ts';
import { type ReleasePlace, RELEASES } from '../place.ts';
import { channelsOfPins, pinFaults } from '../read-pins.ts';
import { lineOf, parseRevision } from '../revision.ts';
import { type PieceReport, type ReleaseCheck, type ReleaseReport, toFailedCheck, toPiece } from './report.ts';
import { verifyChain } from './verify-chain.ts';
import { verifyImagePiece } from './verify-images.ts';
import { verifyManifests } from './verify-manifests.ts';

/** Who is believed, and how everything is judged. */
export interface ReleaseJudging {
  readonly policy: Policy;
  readonly trust: Trust;
  readonly now: Date;
  /** Reads every layer too. */
  readonly deep?: boolean;
  /** Names a new path on disk; needed where the policy compares SBOMs with the content. */
  readonly temporary: () => string;
}

/** A file of image pins, and the name to show for it. */
export interface PinsFile {
  readonly file: string;
  readonly text: string;
}

/** What {@link verifyRelease} needs. */
export interface VerifyReleaseRequest extends ReleaseJudging {
  /** The release's name, for the report. */
  readonly name: string;
  /** The tag in that name, where it has one. */
  readonly tag: string | undefined;
  readonly root: () => Promise<Document>;
  /** Where document, images and manifests lie. */
  readonly place: ReleasePlace;
  readonly pins?: readonly PinsFile[];
}

const AT_ONCE = 4;

/**
 * Verifies a release from its document: who signed it, that it is well-formed and free of contradictions, every image, its platforms and
 * their evidence, every artifact of manifests and what it pins, and each predecessor back to the first. What a document that is not
 * trusted names is not looked at. Whatever it finds is a verdict; throws nothing but defects.
 */
export async function verifyRelease(request: VerifyReleaseRequest): Promise<ReleaseReport> {
  const { name, policy, now } = request;
  const { piece, release } = await verifyDocument(request);
  const pieces = release === undefined ? [piece] : [piece, ...(await verifyPieces(release, request))];
  return {
    release: name,
    revision: release?.document.revision,
    digest: piece.digest,
    verdict: verdictOf(pieces.flatMap(({ checks }) => checks)),
    pieces,
    warnings: policy.warnings,
    policy: { uri: policy.uri, digest: policy.digest },
    time: now.toISOString(),
  };
}

async function verifyDocument(
  request: VerifyReleaseRequest,
): Promise<{ readonly piece: PieceReport; readonly release: PublishedRelease | undefined }> {
  const { name, place, tag } = request;
  const about = { kind: 'document', name } as const;
  const check = { name: 'document', subject: 'document' } as const;
  let root: Document;
  try {
    root = await request.root();
  } catch (error) {
    const failed = toFailedCheck(error, check);
    // What the user has named and is not there was not judged: the name may be wrong.
    return {
      piece: toPiece({ ...about, digest: undefined }, [{ ...failed.check, outcome: 'unknown' }], failed.failure),
      release: undefined,
    };
  }
  const { digest } = root.descriptor;
  const signed = await verifySignature({ ...request, store: place.store(RELEASES), digest, subject: 'document' });
  if (verdictOf(signed) !== 'trusted') return { piece: toPiece({ ...about, digest }, signed), release: undefined };
  try {
    const release = await readReleaseArtifact(place, root, name);
    const checks = [...signed, documentCheck(release.document, tag)];
    return { piece: toPiece({ ...about, digest }, checks), release };
  } catch (error) {
    const failed = toFailedCheck(error, check);
    return { piece: toPiece({ ...about, digest }, [...signed, failed.check], failed.failure), release: undefined };
  }
}

/** A tag moved to the document of another revision would pass off an old release as a new one. */
function documentCheck({ revision, release }: ReleaseDocument, tag: string | undefined): ReleaseCheck {
  const about = { name: 'document', subject: 'document' } as const;
  const wanted =
    tag === undefined
      ? undefined
      : parseRevision(tag) !== undefined
        ? revision
        : /^\d+\.\d+\.\d+/.test(tag)
          ? release
          : /^\d+\.\d+$/.test(tag)
            ? lineOf(release)
            : undefined;
  if (wanted !== undefined && wanted !== tag) {
    return { ...about, outcome: 'failed', reason: `the tag ${tag} names the document of ${revision}` };
  }
  return { ...about, outcome: 'passed', reason: `well-formed and without contradiction: ${revision}` };
}

/** Everything behind a document that is trusted, images side by side. */
async function verifyPieces(release: PublishedRelease, request: VerifyReleaseRequest): Promise<readonly PieceReport[]> {
  const { place, pins = [] } = request;
  const { document } = release;
  const limit = pLimit(AT_ONCE);
  const images = Object.entries(document.channels).flatMap(([channel, { images }]) =>
    images.map((image) => limit(() => verifyImagePiece({ channel, image, document }, place, request))),
  );
  const artifacts = (document.manifests ?? []).filter(({ kind }) => kind !== 'install');
  const manifests = artifacts.map((record) =>
    limit(() => verifyManifests(record, { document, place, judging: request })),
  );
  const chain = verifyChain(release, place, request);
  return [
    ...(await Promise.all(images)),
    ...(await Promise.all(manifests)),
    ...(await chain),
    ...pins.map((one) => verifyPins(one, document)),
  ];
}

function verifyPins({ file, text }: PinsFile, document: ReleaseDocument): PieceReport {
  const channels = channelsOfPins(text, document);
  const about = { name: 'pins', subject: channels.join(', ') } as const;
  const faults = pinFaults(text, file, { document, channels });
  const checks = faults.map(
    ({ where, message }): ReleaseCheck => ({ ...about, outcome: 'failed', reason: `${where}: ${message}` }),
  );
  const fine: ReleaseCheck = { ...about, outcome: 'passed', reason: `they are the images of ${document.revision}` };
  return toPiece({ kind: 'pins', name: file, digest: undefined }, checks.length === 0 ? [fine] : checks);
}
