// SPDX-License-Identifier: Apache-2.0
import { planUninstall, refuseBlocked, uninstall } from '#consumers';
import { type ClusterFlags, type ConsentFlags, mayGoOn, openChosenCluster } from '../cluster.ts';
import { formatUninstallation } from '../cluster-text.ts';
import { plainText } from '../format.ts';
import { withProgress } from '../session.ts';
import type { World } from '../world.ts';

interface UninstallFlags extends ClusterFlags, ConsentFlags {
  readonly namespace: string;
  readonly crds?: boolean;
}

/** `oakum uninstall`: removes what Oakum installed. */
export async function uninstallFlux(flags: UninstallFlags, world: World): Promise<void> {
  const { cluster, plan } = await withProgress(flags, world, async (report) => {
    const chosen = await openChosenCluster(flags, world, report);
    const options = { namespace: flags.namespace, definitions: flags.crds === true };
    return { cluster: chosen, plan: await planUninstall(chosen, options) };
  });
  if (!flags.json) process.stdout.write(plainText(formatUninstallation({ ...plan, blockers: [] })));
  else if (flags.dryRun || plan.blockers.length > 0) process.stdout.write(`${JSON.stringify(plan, null, 2)}\n`);
  refuseBlocked(plan);
  if (!(await mayGoOn(flags, world, `\nDelete this from ${plan.cluster.context}?`))) {
    if (!flags.json) process.stdout.write('\nNothing was changed.\n');
    return;
  }
  const outcome = await withProgress(flags, world, (report) =>
    uninstall(plan, cluster, { report, signal: world.signal }),
  );
  if (flags.json) process.stdout.write(`${JSON.stringify({ ...plan, done: outcome.done }, null, 2)}\n`);
  else process.stdout.write(`\n${plan.from.revision ?? plan.from.release} is gone from ${plan.cluster.context}.\n`);
}
