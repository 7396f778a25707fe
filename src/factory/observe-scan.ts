// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';
import {
  appendEvents,
  type AppendOptions,
  applyVex,
  type Feeds,
  type ObservedFinding,
  observeFindings,
  observePublication,
  type Publication,
  type ScannedSubject,
  type ScannedTarget,
  type SlaEvent,
  slaProductOf,
  toObservedFinding,
  toVexSubjects,
  type VexDocument,
  type VexImage,
  type VexJudgement,
} from '#vulnerabilities';

/** A scan of the newest revision's images, what was decided about them, and the log whose clocks it sets. */
export interface ObserveScanRequest {
  readonly reports: readonly ScannedTarget[];
  readonly images: readonly VexImage[];
  readonly documents: readonly VexDocument[];
  readonly feeds: Pick<Feeds, 'ssvc'>;
  /** Whether users can pull the images, so that the clocks of what is gone from them stop. */
  readonly published: boolean;
  readonly log: AppendOptions & { readonly file: string };
  readonly now: Date;
}

/** What a scan meant for the clocks: each finding with its state, the events that are new, and all that the log holds now. */
export interface ObservedScan {
  readonly judgements: readonly VexJudgement<ScannedSubject>[];
  readonly events: readonly SlaEvent[];
  readonly log: readonly SlaEvent[];
}

/**
 * Judges a scan by what was decided and notes in the SLA log what is new: found, rescored, fixed upstream, assessed, reopened; and, where
 * the images can be pulled, which open clocks stop, since what they run for is gone. Only targets that are images of the revision
 * count. Throws what {@link appendEvents} throws; then nothing is noted.
 */
export async function observeScan(request: ObserveScanRequest): Promise<ObservedScan> {
  const { reports, images, documents, log, now } = request;
  const judgements = applyVex(
    reports.flatMap((report) => toVexSubjects(report, images)),
    documents,
    now,
  );
  const observed = await toObserved(judgements, request);
  const publications = request.published ? publicationsOf(reports, images) : [];
  let events: readonly SlaEvent[] = [];
  let all: readonly SlaEvent[] = [];
  await appendEvents(
    log.file,
    (known) => {
      const found = observeFindings(known, observed, now);
      const so = [...known, ...found];
      events = [...found, ...publications.flatMap((publication) => observePublication(so, publication, now))];
      all = [...known, ...events];
      return events;
    },
    log,
  );
  return { judgements, events, log: all };
}

async function toObserved(
  judgements: readonly VexJudgement<ScannedSubject>[],
  { images, feeds }: ObserveScanRequest,
): Promise<readonly ObservedFinding[]> {
  const ours = judgements.flatMap((judgement) => {
    const image = imageOf(judgement.finding.digests, images);
    return image === undefined ? [] : [{ judgement, image }];
  });
  const ssvc = await feeds.ssvc(new Set(ours.flatMap(({ judgement }) => judgement.finding.ids)));
  return ours.map(({ judgement, image }) => {
    const points = judgement.finding.ids.map((id) => ssvc.get(id)).find((one) => one !== undefined);
    return toObservedFinding(judgement, image, points);
  });
}

/** A publication for each image whose every platform was scanned: with one missing, nobody knows that a vulnerability is gone. */
function publicationsOf(reports: readonly ScannedTarget[], images: readonly VexImage[]): readonly Publication[] {
  return images.flatMap((image) => {
    const own = reports.filter(({ digest }) => digest !== undefined && imageOf([digest], [image]) !== undefined);
    const seen = new Set(own.map(({ digest }) => digest));
    if (!image.platforms.every(({ digest }) => seen.has(digest))) return [];
    const remaining = new Set(own.flatMap(({ findings }) => findings.flatMap(({ id, ids }) => [id, ...ids])));
    return [{ product: slaProductOf(image), revision: image.revision, digest: image.index, remaining }];
  });
}

/** Gives the image of which one of these is a platform's manifest. */
export function imageOf(digests: readonly Digest[], images: readonly VexImage[]): VexImage | undefined {
  return images.find(({ platforms }) => platforms.some(({ digest }) => digests.includes(digest)));
}
