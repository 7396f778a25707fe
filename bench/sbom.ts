// SPDX-License-Identifier: Apache-2.0
// SBOM of an image, ours beside syft's: `node --conditions=oakum-source bench/sbom.ts LAYOUT NAME [ROUNDS]`, where LAYOUT is an OCI
// layout as `oakum release` writes it and NAME an image in it. "make" is what a release pays for each image: both
// formats, from what the build knows, in a process that makes its first SBOM; "read and compare" is what verify pays.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyImage, createLayout, openLayout } from '#image';
import { judge } from '../test/judges.ts';

const [layout = '', name = '', rounds = '5'] = process.argv.slice(2);
const syft = await judge('syft');
// syft takes a layout for one image, so ours gets one of its own.
const single = mkdtempSync(join(tmpdir(), 'oakum-bench-sbom-'));
const from = await openLayout(layout);
await copyImage({ from, to: await createLayout(single), root: await from.resolve(name), tags: [name] });
const ours: Record<string, number>[] = [];
const theirs: number[] = [];
for (let round = 0; round < Number(rounds); round += 1) {
  const run = spawnSync(
    process.execPath,
    ['--conditions=oakum-source', join(import.meta.dirname, 'sbom-run.ts'), single, name],
    {
      encoding: 'utf8',
    },
  );
  if (run.status !== 0) throw new Error(run.stderr);
  ours.push(JSON.parse(run.stdout) as Record<string, number>);
  const start = performance.now();
  const scan = spawnSync(syft, ['-q', 'scan', `oci-dir:${single}`, '-o', 'spdx-json'], {
    env: { ...process.env, SYFT_CHECK_FOR_APP_UPDATE: 'false' },
    maxBuffer: 1 << 28,
  });
  if (scan.status !== 0) throw new Error(scan.stderr.toString());
  theirs.push(performance.now() - start);
}
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const of = (key: string) => median(ours.map((one) => one[key] ?? 0));
console.log(`components ${of('components')}, files ${of('files')}, differences from the image ${of('differences')}`);
console.log(`make ${of('make').toFixed(0)} ms (again in the same process ${of('makeAgain').toFixed(0)} ms)`);
console.log(`read the image ${of('read').toFixed(0)} ms, compare ${of('compare').toFixed(0)} ms`);
console.log(`syft ${median(theirs).toFixed(0)} ms: ${(median(theirs) / of('make')).toFixed(0)} times ours`);
rmSync(single, { recursive: true });
