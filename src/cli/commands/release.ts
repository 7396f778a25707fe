// SPDX-License-Identifier: Apache-2.0
import { isAbsolute, relative, resolve } from 'node:path';
import { releaseRevision, type ReleaseOutcome } from '#factory';
import { openRun, type SelectionFlags } from '../run.ts';
import { print, withProgress } from '../session.ts';
import { openSigner, type SigningFlags } from '../signer.ts';
import { formatBytes, formatSpan, formatTable } from '../format.ts';
import { openDestination } from '../destination.ts';
import type { World } from '../world.ts';

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
    const outFolder = resolve(world.workingFolder, flags.out);
    const destination = openDestination({ to: flags.to, outFolder, plainHttp: flags.plainHttp === true }, world);
    const platforms = flags.to === undefined ? 'machine' : 'all';
    const { loaded, shop, selection, ...locked } = await openRun(version, flags, {
      world,
      report,
      platforms,
      keepLock: true,
    });
    const signer = await openSigner(flags, world, report);
    return releaseRevision(
      {
        read: loaded.read,
        ...locked,
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
