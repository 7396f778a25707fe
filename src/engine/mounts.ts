// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises';
import type { Account } from './account.ts';
import { EngineError } from './error.ts';
import type { SandboxStep } from './step.ts';

/** Takes a step and the account it will run under; throws `MOUNT_MISSING` or `MOUNT_UNREADABLE` for the first mount that can't work. */
export async function checkMounts(step: SandboxStep, account: Pick<Account, 'kind' | 'uid'>): Promise<void> {
  for (const mount of step.mounts) {
    if (mount.kind === 'data') continue;
    const facts = await stat(mount.from).catch(() => undefined);
    if (facts === undefined)
      throw new EngineError('MOUNT_MISSING', `there is nothing to mount at ${mount.to}`, { where: mount.from });
    if (account.kind === 'own' || mount.kind === 'write' || facts.uid === account.uid) continue;
    const needed = facts.isDirectory() ? 0o5 : 0o4;
    if ((facts.mode & needed) !== needed) {
      throw new EngineError(
        'MOUNT_UNREADABLE',
        'started as root, Oakum runs steps as another user, who may not read this',
        {
          where: mount.from,
          hint: 'Make it readable to everyone (`chmod -R a+rX`; the folders above it may stay closed), or start Oakum with umask 022.',
        },
      );
    }
  }
}
