// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diffImages, type PlatformDiff, type SbomChange } from '#evidence';
import { formatBytes, formatTable } from '../format.ts';
import { type OutputFlags, print } from '../session.ts';
import type { World } from '../world.ts';
import { openImage } from './inspect.ts';

interface DiffFlags extends OutputFlags {
  readonly platform?: readonly string[];
  readonly plainHttp?: boolean;
}

/** `oakum diff`: prints what changed from one image to another. */
export async function diff(before: string, after: string, flags: DiffFlags, world: World): Promise<void> {
  const [a, b] = await Promise.all([openImage(before, flags, world), openImage(after, flags, world)]);
  const platforms = await diffImages(a, b, {
    ...(flags.platform === undefined ? {} : { platforms: flags.platform }),
    temporary: () => join(tmpdir(), `oakum-diff-${randomUUID()}`),
  });
  print(flags, platforms, () => platforms.map(describe).join('\n'));
}

function describe({ platform, from, changes, size }: PlatformDiff): string {
  const grown = size.after - size.before;
  const sign = grown < 0 ? '-' : '+';
  const sizes = `${formatBytes(size.before)} to ${formatBytes(size.after)} (${sign}${formatBytes(Math.abs(grown))})`;
  const head = `${platform}: ${sizes}, ${changes.length === 1 ? '1 change' : `${changes.length} changes`}, by the ${from === 'SBOM' ? 'SBOMs' : 'layers'}\n`;
  if (changes.length === 0) return head;
  return head + formatTable(['KIND', 'NAME', 'BEFORE', 'AFTER'], changes.map(toRow));
}

function toRow({ what, name, before, after }: SbomChange): readonly string[] {
  const shown = (value: string | undefined) => value?.replace(/^(sha256:[0-9a-f]{12})[0-9a-f]{52}$/, '$1') ?? '-';
  return [what, name, shown(before), shown(after)];
}
