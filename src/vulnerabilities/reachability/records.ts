// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestOf, hexOf, isDigest, replaceFile } from '#core';
import { type Json, readableJson } from '#formats';
import { VulnerabilityError } from '../error.ts';
import type { Analysis } from './types.ts';

/** Says which analysis is of an image: its platform manifest was checked to be made of the build that was analysed. */
interface ImageRecord {
  readonly version: 1;
  readonly build: Digest;
}

/**
 * Keeps an analysis where no prune of the cache reaches it: in the data folder, `reachability/evidence/DIGEST.json` (the tool's
 * output, never replaced), `builds/BUILD.json` (the newest analysis of a build), `images/MANIFEST.json` (of which build an image is).
 */
export async function keepAnalysis(
  dataFolder: string,
  kept: { readonly analysis: Analysis; readonly evidence: Uint8Array; readonly image: Digest },
): Promise<void> {
  const { analysis, evidence, image } = kept;
  if (digestOf(evidence) !== analysis.evidence) throw damaged(analysis.evidence);
  const places = placesIn(dataFolder);
  await replaceFile(places.evidence(analysis.evidence), evidence);
  await replaceFile(places.build(analysis.build), readableJson(analysis as unknown as Json));
  const record: ImageRecord = { version: 1, build: analysis.build };
  await replaceFile(places.image(image), readableJson(record as unknown as Json));
}

/**
 * Gives the newest analysis of the build that an image is made of; undefined where there is none. Throws `REACHABILITY_INVALID`
 * where a record can't be read, or the evidence that it cites is gone or another.
 */
export async function findAnalysis(dataFolder: string, image: Digest): Promise<Analysis | undefined> {
  const places = placesIn(dataFolder);
  const record = await readJson<ImageRecord>(places.image(image));
  if (record === undefined) return undefined;
  if (record.version !== 1 || !isDigest(record.build)) throw damaged(places.image(image));
  const analysis = await readJson<Analysis>(places.build(record.build));
  if (analysis?.version !== 1 || analysis.build !== record.build || !isDigest(analysis.evidence) || !isWhole(analysis))
    throw damaged(places.build(record.build));
  const evidence = await readFile(places.evidence(analysis.evidence)).catch(() => undefined);
  if (evidence === undefined || digestOf(evidence) !== analysis.evidence)
    throw damaged(places.evidence(analysis.evidence));
  return analysis;
}

function isWhole({ reached, advisories, tool }: Analysis): boolean {
  return Array.isArray(reached) && typeof advisories === 'object' && typeof tool === 'object';
}

function placesIn(dataFolder: string) {
  const place = (kind: string) => (digest: Digest) => join(dataFolder, 'reachability', kind, `${hexOf(digest)}.json`);
  return { evidence: place('evidence'), build: place('builds'), image: place('images') };
}

async function readJson<T>(path: string): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw damaged(path);
  }
  try {
    return JSON.parse(text) as T;
  } catch {
    throw damaged(path);
  }
}

function damaged(where: string): VulnerabilityError {
  return new VulnerabilityError('REACHABILITY_INVALID', 'a kept analysis is damaged, or its evidence is gone', {
    where,
    hint: 'Run `oakum scan --reachability` to analyse anew.',
  });
}
