// SPDX-License-Identifier: Apache-2.0
import { mkdir, statfs } from 'node:fs/promises';
import { openCache } from '#cache';
import { messageOf, OakumError } from '#core';
import { once } from '#factory';
import { formatBytes, formatTable } from '../format.ts';
import { askForImage } from '../image-bases.ts';
import { type OutputFlags, print } from '../session.ts';
import { type Loaded, loadDefinition, openShop, readMachine, type SharedFlags } from '../shop.ts';
import type { World } from '../world.ts';

/** One thing that was checked. `weaker` works, with less behind it. */
interface Finding {
  readonly name: string;
  readonly state: 'ok' | 'weaker' | 'missing';
  readonly sentence: string;
  readonly hint?: string;
}

/** A release of all seven controllers needs about this much: toolchain, modules, build cache, images. */
const NEEDED_DISK = 12e9;
const NEEDED_MEMORY = 4 * 2 ** 30;

/** `oakum doctor`: checks the machine; exits with the machine's exit code when something needed is missing. */
export async function doctor(flags: SharedFlags & OutputFlags, world: World): Promise<void> {
  const loaded = await loadDefinition(flags, world);
  const findings = [
    ...(await readSandbox(world)),
    await readDisk('cache', world.cacheFolder),
    readMemory(world),
    ...(await readNetwork(loaded, { flags, world })),
  ];
  print(flags, findings, () => describe(findings));
  const missing = findings.filter((one) => one.state === 'missing');
  if (missing.length > 0) {
    throw new OakumError(
      'machine',
      'MACHINE_LACKS',
      `this machine lacks ${missing.length} of ${findings.length} things: ${missing.map((one) => one.name).join(', ')}`,
    );
  }
}

async function readSandbox(world: World): Promise<Finding[]> {
  const reading = await readMachine(world, await openCache(world.cacheFolder));
  return [...reading.facts];
}

async function readDisk(name: string, folder: string): Promise<Finding> {
  await mkdir(folder, { recursive: true });
  const { bavail, bsize } = await statfs(folder);
  const sentence = `${formatBytes(bavail * bsize)} free for ${folder}`;
  if (bavail * bsize >= NEEDED_DISK) return { name: `disk (${name})`, state: 'ok', sentence };
  const hint = `A release of all components needs about ${formatBytes(NEEDED_DISK)}. Free space, or set OAKUM_CACHE to a folder on a larger disk.`;
  return { name: `disk (${name})`, state: 'weaker', sentence, hint };
}

function readMemory(world: World): Finding {
  const sentence = `${world.cores} cores, ${formatBytes(world.memoryBytes)} of memory`;
  if (world.memoryBytes >= NEEDED_MEMORY) return { name: 'machine', state: 'ok', sentence };
  return {
    name: 'machine',
    state: 'weaker',
    sentence,
    hint: 'Linking a controller takes up to 4 GB; less memory means swapping.',
  };
}

async function readNetwork(loaded: Loaded, options: { flags: SharedFlags; world: World }): Promise<Finding[]> {
  const shop = await openShop(loaded, { ...options, report: () => {} });
  const { definition } = loaded.read;
  const sources = once(shop.sources);
  const module = Object.values(definition.components)[0]?.module ?? '';
  const checks: [string, () => Promise<string>][] = [
    [
      'Go module proxy',
      async () => `${(await (await sources()).versions(module)).length} versions of ${module} listed`,
    ],
    [
      'checksum database',
      async () => {
        const head = await (await sources()).databaseHead();
        return `${head.name} is at ${head.treeSize} records, consistent with what was seen before`;
      },
    ],
    ...Object.entries(definition.bases).map(([name, base]): [string, () => Promise<string>] => [
      base.kind === 'image' ? `image of ${name}` : `packages of ${name}`,
      async () => {
        if (base.kind === 'image') return askForImage(base, shop.definitionFolder, options.world);
        if (base.kind === 'alpine') {
          const indexes = await (await shop.alpine(base)).indexes(base, 'amd64');
          return indexes.map((one) => `${one.repository} of ${one.date.slice(0, 10)}`).join(', ');
        }
        const { releases } = await (await shop.debian(base)).resolve(base, 'amd64');
        return releases.map((one) => `${one.suite} of ${one.date.slice(0, 10)}`).join(', ');
      },
    ]),
  ];
  return Promise.all(checks.map(([name, check]) => attempt(name, check)));
}

async function attempt(name: string, check: () => Promise<string>): Promise<Finding> {
  try {
    return { name, state: 'ok', sentence: await check() };
  } catch (error) {
    const hint = error instanceof OakumError ? error.hint : undefined;
    return { name, state: 'missing', sentence: messageOf(error), ...(hint === undefined ? {} : { hint }) };
  }
}

function describe(findings: readonly Finding[]): string {
  const rows = findings.map((one) => [one.state, one.name, one.sentence]);
  const hints = findings.flatMap((one) => (one.hint === undefined ? [] : [`${one.name}: ${one.hint}\n`]));
  return `${formatTable(['STATE', 'WHAT', 'FOUND'], rows)}${hints.length === 0 ? '' : `\nWhat to do:\n${hints.join('')}`}`;
}
