// SPDX-License-Identifier: Apache-2.0
// Time and size of the parallel gzip writer by level and block size, beside one pass of plain zlib. For GZIP_LEVEL and GZIP_BLOCK.
//
//     node --conditions=oakum-source bench/gzip-levels.ts BINARY...
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import { parallelGzip } from '#formats';

const binaries = process.argv.slice(2);
const input = binaries.reduce((sum, path) => sum + statSync(path).size, 0);
const row = (name: string, seconds: number, size: number) =>
  process.stdout.write(
    `| ${name} | ${(input / 1e6 / seconds).toFixed(0)} | ${((100 * size) / input).toFixed(2)} % |\n`,
  );

process.stdout.write('| level, block | MB/s | size |\n|---|---|---|\n');
for (const level of [1, 2, 3, 4, 5, 6, 9]) {
  for (const blockSize of level === 4 || level === 5 ? [1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 22] : [1 << 20]) {
    const start = performance.now();
    let size = 0;
    for (const path of binaries) {
      const bytes = createReadStream(path, { highWaterMark: 1 << 20 });
      for await (const chunk of parallelGzip(bytes, { level, blockSize })) size += chunk.length;
    }
    row(`${level}, ${blockSize >> 10} KiB`, (performance.now() - start) / 1000, size);
  }
}
for (const level of [4, 6]) {
  const start = performance.now();
  let size = 0;
  for (const path of binaries) size += deflateRawSync(readFileSync(path), { level, chunkSize: 1 << 20 }).length;
  row(`${level}, one pass`, (performance.now() - start) / 1000, size);
}
