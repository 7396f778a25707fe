// SPDX-License-Identifier: Apache-2.0
import { diffImages, type PlatformDiff, type SbomChange } from '#evidence';
import { formatBytes, formatTable } from '../format.ts';
import { openImage } from '../image.ts';
import { openRegistryClient } from '../registry.ts';
import { type OutputFlags, print } from '../session.ts';
import { temporaryPath } from '../temporary.ts';
import type { World } from '../world.ts';

interface DiffFlags extends OutputFlags {
  readonly platform?: readonly string[];
  readonly plainHttp?: boolean;
}

/** `oakum diff`: prints what changed from one image to another. */
export async function diff(before: string, after: string, flags: DiffFlags, world: World): Promise<void> {
  const client = openRegistryClient(flags.plainHttp === true, world);
  const open = async (name: string) => {
    const { image, store, root } = await openImage(name, client, world.workingFolder);
    return { image, store, root: await root() };
  };
  const [older, newer] = await Promise.all([open(before), open(after)]);
  const platforms = await diffImages(older, newer, {
    ...(flags.platform === undefined ? {} : { platforms: flags.platform }),
    temporary: () => temporaryPath('diff'),
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
  const short = (value: string | undefined) => value?.replace(/^(sha256:[0-9a-f]{12})[0-9a-f]{52}$/, '$1') ?? '-';
  return [what, name, short(before), short(after)].map(shown);
}

/** What strangers wrote must not steer the terminal. */
function shown(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
}
