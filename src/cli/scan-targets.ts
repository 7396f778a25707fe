// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { OakumError } from '#core';
import { fileSubject, type ScanSubject } from '#vulnerabilities';
import type { World } from './world.ts';

/** How targets are opened. */
export interface TargetOptions {
  readonly world: World;
  readonly platform?: readonly string[];
  readonly plainHttp?: boolean;
}

const TARGETS =
  'Name a file (an SBOM in SPDX 2 or CycloneDX JSON, a Go program, a go.mod), an image (REGISTRY/REPOSITORY:TAG, oci:FOLDER:NAME) or a release (2.9.2).';

const RELEASE = /^(\d+\.\d+(?:\.\d+)?)(?:-r\d+)?$/;

/** Takes targets as the user names them; gives what is to be scanned. A name that is a file here is that file. */
export async function openTargets(targets: readonly string[], options: TargetOptions): Promise<readonly ScanSubject[]> {
  const subjects = await Promise.all(targets.map((target) => openTarget(target, options)));
  return subjects.flat();
}

async function openTarget(target: string, options: TargetOptions): Promise<readonly ScanSubject[]> {
  const { workingFolder } = options.world;
  if (target.startsWith('oci:')) return openImageTarget(target, options);
  const path = resolve(workingFolder, target);
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile()) return [await fileSubject(path, target)];
  if (RELEASE.test(target)) return openRelease(target, options);
  if (found?.isDirectory())
    throw new OakumError('usage', 'TARGET_INVALID', 'this is a folder', {
      where: target,
      hint: `For an image of an OCI layout name oci:${target}:NAME, for a Go module its go.mod.`,
    });
  if (/^\.{0,2}\//.test(target) || /\.(?:json|mod)$/.test(target))
    throw new OakumError('usage', 'TARGET_UNREADABLE', 'there is no such file', { where: target, hint: TARGETS });
  if (!/[./:]/.test(target))
    throw new OakumError('usage', 'TARGET_INVALID', 'there is no such file, and it names no image', {
      where: target,
      hint: TARGETS,
    });
  return openImageTarget(target, options);
}

/** A file needs nothing of images and registries, and they take longer to load than a file to scan. */
async function openImageTarget(target: string, options: TargetOptions): Promise<readonly ScanSubject[]> {
  return (await import('./image-target.ts')).openImageTarget(target, options);
}

interface ReleaseImages {
  readonly release?: string;
  readonly revision?: string;
  readonly channels?: Readonly<
    Record<string, { readonly images?: readonly { readonly component?: string; readonly tags?: readonly string[] }[] }>
  >;
}

/** A release is what `oakum release` has left in ./out: its document names the images of the layout beside it. */
async function openRelease(target: string, options: TargetOptions): Promise<readonly ScanSubject[]> {
  const folder = resolve(options.world.workingFolder, 'out');
  const text = await readFile(join(folder, 'release.json'), 'utf8').catch(() => undefined);
  const document = text === undefined ? undefined : readDocument(text, join(folder, 'release.json'));
  const isMeant =
    document?.revision === target || document?.release === target || document?.release?.startsWith(`${target}.`);
  if (document === undefined || isMeant !== true) {
    const there = document === undefined ? 'no release' : `release ${document.revision ?? document.release}`;
    throw new OakumError('usage', 'RELEASE_ABSENT', `./out holds ${there}`, {
      where: target,
      hint: `Run \`oakum release ${target}\` here, or name its images: REGISTRY/REPOSITORY:TAG, or oci:FOLDER:NAME for a layout.`,
    });
  }
  const names = Object.entries(document.channels ?? {}).flatMap(([channel, { images = [] }]) =>
    images.flatMap(({ component, tags }) =>
      component === undefined || tags?.[0] === undefined ? [] : [`${channel}/${component}:${tags[0]}`],
    ),
  );
  const layout = join(folder, 'oci');
  const subjects = await Promise.all(
    names.map(async (name) => {
      const found = await openImageTarget(`oci:${layout}:${name}`, options);
      return found.map((subject) => ({ ...subject, target: name }));
    }),
  );
  return subjects.flat();
}

function readDocument(text: string, where: string): ReleaseImages {
  try {
    return JSON.parse(text) as ReleaseImages;
  } catch {
    throw new OakumError('definition', 'RELEASE_INVALID', 'a release document is no JSON', { where });
  }
}
