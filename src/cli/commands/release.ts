// SPDX-License-Identifier: Apache-2.0
import { isAbsolute, relative } from 'node:path';
import type { ReleaseOutcome } from '#factory';
import { formatImages, type PublishFlags, publishRevision } from '../publish-revision.ts';
import { openRun, type SelectionFlags } from '../run.ts';
import { print, withProgress } from '../session.ts';
import type { World } from '../world.ts';

interface ReleaseFlags extends SelectionFlags, PublishFlags {
  readonly revision: number;
}

/** `oakum release`: builds a revision and publishes it. */
export async function release(version: string, flags: ReleaseFlags, world: World): Promise<void> {
  const outcome = await withProgress(flags, world, async (report) => {
    const platforms = flags.to === undefined ? 'machine' : 'all';
    const run = await openRun(version, flags, { world, report, platforms, keepLock: true });
    const nothing = { tests: false, reachability: false }; // what would not be signed need not be found out
    return publishRevision(run, flags.revision, {
      flags: flags.sign ? flags : { ...flags, ...nothing },
      world,
      report,
    });
  });
  print(flags, outcome, () => describe(outcome, world));
}

function describe(outcome: ReleaseOutcome, world: World): string {
  const files = outcome.files.map((file) => `  ${shown(file, world)}\n`).join('');
  return `${formatImages(outcome)}\nRevision ${outcome.revision}; wrote\n${files}`;
}

function shown(file: string, world: World): string {
  const path = relative(world.workingFolder, file);
  return path.startsWith('..') || isAbsolute(path) ? file : path;
}
