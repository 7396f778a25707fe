// SPDX-License-Identifier: Apache-2.0
// Push of seven images to a registry on loopback: Oakum against crane, same content, same kind of registry, one run.
//
//     node --conditions=oakum-source bench/push.ts [--runs N] [--mib N] [--registry distribution|olareg|go] [--in FOLDER]
//
// The content: one OCI layout per image (crane pushes a layout whole), a layer of its own of --mib MiB (35) that does not
// compress, and one base layer of 3 MiB shared by all. Each round pushes to an empty registry. Crane runs once per image,
// which is how it is used, one after the other; and, to be fair to it, all seven at once as well. Our time is a whole
// process that pushes all seven, its start included (with a compile cache, as `./oakum` has). Runs alternate; the median counts, of times and of each round's ratio.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { digestOf } from '#core';
import { buildIndex, buildManifest, createLayout, type Descriptor, type Layout, toDocument } from '#image';
import { judge } from '../test/judges.ts';
import { noise, startDistribution, startGoRegistry, startOlareg } from '../test/registries.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    mib: { type: 'string', default: '35' },
    registry: { type: 'string', default: 'distribution' },
    in: { type: 'string', default: tmpdir() },
  },
});
const NAMES = ['source', 'kustomize', 'helm', 'notification', 'image-reflector', 'image-automation', 'watcher'];
const start = { distribution: startDistribution, olareg: startOlareg, go: startGoRegistry }[values.registry];
if (start === undefined) throw new Error(`--registry ${values.registry}: distribution, olareg or go`);
const crane = await judge('crane');
const runner = fileURLToPath(new URL('./push-run.ts', import.meta.url));
const folder = mkdtempSync(join(values.in, 'push-'));

async function store(layout: Layout, bytes: Uint8Array, mediaType: string): Promise<Descriptor> {
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
  await layout.put(descriptor, async function* () {
    yield bytes;
  });
  return descriptor;
}

async function makeLayout(name: string, base: Uint8Array): Promise<string> {
  const path = join(folder, name);
  const layout = await createLayout(path);
  const type = 'application/vnd.oci.image.layer.v1.tar+gzip';
  const layers = [await store(layout, base, type), await store(layout, noise(name, Number(values.mib) << 20), type)];
  const config = toDocument(
    { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) } },
    'application/vnd.oci.image.config.v1+json',
  );
  await store(layout, config.bytes, config.descriptor.mediaType);
  const manifest = buildManifest({ config: config.descriptor, layers }, { architecture: 'amd64', os: 'linux' });
  await layout.putManifest(manifest.descriptor, manifest.bytes);
  const index = buildIndex([manifest.descriptor]);
  await layout.putManifest(index.descriptor, index.bytes, `${name}:v1`);
  return path;
}

function run(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compile-cache') };
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(output) : reject(new Error(`${program}: ${errors}`))));
  });
}

async function timed(push: (host: string) => Promise<unknown>): Promise<number> {
  const registry = await start?.();
  if (registry === undefined) throw new Error(`no ${values.registry} registry can be had here`);
  try {
    const before = performance.now();
    await push(registry.host);
    const seconds = (performance.now() - before) / 1000;
    for (const name of NAMES) await run(crane, ['digest', `${registry.host}/flux/${name}:v1`]);
    return seconds;
  } finally {
    await registry.stop();
  }
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
const shown = (numbers: readonly number[]) =>
  `${median(numbers).toFixed(2)} s (${numbers.map((n) => n.toFixed(2)).join(' ')})`;

try {
  const base = noise('base', 3 << 20);
  const layouts: string[] = [];
  for (const name of NAMES) layouts.push(await makeLayout(name, base));
  const craneOne = (host: string, index: number) =>
    run(crane, ['push', '--index', layouts[index] ?? '', `${host}/flux/${NAMES[index]}:v1`]);
  const times = { ours: [] as number[], crane: [] as number[], craneAtOnce: [] as number[] };
  let facts = '';
  const ours = async (host: string) => {
    facts = await run(process.execPath, ['--conditions=oakum-source', runner, host, folder, ...NAMES]);
  };
  await timed(ours); // warms the disk cache for both
  for (let round = 0; round < Number(values.runs); round += 1) {
    times.ours.push(await timed(ours));
    times.crane.push(
      await timed(async (host) => {
        for (const index of NAMES.keys()) await craneOne(host, index);
      }),
    );
    times.craneAtOnce.push(await timed((host) => Promise.all(NAMES.map((_, index) => craneOne(host, index)))));
  }
  const ratio = (to: readonly number[]) =>
    median(times.ours.map((time, round) => time / (to[round] ?? Number.NaN))).toFixed(2);
  console.log(`seven images of ${values.mib} MiB and a shared base of 3 MiB, registry ${values.registry}`);
  console.log(`oakum                   ${shown(times.ours)}, last: ${facts.trim()}`);
  console.log(`crane, one by one       ${shown(times.crane)}`);
  console.log(`crane, seven at once    ${shown(times.craneAtOnce)}`);
  console.log(`ratio to crane one by one ${ratio(times.crane)}, to seven at once ${ratio(times.craneAtOnce)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
