// SPDX-License-Identifier: Apache-2.0
import type { TreeEntry } from '#core';
import type { Distribution } from './bases.ts';

/** Where os-release lies (os-release(5)); of two the first counts, which may be a link to the other. */
const PLACES = ['etc/os-release', 'usr/lib/os-release'];

/** Takes the entries of a root; gives what it is of. */
export async function readDistribution(entries: readonly TreeEntry[]): Promise<Distribution> {
  const files = PLACES.map((path) => entries.find((entry) => entry.kind === 'file' && entry.path === path));
  const file = files.find((one) => one !== undefined);
  let text = '';
  if (file?.kind === 'file') for await (const chunk of file.open()) text += Buffer.from(chunk).toString('utf8');
  const field = (key: string) => new RegExp(`^${key}="?([^"\\n]*)"?$`, 'm').exec(text)?.[1];
  const codename = field('VERSION_CODENAME');
  return {
    id: field('ID') ?? 'linux',
    versionId: field('VERSION_ID') ?? '',
    ...(codename === undefined ? {} : { codename }),
  };
}
