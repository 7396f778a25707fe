// SPDX-License-Identifier: Apache-2.0
import { imageSubjects, type ScanSubject } from '#vulnerabilities';
import { openImage } from './image.ts';
import { openRegistryClient } from './registry.ts';
import { temporaryPath } from './temporary.ts';
import type { TargetOptions } from './scan-targets.ts';

/** Takes an image's name, in a registry or `oci:FOLDER:NAME`; gives what is to be scanned, platform by platform. */
export async function openImageTarget(
  target: string,
  { world, platform, plainHttp }: TargetOptions,
): Promise<readonly ScanSubject[]> {
  const client = openRegistryClient(plainHttp === true, world);
  const { root, ...named } = await openImage(target, client, world.workingFolder);
  return imageSubjects({
    ...named,
    root: await root(),
    temporary: () => temporaryPath('scan'),
    ...(platform === undefined ? {} : { platforms: platform }),
  });
}
