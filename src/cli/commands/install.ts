// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { messageOf, OakumError } from '#core';
import {
  carryOut,
  compareWithRelease,
  type ManifestSet,
  type Outcome,
  planChange,
  type Plan,
  readManifestSet,
  refuseBlocked,
} from '#consumers';
import { type ClusterFlags, type ConsentFlags, mayGoOn, openChosenCluster } from '../cluster.ts';
import { formatPlan } from '../cluster-text.ts';
import { print, withProgress } from '../session.ts';
import type { World } from '../world.ts';
import type { ManifestsFlags } from './manifests.ts';

/** Flags of `oakum install` and `oakum upgrade`. */
export interface ChangeFlags extends Omit<ManifestsFlags, 'quiet'>, ClusterFlags, ConsentFlags {
  readonly manifests?: string;
  readonly forceConflicts?: boolean;
  readonly wait: boolean;
  readonly timeout: number;
}

/** `oakum install`: brings a cluster to a revision where nothing is installed, or completes an installation. */
export function install(version: string | undefined, flags: ChangeFlags, world: World): Promise<void> {
  return changeCluster('install', version, { flags, world });
}

/** What `install` and `upgrade` share: plan, consent, deed. */
export async function changeCluster(
  verb: Plan['verb'],
  version: string | undefined,
  { flags, world }: { readonly flags: ChangeFlags; readonly world: World },
): Promise<void> {
  const set = await readManifests(version, flags, world);
  const force = flags.forceConflicts === true;
  const { cluster, plan } = await withProgress(flags, world, async (report) => {
    const chosen = await openChosenCluster(flags, world, report);
    return { cluster: chosen, plan: await planChange(chosen, set, { verb, force }) };
  });
  if (!flags.json) print(flags, plan, () => formatPlan({ ...plan, blockers: [] }));
  else if (flags.dryRun || plan.blockers.length > 0) printJson(plan, undefined);
  refuseBlocked(plan);
  if (isNothing(plan) && !flags.dryRun) {
    if (flags.json) printJson(plan, { done: [] });
    else process.stdout.write('\nNothing is to be done.\n');
    return;
  }
  if (!(await mayGoOn(flags, world, `\n${verb} this into ${plan.cluster.context}?`))) {
    if (!flags.json)
      process.stdout.write(flags.dryRun ? '\nNothing was changed: this was a dry run.\n' : '\nNothing was changed.\n');
    return;
  }
  const outcome = await withProgress(flags, world, (report) =>
    carryOut(plan, cluster, {
      clock: world.clock,
      report,
      signal: world.signal,
      force,
      waitMilliseconds: flags.wait ? flags.timeout : undefined,
    }),
  );
  if (flags.json) printJson(plan, outcome);
  else process.stdout.write(`\n${set.revision ?? set.release} is installed in ${plan.cluster.context}.\n`);
}

/** Nothing to apply, and an earlier change that ended. */
function isNothing({ changes, migrations, from }: Plan): boolean {
  return migrations.length === 0 && from?.state === 'complete' && changes.every(({ action }) => action === 'keep');
}

/** Objects in full would fill screens; what they change is in the differences. */
function printJson(plan: Plan, outcome: Outcome | undefined): void {
  const { objects: _objects, ...to } = plan.to;
  const changes = plan.changes.map(({ object: _object, ...change }) => change);
  process.stdout.write(`${JSON.stringify({ ...plan, to, changes, done: outcome?.done }, null, 2)}\n`);
}

/** Reads the manifests that are named, or makes those of a revision; checks them against its release document where that is at hand. */
export async function readManifests(
  version: string | undefined,
  flags: ChangeFlags,
  world: World,
): Promise<ManifestSet> {
  if (flags.manifests !== undefined) {
    const set = await readNamed(flags.manifests, world);
    if (version === undefined) return set;
    const wanted = version.replace(/^v/, '');
    if (wanted === set.release || wanted === set.revision) return set;
    throw new OakumError(
      'usage',
      'RELEASE_OTHER',
      `these manifests are of ${set.revision ?? set.release}, not of ${version}`,
      {
        where: flags.manifests,
        hint: 'Name those of that revision, or leave --manifests out.',
      },
    );
  }
  if (version === undefined) {
    throw new OakumError('usage', 'VERSION_MISSING', 'what is to be installed is not named', {
      hint: 'Name a release (2.9.2), a revision (2.9.2-r1), or manifests with --manifests FILE.',
    });
  }
  const { makeManifests } = await import('./manifests.ts');
  const { text, document, file } = await makeManifests(
    version,
    { ...flags, quiet: flags.quiet === true || flags.json === true },
    world,
  );
  const set = readManifestSet(text, `manifests of ${document.revision}`);
  compareWithRelease(set, document, file);
  return set;
}

async function readNamed(name: string, world: World): Promise<ManifestSet> {
  if (name === '-') return readManifestSet(await textOf(process.stdin), 'stdin');
  const file = resolve(world.workingFolder, name);
  const content = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new OakumError('usage', 'FILE_UNREADABLE', `the manifests can't be read: ${messageOf(error)}`, {
      where: file,
      hint: '`oakum manifests REVISION > install.yaml` makes them.',
      cause: error,
    });
  });
  return readManifestSet(content, file);
}
