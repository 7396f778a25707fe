// SPDX-License-Identifier: Apache-2.0
import { OakumError } from '#core';
import type { Lock } from '#definition';
import type { DiffSide } from '#evidence';
import type { ChangelogPair } from '#factory';
import { parseRevision } from '#release';
import { openImage } from './image.ts';
import { openRegistryClient } from './registry.ts';
import type { Loaded } from './shop.ts';
import type { World } from './world.ts';

/** Flags that say where revisions are published, and which of their images are meant. */
export interface PlaceFlags {
  readonly to?: string;
  readonly layout: string;
  readonly component?: readonly string[];
  readonly plainHttp?: boolean;
}

/** Two revisions, such as `2.9.2-r0` and `2.9.2-r1`. */
export interface Revisions {
  readonly before: string;
  readonly after: string;
}

/** Gives the revision that one takes the place of: the lock says it, else the number before. Throws `REVISION_INVALID` for one that has none. */
export function predecessorOf(revision: string, lock: Lock | undefined): string {
  const named = lock?.revisions?.[revision]?.predecessor;
  if (named !== undefined) return named;
  const [, release, number] = /^(\d+\.\d+\.\d+)-r([1-9]\d*)$/.exec(revision) ?? [];
  if (number !== undefined) return `${release}-r${Number(number) - 1}`;
  throw new OakumError('usage', 'REVISION_INVALID', `"${revision}" is no revision that has one before it`, {
    hint: 'Write 2.9.2-r1, or name the earlier one with --since.',
  });
}

/** Opens the images of both revisions, where they are published. Throws `LOCK_INCOMPLETE`, and what the places throw. */
export async function openPairs(
  revisions: Revisions,
  { read, lock }: Loaded,
  { flags, world }: { readonly flags: PlaceFlags; readonly world: World },
): Promise<readonly ChangelogPair[]> {
  const client = openRegistryClient(flags.plainHttp === true, world);
  const open = async (place: string): Promise<DiffSide> => {
    const name = flags.to === undefined ? `oci:${flags.layout}:${place}` : `${flags.to.replace(/\/+$/, '')}/${place}`;
    const { image, store, root } = await openImage(name, client, world.workingFolder);
    return { image, store, root: await root() };
  };
  const chosen = Object.keys(read.definition.components).filter((name) => flags.component?.includes(name) ?? true);
  const tag = (component: string, revision: string) => {
    const { release, number } = parseRevision(revision) ?? { release: '', number: 0 };
    const version = lock?.releases[release]?.components[component]?.module.version;
    if (version !== undefined) return `${version}-r${number}`;
    throw new OakumError(
      'definition',
      'LOCK_INCOMPLETE',
      `the lock does not say which ${component} is in ${revision}`,
      {
        hint: `Run \`oakum lock ${release}\`.`,
      },
    );
  };
  return Promise.all(
    Object.keys(read.definition.channels).flatMap((channel) =>
      chosen.map(async (component): Promise<ChangelogPair> => {
        const names = [revisions.before, revisions.after].map(
          (one) => `${channel}/${component}:${tag(component, one)}`,
        );
        const [before, after] = await Promise.all(names.map(open));
        return { channel, component, before: before as DiffSide, after: after as DiffSide };
      }),
    ),
  );
}
