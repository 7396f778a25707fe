// SPDX-License-Identifier: Apache-2.0
// The catalog of 500 revisions, and their feed: `oakum catalog` as a whole process, on a folder of generated documents. Each has two
// channels of seven images for two platforms, with evidence and findings as a real release has: 84 kB.
//   node --conditions=oakum-source bench/catalog.ts [--revisions N] [--rounds N] [--bundle]
// --bundle runs ./oakum, which runs the bundled sources; else the sources run as they are.
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { digestOf } from '#core';
import { formatReleaseDocument, type ReleaseDocument } from '#release';
import { openFinding, releaseDocument } from '#testing';

const options = {
  revisions: { type: 'string' },
  rounds: { type: 'string' },
  bundle: { type: 'boolean' },
} as const;
const { revisions = '500', rounds = '5', bundle = false } = parseArgs({ options }).values;

const COMPONENTS = ['source', 'kustomize', 'helm', 'notification', 'image-reflector', 'image-automation', 'watcher'];
const CHANNELS = ['distroless', 'fips'];
const PLATFORMS = ['linux/amd64', 'linux/arm64'] as const;
const PREDICATES = ['https://spdx.dev/Document', 'https://cyclonedx.org/bom', 'https://slsa.dev/provenance/v1'];
const PER_RELEASE = 5;
const PER_LINE = 10;

const folder = await mkdtemp(join(tmpdir(), 'oakum-bench-catalog-'));
const home = resolve(import.meta.dirname, '..');

/** Gives a release document like a real one: every image with evidence on its index and each platform, and a dozen findings. */
function generate(index: number, predecessor: ReleaseDocument | undefined): ReleaseDocument {
  const release = Math.floor(index / PER_RELEASE);
  const name = `2.${Math.floor(release / PER_LINE)}.${release % PER_LINE}-r${index % PER_RELEASE}`;
  const isFirst = index % (PER_RELEASE * PER_LINE) === 0;
  const open = Array.from({ length: 12 }, (_, number) => ({
    ...openFinding(`CVE-2026-${1000 + ((index + number) % 400)}`),
    images: CHANNELS.map((channel) => `${channel}/source`),
  }));
  const document = releaseDocument(name, {
    components: COMPONENTS,
    channels: CHANNELS,
    platforms: PLATFORMS,
    created: new Date(Date.UTC(2026, 0, 1 + index)).toISOString().replace('.000Z', 'Z'),
    open,
    ...(isFirst || predecessor === undefined ? {} : { predecessor }),
  });
  const images = CHANNELS.flatMap((channel) => COMPONENTS.map((component) => `${channel}/${component}`));
  const evidence = images.flatMap((image) =>
    (['index', ...PLATFORMS] as const).flatMap((subject) =>
      PREDICATES.map((predicateType) => ({
        image,
        subject,
        predicateType,
        digest: digestOf(`${name} ${image} ${subject} ${predicateType}`),
      })),
    ),
  );
  const { publication } = document;
  return publication === undefined ? document : { ...document, publication: { ...publication, evidence } };
}

let predecessor: ReleaseDocument | undefined;
let bytes = 0;
for (let index = 0; index < Number(revisions); index += 1) {
  const document = generate(index, predecessor);
  const file = join(folder, `${document.revision}.json`);
  await writeFile(file, formatReleaseDocument(document));
  bytes += (await stat(file)).size;
  predecessor = document;
}
console.log(`${revisions} documents, ${(bytes / 1e6).toFixed(1)} MB; load ${loadavg()[0]?.toFixed(1)}`);

const [program, ...before] = bundle
  ? [join(home, 'oakum')]
  : [process.execPath, '--conditions=oakum-source', join(home, 'src/cli/main.ts')];
for (const format of ['table', 'json', 'atom']) {
  const times = Array.from({ length: Number(rounds) }, () => {
    const start = performance.now();
    const run = spawnSync(program ?? '', [...before, 'catalog', folder, '--format', format], {
      maxBuffer: 1 << 28,
    });
    if (run.status !== 0) throw new Error(run.stderr.toString());
    return performance.now() - start;
  }).sort((a, b) => a - b);
  const shown = times.map((time) => Math.round(time)).join(', ');
  console.log(`${format}: median ${Math.round(times[Math.floor(times.length / 2)] ?? 0)} ms (${shown})`);
}
await rm(folder, { recursive: true });
