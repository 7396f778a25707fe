// SPDX-License-Identifier: Apache-2.0
import { type Digest, digestOf, isDigest } from '#core';
import { at, type Cluster, groupOf, type KubernetesObject, parseManifests } from '#kubernetes';
import type { ReleaseDocument } from '#release';
import { ConsumerError } from './error.ts';

/** An image that a controller is to run. */
export interface PinnedImage {
  readonly component: string;
  readonly image: string;
  readonly name: string;
  readonly tag: string | undefined;
  readonly digest: Digest | undefined;
}

/** The install manifests of one revision and channel, read. */
export interface ManifestSet {
  readonly objects: readonly KubernetesObject[];
  /** `2.9.2`. */
  readonly release: string;
  /** `2.9.2-r0`; undefined for manifests that are not ours. */
  readonly revision: string | undefined;
  readonly channel: string | undefined;
  /** Where the controllers live. */
  readonly namespace: string;
  readonly images: readonly PinnedImage[];
  readonly digest: Digest;
}

/**
 * Takes the text of install manifests and its name for errors; gives them read, with what their first lines say of release, revision and
 * channel. Throws `MANIFEST_INVALID`, and `MANIFESTS_UNUSABLE` where they install no Flux.
 */
export function readManifestSet(text: string, where: string): ManifestSet {
  const objects = parseManifests(text, where);
  const controllers = objects.filter(isController);
  const release = (titleOf(text, 'Flux Version') ?? versionLabel(objects))?.replace(/^v/, '');
  const namespaces = new Set(controllers.map(({ metadata }) => metadata.namespace ?? ''));
  const [namespace = ''] = namespaces;
  const faults = [
    ...(controllers.length === 0 ? ['it holds no controller of Flux'] : []),
    ...(release === undefined
      ? ['no line `# Flux Version:` and no label app.kubernetes.io/version says which release it is']
      : []),
    ...(controllers.length > 0 && (namespaces.size > 1 || namespace === '')
      ? ['its controllers are not all in one named namespace']
      : []),
  ];
  if (faults.length > 0 || release === undefined) {
    throw new ConsumerError('MANIFESTS_UNUSABLE', `these manifests can't be installed: ${faults.join('; ')}`, {
      where,
      hint: 'Give what `oakum manifests REVISION` prints.',
    });
  }
  return {
    objects,
    release,
    revision: titleOf(text, 'Revision'),
    channel: titleOf(text, 'Channel'),
    namespace,
    images: controllers.flatMap(imagesOf),
    digest: digestOf(text),
  };
}

/** What stands in the first lines: `# Revision: 2.9.2-r0`. */
function titleOf(text: string, name: string): string | undefined {
  return new RegExp(`^# ${name}: (\\S+)$`, 'm').exec(text.slice(0, 4096))?.[1];
}

function versionLabel(objects: readonly KubernetesObject[]): string | undefined {
  return objects.map(({ metadata }) => metadata.labels?.['app.kubernetes.io/version']).find((version) => version);
}

/** Says whether an object is the Deployment of one of Flux's controllers, as upstream labels them. */
export function isController({ apiVersion, kind, metadata }: KubernetesObject): boolean {
  return (
    kind === 'Deployment' && groupOf(apiVersion) === 'apps' && metadata.labels?.['app.kubernetes.io/part-of'] === 'flux'
  );
}

/** Lists the Deployments of Flux's controllers in a namespace, or in all. */
export async function listControllers(
  cluster: Cluster,
  namespace: string | undefined,
): Promise<readonly KubernetesObject[]> {
  const selection = { namespace, labelSelector: 'app.kubernetes.io/part-of=flux' };
  return (await cluster.list({ apiVersion: 'apps/v1', kind: 'Deployment' }, selection)).filter(isController);
}

/** Gives the images of a Deployment's or Pod's containers, split into their parts. */
export function imagesOf(object: KubernetesObject): readonly PinnedImage[] {
  const pod = object.kind === 'Pod' ? at(object, 'spec') : at(object, 'spec', 'template', 'spec');
  const component =
    object.metadata.labels?.['app.kubernetes.io/component'] ?? object.metadata.labels?.['app'] ?? object.metadata.name;
  return ['initContainers', 'containers'].flatMap((list) => {
    const containers = at(pod, list);
    if (!Array.isArray(containers)) return [];
    return containers.flatMap((container) => {
      const image = at(container, 'image');
      return typeof image === 'string' ? [{ component, image, ...splitImage(image) }] : [];
    });
  });
}

/** Splits `registry/name:tag@digest`. */
export function splitImage(image: string): Pick<PinnedImage, 'name' | 'tag' | 'digest'> {
  const [before = '', digest] = image.split('@', 2);
  const [, name = before, tag] = /^(.*?)(?::([^:/]+))?$/.exec(before) ?? [];
  return { name, tag, digest: digest !== undefined && isDigest(digest) ? digest : undefined };
}

/**
 * Takes manifests and the release document of their revision; throws `MANIFESTS_CONTRADICT_RELEASE` with each image that is not the
 * one of the document, by digest, and each controller that is not pinned at all.
 */
export function compareWithRelease(set: ManifestSet, document: ReleaseDocument, where: string): void {
  const channels = Object.entries(document.channels).filter(
    ([name]) => set.channel === undefined || name === set.channel,
  );
  const known = new Set(
    channels.flatMap(([, { images }]) => images.map(({ component, digest }) => `${component} ${digest}`)),
  );
  const faults = [
    ...(set.revision === undefined || set.revision === document.revision
      ? []
      : [`the manifests are of ${set.revision}, the document of ${document.revision}`]),
    ...set.images.flatMap(({ component, image, digest }) => {
      if (digest === undefined) return [`${component} is not pinned by digest: ${image}`];
      return known.has(`${component} ${digest}`)
        ? []
        : [`${component} is not the image of the release document: ${image}`];
    }),
  ];
  if (faults.length === 0) return;
  throw new ConsumerError(
    'MANIFESTS_CONTRADICT_RELEASE',
    `manifests and release document contradict each other:\n  ${faults.join('\n  ')}`,
    {
      where,
      hint: 'Make the manifests anew with `oakum manifests`; do not edit their pins by hand.',
    },
  );
}
