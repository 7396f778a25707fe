// SPDX-License-Identifier: Apache-2.0
import { checkCluster } from '#consumers';
import { openKnowledge } from '../check-knowledge.ts';
import { type ClusterFlags, openChosenCluster } from '../cluster.ts';
import { formatCheck } from '../cluster-text.ts';
import { VERDICT_EXIT_CODE } from '../exit-codes.ts';
import { readDocuments } from '../release-documents.ts';
import { type OutputFlags, print, withProgress } from '../session.ts';
import type { VexFlags } from '../vex-decisions.ts';
import type { World } from '../world.ts';

interface CheckFlags extends ClusterFlags, OutputFlags, VexFlags {
  readonly namespace?: string;
  readonly documents?: readonly string[];
}

/** `oakum check`: compares what runs with the catalog; the exit code tells a monitor whether something wants attention. */
export async function check(flags: CheckFlags, world: World): Promise<void> {
  const documents = (await readDocuments(flags.documents, world)).map(({ document }) => document);
  const { notes, ...known } = await openKnowledge(flags, documents, world);
  const report = await withProgress(flags, world, async (tell) =>
    checkCluster(await openChosenCluster(flags, world, tell), { ...known, documents, namespace: flags.namespace }),
  );
  print(flags, { ...report, notes }, () => formatCheck(report, notes));
  if (report.problems.length > 0) process.exitCode = VERDICT_EXIT_CODE;
}
