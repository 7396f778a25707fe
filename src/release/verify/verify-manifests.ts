// SPDX-License-Identifier: Apache-2.0
import { digestOf } from '#core';
import { verifySignature } from '#evidence';
import { decompress, readTar } from '#formats';
import { checkedContent, type Document, parseManifest } from '#image';
import type { ManifestsRecord, ReleaseDocument } from '../document.ts';
import { pinFaults, type PinsExpectation } from '../read-pins.ts';
import type { ReleasePlace } from '../place.ts';
import { type PieceReport, type ReleaseCheck, toFailedCheck, toPiece } from './report.ts';
import type { ReleaseJudging } from './verify-release.ts';

const MOST_UNPACKED_BYTES = 64 << 20;
const MOST_ENTRIES = 1000;
/** The install manifest inside the artifact of the kind `flux-manifests`. */
const INSTALL_FILE = 'gotk-components.yaml';
const OPERATOR_PINS = /^flux-images\/v[^/]+\/[^/]+\.yaml$/;

/**
 * Verifies one artifact of manifests: it is there under the digest and size that the document names, is signed, and runs exactly the
 * images of its channel. The install manifest that is a file is checked as the content of `flux-manifests`. Throws nothing but defects.
 */
export async function verifyManifests(
  record: ManifestsRecord,
  { document, place, judging }: { document: ReleaseDocument; place: ReleasePlace; judging: ReleaseJudging },
): Promise<PieceReport> {
  const path = pathOf(record);
  const about = { kind: 'manifests', name: place.name(path, record.tags[0]), digest: record.digest } as const;
  const check = { name: 'manifests', subject: record.kind } as const;
  let root: Document;
  let files: ReadonlyMap<string, string>;
  try {
    root = await place.read(path, record.digest);
    files = await unpack(root, place.store(path), about.name);
  } catch (error) {
    const failed = toFailedCheck(error, check);
    return toPiece(about, [failed.check], failed.failure);
  }
  const { size, mediaType } = root.descriptor;
  const faults = [
    ...(size === record.size ? [] : [`it has ${size} bytes, in the document ${record.size}`]),
    ...(mediaType === record.mediaType ? [] : [`it is ${mediaType}, in the document ${record.mediaType}`]),
    ...contentFaults(record, files, document),
  ];
  const checks: ReleaseCheck[] = [
    ...(await verifySignature({ ...judging, store: place.store(path), digest: record.digest, subject: record.kind })),
    ...faults.slice(0, 20).map((reason) => ({ ...check, outcome: 'failed' as const, reason })),
  ];
  if (faults.length === 0) {
    checks.push({ ...check, outcome: 'passed', reason: `it runs exactly the images of ${record.channel}` });
  }
  return toPiece(about, checks);
}

/** The last two parts of its repository: where the place has it, under whatever registry. */
function pathOf({ name }: ManifestsRecord): string {
  return name.split('/').slice(-2).join('/');
}

async function unpack(
  root: Document,
  { source }: ReturnType<ReleasePlace['store']>,
  where: string,
): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const layer of parseManifest(root.bytes, where).layers) {
    const bytes = checkedContent(layer, source.open(layer), where);
    const tar = decompress(bytes, { compression: 'gzip', maxBytes: MOST_UNPACKED_BYTES, where });
    for await (const entry of readTar(tar, { where, maxEntries: MOST_ENTRIES, maxBytes: MOST_UNPACKED_BYTES })) {
      if (entry.kind !== 'file') continue;
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry.body) chunks.push(chunk);
      files.set(entry.path, Buffer.concat(chunks).toString('utf8'));
    }
  }
  return files;
}

function contentFaults(
  record: ManifestsRecord,
  files: ReadonlyMap<string, string>,
  document: ReleaseDocument,
): readonly string[] {
  const wanted: PinsExpectation = { document, channels: [record.channel] };
  if (record.kind === 'operator') {
    const pins = [...files].filter(([path]) => OPERATOR_PINS.test(path));
    if (pins.length !== 1) return [`it holds ${pins.length} files of image pins, not one`];
    return pins.flatMap(([path, text]) =>
      pinFaults(text, path, wanted).map(({ where, message }) => `${where}: ${message}`),
    );
  }
  const text = files.get(INSTALL_FILE);
  if (text === undefined) return [`it holds no ${INSTALL_FILE}`];
  const install = document.manifests?.find(({ channel, kind }) => channel === record.channel && kind === 'install');
  const digest = digestOf(text);
  return [
    ...(install === undefined || install.digest === digest
      ? []
      : [`its install manifest is ${digest}, in the document ${install.digest}`]),
    ...imageFaults(text, wanted),
  ];
}

/** Compares the images that Deployments run with those of the channel: each by digest, none missing, none beside them. */
function imageFaults(text: string, { document, channels }: PinsExpectation): readonly string[] {
  const images = channels.flatMap((channel) => document.channels[channel]?.images ?? []);
  const run = [...text.matchAll(/^[ \t]*(?:-[ \t]+)?image:[ \t]+["']?([^\s"']+)/gm)].map(([, name = '']) => name);
  const missing = images.filter(({ digest }) => !run.some((one) => one.endsWith(`@${digest}`)));
  const strange = run.filter(
    (one) =>
      !images.some(({ name, digest, tags }) =>
        [`${name}@${digest}`, ...tags.map((tag) => `${name}:${tag}@${digest}`)].includes(one),
      ),
  );
  return [
    ...strange.map((one) => `it runs ${one}, which is no image of the document`),
    ...missing.map(({ component, digest }) => `it does not run ${component}@${digest}`),
  ];
}
