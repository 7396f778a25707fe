// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import type { Report } from '#core';
import type { Lock } from '#definition';
import { lockTool, releaseRevision, type ReleaseOutcome } from '#factory';
import { openDestination } from './destination.ts';
import { formatBytes, formatSpan, formatTable } from './format.ts';
import { supportOf } from './lifecycle.ts';
import { releaseKnowledge } from './release-knowledge.ts';
import type { Run } from './run.ts';
import { keepLock } from './shop.ts';
import { openSigner, type SigningFlags } from './signer.ts';
import type { World } from './world.ts';

/** Flags that say where a revision goes, and who signs it. */
export interface PublishFlags extends SigningFlags {
  readonly to?: string;
  readonly out: string;
  readonly jobs?: number;
  readonly plainHttp?: boolean;
  readonly locked?: boolean;
  /** The folder of decisions; `vex` by default. */
  readonly vex?: string;
  /** Commander's form of --no-tests. */
  readonly tests?: boolean;
  /** Commander's form of --no-reachability. */
  readonly reachability?: boolean;
}

/**
 * Builds a revision from what a run has opened, and publishes it to a registry (`to`) or into the OCI layout of the output folder. A
 * patched one is tested and analysed before that, as far as flags and feeds allow.
 */
export async function publishRevision(
  run: Run,
  revision: number,
  { flags, world, report }: { readonly flags: PublishFlags; readonly world: World; readonly report: Report },
): Promise<ReleaseOutcome> {
  const { loaded, shop, selection, release } = run;
  const outFolder = resolve(world.workingFolder, flags.out);
  const lock = await withKustomize(run, flags, report);
  const destination = openDestination({ to: flags.to, outFolder, plainHttp: flags.plainHttp === true }, world);
  const signer = await openSigner(flags, world, report);
  const support = await supportOf(release, loaded, world);
  return releaseRevision(
    {
      read: loaded.read,
      lock,
      release,
      revision,
      selection,
      destination,
      outFolder,
      knowledge: {
        ...releaseKnowledge(loaded.read, { decisions: flags.vex ?? 'vex', output: outFolder }, world),
        ...(support === undefined ? {} : { support }),
      },
      proof: {
        tests: flags.tests !== false,
        ...(flags.reachability === false ? {} : { dataFolder: world.stateFolder }),
      },
      ...(flags.jobs === undefined ? {} : { jobs: flags.jobs }),
      ...(signer === undefined ? {} : { signing: { signer, cosignV2Tags: flags.cosignV2Tags === true } }),
    },
    shop,
  );
}

/** The program that builds install manifests is locked as the sources are. */
async function withKustomize({ loaded, lock, shop }: Run, flags: PublishFlags, report: Report): Promise<Lock> {
  const { definition } = loaded.read;
  if (!definition.manifests.make) return lock;
  const { lockFile } = loaded;
  const tool = await lockTool('kustomize', { definition, lock, lockFile, locked: flags.locked === true }, shop);
  await keepLock({ ...tool, holds: 'kustomize' }, lockFile, report);
  return tool.lock;
}

/** Gives what a release made as a table for people. */
export function formatImages({ images }: ReleaseOutcome): string {
  const rows = images.map((image) => [
    `${image.name}:${image.tag}`,
    image.digest,
    formatBytes(image.size),
    formatSpan(image.compileMilliseconds),
    image.cached ? 'cached' : 'built',
  ]);
  return formatTable(['IMAGE', 'DIGEST', 'SIZE', 'COMPILE', 'STATE'], rows, ['SIZE', 'COMPILE']);
}
