// SPDX-License-Identifier: Apache-2.0
import type { Cache } from '#cache';
import { type Report, reportStep } from '#core';
import { cacheSource, copyImage, createLayout, type RegistryClient, storeInLayout } from '#image';
import { imageName, imageTags } from '#release';
import { FactoryError } from './error.ts';
import type { ChannelImage } from './images.ts';

/** Where images go: an OCI layout in a folder, or a registry with an optional path (`registry.example.com/flux`). */
export type Destination =
  | { readonly kind: 'layout'; readonly folder: string }
  | { readonly kind: 'registry'; readonly client: RegistryClient; readonly registry: string };

/** What {@link publish} needs beside the images. */
export interface PublishOptions {
  readonly cache: Cache;
  readonly revision: number;
  readonly report: Report;
}

/**
 * Puts images where they can be pulled. In a registry a revision shows whole or not at all: first all content, then every
 * immutable tag, then the moving ones. Throws `REVISION_EXISTS` before anything is pushed when an immutable tag is taken
 * by other content.
 */
export async function publish(
  images: readonly ChannelImage[],
  destination: Destination,
  options: PublishOptions,
): Promise<void> {
  await (destination.kind === 'layout'
    ? toLayout(images, destination.folder, options)
    : toRegistry(images, destination, options));
}

/** In a layout an image is named without registry: `distroless/source-controller:v1.9.3`. */
async function toLayout(images: readonly ChannelImage[], folder: string, options: PublishOptions): Promise<void> {
  await reportStep(options.report, { subject: 'layout', step: 'write' }, async () => {
    const layout = await createLayout(folder);
    for (const image of images) {
      const { immutable, moving } = imageTags(image.version, options.revision);
      for (const tag of [immutable, moving]) {
        await storeInLayout(
          image.index.descriptor,
          `${image.channel}/${image.component}:${tag}`,
          options.cache.blobs,
          layout,
        );
      }
    }
    return { cached: false };
  });
}

async function toRegistry(
  images: readonly ChannelImage[],
  { client, registry }: Extract<Destination, { kind: 'registry' }>,
  options: PublishOptions,
): Promise<void> {
  const targets = images.map((image) => {
    const { host, path } = splitRegistry(registry);
    const name = imageName(path, image.channel, image.component).replace(/^\//, '');
    return {
      image,
      repository: { registry: host, repository: name },
      tags: imageTags(image.version, options.revision),
    };
  });
  await Promise.all(targets.map((target) => refuseTaken(target, client)));
  await reportStep(options.report, { subject: registry, step: 'push' }, async () => {
    const from = cacheSource(options.cache.blobs);
    await Promise.all(
      targets.map(({ image, repository }) =>
        copyImage({
          from,
          to: client.sink(repository),
          root: image.index.descriptor,
          tags: [],
          report: options.report,
        }),
      ),
    );
    for (const kind of ['immutable', 'moving'] as const) {
      await Promise.all(
        targets.map(({ image, repository, tags }) =>
          client.putManifest(repository, image.index.descriptor, image.index.bytes, tags[kind]),
        ),
      );
    }
    return { cached: false };
  });
}

interface Target {
  readonly image: ChannelImage;
  readonly repository: { readonly registry: string; readonly repository: string };
  readonly tags: { readonly immutable: string; readonly moving: string };
}

async function refuseTaken({ image, repository, tags }: Target, client: RegistryClient): Promise<void> {
  const found = await client.resolve({ ...repository, tag: tags.immutable });
  if (found === undefined || found.digest === image.index.descriptor.digest) return;
  throw new FactoryError('REVISION_EXISTS', `the revision is published already with other content (${found.digest})`, {
    where: `${repository.registry}/${repository.repository}:${tags.immutable}`,
    hint: 'Revisions never change. Publish the new content as the next one (--revision 1), or build from the lock that made the first.',
  });
}

function splitRegistry(registry: string): { host: string; path: string } {
  const slash = registry.indexOf('/');
  return slash === -1
    ? { host: registry, path: '' }
    : { host: registry.slice(0, slash), path: registry.slice(slash + 1) };
}
