// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const LIMIT_MEGABYTES = 300;
const SIZE = 2 * 2 ** 30;

/** Writes one file of 2 GiB, made on the way, as a layer to a sink that only counts; tells its own peak memory. */
const program = `
  import { digestOf, measure } from '#core';
  import { writeLayer } from '#image';
  const block = Buffer.from(Array.from({ length: 1 << 20 }, (_, at) => (at * at) % 251 ^ (at >> 9)));
  const entry = { kind: 'file', path: 'large', mode: 0o644, uid: 0, gid: 0, mtime: new Date(0), size: ${SIZE},
    async *open() { for (let size = 0; size < ${SIZE}; size += block.length) yield Buffer.from(block); } };
  const layer = await writeLayer([entry], { put: measure }, { epoch: new Date(0), compression: process.argv[1] });
  process.stdout.write(JSON.stringify({ layer, peak: Math.round(process.resourceUsage().maxRSS / 1024) }));`;

describe('the layer writer', () => {
  it.each(['gzip', 'zstd'])(`streams a file of 2 GiB as %s within ${LIMIT_MEGABYTES} MB of memory`, (compression) => {
    const args = ['--conditions=oakum-source', '--input-type=module', '-e', program, compression];
    const cwd = resolve(import.meta.dirname, '../../src/image');
    const child = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
    expect(child.stderr).toBe('');
    const { layer, peak } = JSON.parse(child.stdout) as { layer: { size: number }; peak: number };
    expect(layer.size).toBeGreaterThan(1000);
    expect(peak).toBeLessThan(LIMIT_MEGABYTES);
  });
});
