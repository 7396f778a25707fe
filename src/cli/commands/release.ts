// SPDX-License-Identifier: Apache-2.0
import { isAbsolute, relative, resolve } from 'node:path';
import { completeLock, releaseRevision, type ReleaseOutcome, select } from '#factory';
import { type OutputFlags, print, withProgress } from '../session.ts';
import { openSigner, type SigningFlags } from '../signer.ts';
import { keepLock, loadDefinition, openShop, type SharedFlags } from '../shop.ts';
import { formatBytes, formatSpan, formatTable } from '../format.ts';
import { openDestination } from '../destination.ts';
import type { World } from '../world.ts';

/** Flags of commands that work on a part of a release. */
export interface SelectionFlags extends SharedFlags, OutputFlags {
  readonly component?: readonly string[];
  readonly channel?: readonly string[];
  readonly platform?: readonly string[];
  readonly locked?: boolean;
}

interface ReleaseFlags extends SelectionFlags, SigningFlags {
  readonly to?: string;
  readonly out: string;
  readonly revision: number;
  readonly jobs?: number;
  readonly plainHttp?: boolean;
}

/** `oakum release`: builds a revision and publishes it. */
export async function release(version: string, flags: ReleaseFlags, world: World): Promise<void> {
  const outcome = await withProgress(flags, world, async (report) => {
    const loaded = await loadDefinition(flags, world);
    const { definition } = loaded.read;
    const shop = await openShop(loaded, { flags, world, report });
    const platforms = flags.platform ?? (flags.to === undefined ? [shop.machine.platform] : undefined);
    const selection = select(definition, {
      ...(flags.component === undefined ? {} : { components: flags.component }),
      ...(flags.channel === undefined ? {} : { channels: flags.channel }),
      ...(platforms === undefined ? {} : { platforms }),
    });
    const outFolder = resolve(world.workingFolder, flags.out);
    const destination = openDestination({ to: flags.to, outFolder, plainHttp: flags.plainHttp === true }, world);
    const completed = await completeLock({ ...loaded, definition, version, locked: flags.locked === true }, shop);
    await keepLock(completed, loaded.lockFile, report);
    const signer = await openSigner(flags, world, report);
    return releaseRevision(
      {
        read: loaded.read,
        lock: completed.lock,
        release: completed.release,
        revision: flags.revision,
        selection,
        destination,
        outFolder,
        ...(flags.jobs === undefined ? {} : { jobs: flags.jobs }),
        ...(signer === undefined ? {} : { signing: { signer, cosignV2Tags: flags.cosignV2Tags === true } }),
      },
      shop,
    );
  });
  print(flags, outcome, () => describe(outcome, world));
}

function describe(outcome: ReleaseOutcome, world: World): string {
  const rows = outcome.images.map((image) => [
    `${image.name}:${image.tag}`,
    image.digest,
    formatBytes(image.size),
    formatSpan(image.compileMilliseconds),
    image.cached ? 'cached' : 'built',
  ]);
  const table = formatTable(['IMAGE', 'DIGEST', 'SIZE', 'COMPILE', 'STATE'], rows, ['SIZE', 'COMPILE']);
  const files = outcome.files.map((file) => `  ${shown(file, world)}\n`).join('');
  return `${table}\nRevision ${outcome.revision}; wrote\n${files}`;
}

function shown(file: string, world: World): string {
  const path = relative(world.workingFolder, file);
  return path.startsWith('..') || isAbsolute(path) ? file : path;
}
