// SPDX-License-Identifier: Apache-2.0
// Packs binaries into one image each and writes a layout: what `oakum release` does after compiling. Run by packaging.ts.
import { copyFile, mkdtemp } from 'node:fs/promises';
import { cpus } from 'node:os';
import { basename, join } from 'node:path';
import pLimit from 'p-limit';
import { openCache, type StoredBlob } from '#cache';
import type { TreeEntry } from '#core';
import {
  buildImage,
  buildIndex,
  type Compression,
  createLayout,
  keepDocument,
  storeInLayout,
  storeLayer,
} from '#image';

const [folder = '', compression = 'gzip', ...binaries] = process.argv.slice(2);
const epoch = new Date('2026-01-01T00:00:00Z');
const packing = { epoch, compression: compression as Compression };
const base: TreeEntry = { kind: 'directory', path: 'tmp', mode: 0o1777, uid: 0, gid: 0, mtime: epoch };

const cache = await openCache(await mkdtemp(join(folder, 'cache-')));
const layout = await createLayout(await mkdtemp(join(folder, 'layout-')));
const { layer } = await storeLayer({ ...packing, inputs: 'base', entries: () => [base] }, cache);
const limit = pLimit(2);

async function adopt(path: string): Promise<StoredBlob> {
  const scratch = cache.temporary();
  await copyFile(path, scratch);
  return cache.blobs.adopt(scratch);
}

async function pack(path: string, binary: StoredBlob): Promise<number> {
  const image = await buildImage(
    {
      platform: { architecture: 'amd64', os: 'linux' },
      base: [{ layer, created: epoch, createdBy: 'bench' }],
      binary,
      binaryPath: `usr/local/bin/${basename(path)}`,
      run: { user: '65534:65534', entrypoint: [`/usr/local/bin/${basename(path)}`] },
      ...packing,
    },
    cache,
  );
  const index = buildIndex([image.manifest.descriptor]);
  await keepDocument(index, cache.blobs);
  await storeInLayout(index.descriptor, `distroless/${basename(path)}:v1`, cache.blobs, layout);
  return image.layers.at(-1)?.size ?? 0;
}

// Taking a binary into the cache is the end of the build step and counted there.
const start = performance.now();
const stored = await Promise.all(binaries.map(async (path) => ({ path, binary: await adopt(path) })));
const takingSeconds = (performance.now() - start) / 1000;
const sizes = await Promise.all(stored.map(({ path, binary }) => limit(() => pack(path, binary))));
const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
process.stdout.write(
  JSON.stringify({
    takingSeconds,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    peakMegabytes: Math.round(maxRSS / 1024),
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    cores: cpus().length,
  }),
);
