// SPDX-License-Identifier: Apache-2.0
import { OakumError } from '#core';
import { type RolledBack, rollBack } from '#factory';
import { formatTable } from '../format.ts';
import { openRegistryClient } from '../registry.ts';
import { openRun, type SelectionFlags } from '../run.ts';
import { print, withProgress } from '../session.ts';
import { requireSigner, type SigningFlags } from '../signer.ts';
import type { World } from '../world.ts';

interface RollbackFlags extends SelectionFlags, Omit<SigningFlags, 'sign'> {
  readonly to: string;
  readonly reason: string;
  readonly plainHttp?: boolean;
}

/** `oakum rollback`: makes the moving tags of a registry name an earlier revision again. */
export async function rollback(revision: string, flags: RollbackFlags, world: World): Promise<void> {
  const [, release, number] = /^(\d+\.\d+\.\d+)-r(\d+)$/.exec(revision) ?? [];
  if (release === undefined || number === undefined) {
    throw new OakumError('usage', 'REVISION_INVALID', `"${revision}" is no revision`, { hint: 'Write 2.9.2-r0.' });
  }
  const moved = await withProgress(flags, world, async (report) => {
    const options = { world, report, platforms: 'all', keepLock: false } as const;
    const { lock, selection } = await openRun(release, { ...flags, locked: true }, options);
    const images = selection.channels.flatMap((channel) =>
      selection.components.map((component) => {
        const version = lock.releases[release]?.components[component]?.module.version ?? '';
        return { channel, component, version };
      }),
    );
    const signer = await requireSigner(flags, world, report);
    return rollBack({
      images,
      revision: Number(number),
      ...(flags.component === undefined && flags.channel === undefined ? { release } : {}),
      registry: flags.to.replace(/\/+$/, ''),
      client: openRegistryClient(flags.plainHttp === true, world),
      reason: flags.reason,
      now: world.clock.now(),
      signing: { signer, cosignV2Tags: flags.cosignV2Tags === true },
      report,
    });
  });
  print(flags, moved, () => describe(moved));
}

function describe(moved: readonly RolledBack[]): string {
  const rows = moved.map(({ name, tag, from, to }) => [
    `${name}:${tag}`,
    from ?? '-',
    from === to ? 'there already' : to,
  ]);
  return formatTable(['TAG', 'FROM', 'TO'], rows);
}
