// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { planRepository, writeRepository } from '#consumers';
import { definedOf, mayGoOn } from '../cluster.ts';
import { formatRepository } from '../cluster-text.ts';
import { plainText } from '../format.ts';
import type { World } from '../world.ts';
import { type ChangeFlags, changeCluster, readManifests } from './install.ts';

interface UpgradeFlags extends ChangeFlags {
  readonly git?: string;
}

/** `oakum upgrade`: brings a cluster to another revision, or writes the change to a Git working tree. */
export async function upgrade(version: string | undefined, flags: UpgradeFlags, world: World): Promise<void> {
  if (flags.git === undefined) return changeCluster('upgrade', version, { flags, world });
  const set = await readManifests(version, flags, world);
  const { run, signal } = world;
  const edit = await planRepository(resolve(world.workingFolder, flags.git), set, {
    run,
    signal,
    env: definedOf(world.env),
  });
  if (!flags.json) process.stdout.write(plainText(formatRepository(edit)));
  // Git keeps what was there: to write without asking does no harm at the end of a pipe.
  const isAsked = process.stdin.isTTY && !flags.json;
  const goes = edit.files.length > 0 && !flags.dryRun && (!isAsked || (await mayGoOn(flags, world, '\nWrite this?')));
  if (goes) await writeRepository(edit);
  if (flags.json) process.stdout.write(`${JSON.stringify({ ...edit, written: goes }, null, 2)}\n`);
  else if (goes) process.stdout.write('\nWritten, not committed: look at `git diff`, then commit and push.\n');
  else if (edit.files.length > 0) process.stdout.write('\nNothing was changed.\n');
}
