// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Digest, digestOf, hexOf } from '#core';
import { ANALYSIS, EVIDENCE } from './__fixtures__/analysis.ts';
import { findAnalysis, keepAnalysis } from './records.ts';

const IMAGE = digestOf('image');
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-reachability-'));
});
afterEach(() => rm(folder, { recursive: true }));

const keep = (image: Digest = IMAGE) => keepAnalysis(folder, { analysis: ANALYSIS, evidence: EVIDENCE, image });
const damaged = { code: 'REACHABILITY_INVALID', hint: expect.stringContaining('--reachability') };

describe('the kept analyses', () => {
  it('are found by each image that holds the program, and by no other', async () => {
    await keep();
    await keep(digestOf('the same program on another base'));
    expect(await findAnalysis(folder, IMAGE)).toEqual(ANALYSIS);
    expect(await findAnalysis(folder, digestOf('the same program on another base'))).toEqual(ANALYSIS);
    expect(await findAnalysis(folder, digestOf('another program'))).toBeUndefined();
    const files = await readdir(join(folder, 'reachability'), { recursive: true });
    expect(files.filter((name) => name.endsWith('.json'))).toHaveLength(4); // one output, one build, two images
  });

  it.each(['evidence', 'builds', 'images'])('are not believed when a file of %s is damaged', async (kind) => {
    await keep();
    const digests: Readonly<Record<string, Digest>> = {
      evidence: ANALYSIS.evidence,
      builds: ANALYSIS.build,
      images: IMAGE,
    };
    const file = join(folder, 'reachability', kind, `${hexOf(digests[kind] ?? IMAGE)}.json`);
    for (const content of ['{', '{"version":1}', '']) {
      await writeFile(file, content);
      await expect(findAnalysis(folder, IMAGE)).rejects.toMatchObject(damaged);
    }
  });

  it('are not believed when what they cite is gone, and never cite what they were not given', async () => {
    await keep();
    await rm(join(folder, 'reachability/evidence', `${hexOf(ANALYSIS.evidence)}.json`));
    await expect(findAnalysis(folder, IMAGE)).rejects.toMatchObject(damaged);
    const other = keepAnalysis(folder, { analysis: ANALYSIS, evidence: Buffer.from('other'), image: IMAGE });
    await expect(other).rejects.toMatchObject(damaged);
  });
});
