// SPDX-License-Identifier: Apache-2.0
// Tools that we did not write read our layouts. Needs skopeo and umoci (apt-get install skopeo umoci) and Go, for crane.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCache } from '#cache';
import type { TreeEntry } from '#core';
import { buildImage, buildIndex, createLayout, keepDocument, MEDIA_TYPES, storeInLayout, storeLayer } from '#image';
import { judge } from '../judges.ts';

const epoch = new Date('2026-01-02T03:04:05Z');
const created = new Date('2025-06-07T08:09:10Z');
const common = { uid: 0, gid: 0, mtime: created };
let area = '';
let layout = '';

beforeAll(async () => {
  area = await mkdtemp(join(tmpdir(), 'oakum-judges-'));
  layout = join(area, 'oci');
  const cache = await openCache(join(area, 'cache'));
  const store = await createLayout(layout);
  const tree: TreeEntry[] = [
    { ...common, kind: 'directory', path: 'tmp', mode: 0o1777 },
    { ...common, kind: 'symlink', path: 'usr/share/größe', target: 'x'.repeat(150), mode: 0o777 },
    { ...common, kind: 'file', path: `${'long/'.repeat(40)}file`, mode: 0o644, size: 0, async *open() {} },
  ];
  for (const compression of ['gzip', 'zstd'] as const) {
    const { layer } = await storeLayer({ inputs: 'base', entries: () => tree, epoch: created, compression }, cache);
    const images = await Promise.all(
      ['amd64', 'arm64'].map(async (architecture) => {
        const binary = await cache.blobs.put(
          (async function* () {
            for (let part = 0; part < 300; part += 1) yield Buffer.alloc(10_000, `${architecture} ${part}`);
          })(),
        );
        const run = { user: '65534:65534', entrypoint: ['/usr/local/bin/x'], labels: { a: 'b' } };
        const base = [{ layer, created, createdBy: 'base' }];
        const platform = { architecture, os: 'linux' };
        return buildImage({ platform, base, binary, binaryPath: 'usr/local/bin/x', epoch, run, compression }, cache);
      }),
    );
    const index = buildIndex(images.map(({ manifest }) => manifest.descriptor));
    await keepDocument(index, cache.blobs);
    await storeInLayout(index.descriptor, `distroless/x:${compression}`, cache.blobs, store);
    for (const { manifest } of images) {
      const name = `${compression}-${manifest.descriptor.platform?.architecture}`;
      await storeInLayout(manifest.descriptor, name, cache.blobs, store);
    }
  }
});
afterAll(() => rm(area, { recursive: true }));

function run(file: string, ...args: string[]): string {
  const result = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  expect(result.status, `${file} ${args.join(' ')}: ${result.error?.message ?? result.stderr}`).toBe(0);
  return result.stdout;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((ready) => server.once('listening', ready));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('our layout', () => {
  it.each(['gzip', 'zstd'])('is inspected and copied whole by skopeo, layers as %s', async (compression) => {
    const from = `oci:${layout}:${compression}-arm64`;
    const inspected = JSON.parse(run('skopeo', '--override-arch', 'arm64', 'inspect', from)) as Record<string, unknown>;
    expect(inspected).toMatchObject({
      Architecture: 'arm64',
      Os: 'linux',
      Labels: { a: 'b' },
      Created: '2026-01-02T03:04:05Z',
    });
    const target = join(area, `dir-${compression}`);
    run(
      'skopeo',
      '--insecure-policy',
      'copy',
      '--all',
      '--preserve-digests',
      `oci:${layout}:distroless/x:${compression}`,
      `dir:${target}`,
    );
    expect(JSON.parse(await readFile(join(target, 'manifest.json'), 'utf8'))).toMatchObject({
      mediaType: MEDIA_TYPES.index,
    });
  });

  it('is unpacked by umoci', async () => {
    const bundle = join(area, 'bundle');
    run('umoci', 'unpack', '--rootless', '--image', `${layout}:gzip-amd64`, bundle);
    const binary = await stat(join(bundle, 'rootfs/usr/local/bin/x'));
    expect([binary.size, binary.mode & 0o777, binary.mtime]).toEqual([3_000_000, 0o755, epoch]);
    await stat(join(bundle, 'rootfs', 'long/'.repeat(40), 'file'));
  });

  it.each(['gzip', 'zstd'])('is found valid by crane once in a registry, layers as %s', async (compression) => {
    const crane = await judge('crane');
    const port = await freePort();
    const registry = spawn(crane, ['registry', 'serve', '--address', `127.0.0.1:${port}`], { stdio: 'ignore' });
    try {
      await delay(500);
      const image = `127.0.0.1:${port}/x:${compression}`;
      run(
        'skopeo',
        '--insecure-policy',
        'copy',
        '--dest-tls-verify=false',
        '--all',
        '--preserve-digests',
        `oci:${layout}:distroless/x:${compression}`,
        `docker://${image}`,
      );
      if (compression === 'gzip') run(crane, 'validate', '--remote', image); // it takes every layer for gzip
      const tar = join(area, `${compression}.tar`);
      run(crane, 'export', '--platform', 'linux/arm64', image, tar);
      expect(run('tar', '-tvf', tar)).toContain('usr/local/bin/x');
    } finally {
      registry.kill();
    }
  });
});
