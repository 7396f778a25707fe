// SPDX-License-Identifier: Apache-2.0
import { type KubernetesObject, refOf } from '#kubernetes';
import { refuseBlocked } from './carry-out.ts';
import { migrate, type MigrationOptions, planMigration } from './migration.ts';

/**
 * Makes a cluster ready for a definition that serves fewer versions than the one in place, as an upgrade does before it applies it.
 * Throws `PLAN_BLOCKED` where data would be lost; then nothing has changed.
 */
export async function migrateFor(next: KubernetesObject, options: MigrationOptions): Promise<void> {
  const { cluster } = options;
  const live = await cluster.get(refOf(next));
  if (live === undefined) return;
  const { migration, blockers } = await planMigration(cluster, live, next);
  refuseBlocked({ verb: 'the migration', blockers, cluster });
  if (migration !== undefined) await migrate(migration, options);
}
