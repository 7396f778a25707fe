// SPDX-License-Identifier: Apache-2.0
import { type ChannelRecord, type ImageRecord, imagesOf, type ReleaseDocument } from './document.ts';
import { imageTags, lineOf, orderRevisions, revisionOf } from './revision.ts';

/** Two things in one document that can't both be true: where the second stands, and what it says against what. */
export interface Contradiction {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Finds what in a document contradicts the rest of it; its members are known to be of the right kinds. */
export function contradictionsOf(document: ReleaseDocument): readonly Contradiction[] {
  return [
    ...revisionFaults(document),
    ...Object.entries(document.channels).flatMap(([name, channel]) => channelFaults(document, name, channel)),
    ...componentFaults(document),
    ...manifestsFaults(document),
    ...publicationFaults(document),
  ];
}

function revisionFaults({ release, revision, flux }: ReleaseDocument): readonly Contradiction[] {
  const faults: Contradiction[] = [];
  if (revisionOf({ revision }).release !== release) {
    faults.push({ path: ['revision'], message: `revision ${revision} is none of release ${release}` });
  }
  if (flux.version !== `v${release}`) {
    faults.push({ path: ['flux', 'version'], message: `the source is Flux ${flux.version}, the release ${release}` });
  }
  return faults;
}

function channelFaults(document: ReleaseDocument, name: string, { images }: ChannelRecord): readonly Contradiction[] {
  const seen = new Map<string, number>();
  return images.flatMap((image, index) => {
    const at = ['channels', name, 'images', index];
    const faults = imageFaults(document, name, image).map(({ path, message }) => ({ path: [...at, ...path], message }));
    const before = seen.get(image.component);
    seen.set(image.component, index);
    if (before !== undefined) {
      faults.push({ path: [...at, 'component'], message: `${image.component} is there twice, as image ${before} too` });
    }
    return faults;
  });
}

function imageFaults(document: ReleaseDocument, channel: string, image: ImageRecord): readonly Contradiction[] {
  const { component, version, name, tags, source, platforms } = image;
  const faults: Contradiction[] = [];
  const wanted = imageTags(version, revisionOf(document).number);
  if (!name.endsWith(`/${channel}/${component}`)) {
    faults.push({ path: ['name'], message: `the image of ${component} in ${channel} can't be named ${name}` });
  }
  if (tags[0] !== wanted.immutable || tags[1] !== wanted.moving || tags.length > 2) {
    faults.push({
      path: ['tags'],
      message: `${version} in ${document.revision} has the tags ${wanted.immutable} and ${wanted.moving}, not ${tags.join(' and ')}`,
    });
  }
  if (source.version !== version) {
    faults.push({ path: ['source', 'version'], message: `the image is ${version}, its source ${source.version}` });
  }
  if (Object.keys(platforms).length === 0) faults.push({ path: ['platforms'], message: 'the image has no platform' });
  return faults;
}

/** A component is made from one source whatever channel it is in, and each index is of one image. */
function componentFaults({ channels }: ReleaseDocument): readonly Contradiction[] {
  const sources = new Map<string, string>();
  const places = new Map<string, string>();
  const faults: Contradiction[] = [];
  for (const [channel, { images }] of Object.entries(channels)) {
    for (const [index, { component, version, source, digest, platforms }] of images.entries()) {
      const path = ['channels', channel, 'images', index];
      const made = `${version} of ${source.commit}, ${source.zipHash}`;
      const other = sources.get(component) ?? made;
      sources.set(component, other);
      if (other !== made) {
        faults.push({
          path: [...path, 'source'],
          message: `${component} is ${made} here and ${other} in another channel`,
        });
      }
      const below = Object.values(platforms).map(({ manifest }) => manifest);
      for (const one of [digest, ...below]) {
        const where = places.get(one);
        places.set(one, component);
        if (where !== undefined && where !== component) {
          faults.push({ path: [...path, 'digest'], message: `${one} is ${where} already, and can't be ${component}` });
        }
      }
    }
  }
  return faults;
}

function manifestsFaults({ manifests = [], channels }: ReleaseDocument): readonly Contradiction[] {
  const seen = new Set<string>();
  return manifests.flatMap(({ channel, kind }, index) => {
    const faults: Contradiction[] = [];
    const key = `${kind} manifests of ${channel}`;
    if (!Object.hasOwn(channels, channel)) {
      faults.push({ path: ['manifests', index, 'channel'], message: `the document has no channel ${channel}` });
    }
    if (seen.has(key)) faults.push({ path: ['manifests', index], message: `${key} are there twice` });
    seen.add(key);
    return faults;
  });
}

function publicationFaults(document: ReleaseDocument): readonly Contradiction[] {
  const { publication, channels } = document;
  if (publication === undefined) return [];
  const images = new Map(imagesOf(document));
  const unknown = (path: Contradiction['path'], image: string): Contradiction[] =>
    images.has(image) ? [] : [{ path, message: `the document has no image ${image}` }];
  const evidence = publication.evidence.flatMap(({ image, subject }, index): Contradiction[] => {
    const at = ['publication', 'evidence', index];
    const found = images.get(image);
    if (found === undefined) return unknown([...at, 'image'], image);
    if (subject === 'index' || Object.hasOwn(found.platforms, subject)) return [];
    return [{ path: [...at, 'subject'], message: `${image} is not there for ${subject}` }];
  });
  const { findings } = publication;
  const found = (['open', 'closed'] as const).flatMap((list) =>
    (findings.kind === 'scanned' ? findings[list] : []).flatMap((one, index) =>
      one.images.flatMap((image, at) => unknown(['publication', 'findings', list, index, 'images', at], image)),
    ),
  );
  const runs = (publication.compatibility ?? []).flatMap(({ channel }, index): Contradiction[] => {
    if (Object.hasOwn(channels, channel)) return [];
    return [
      { path: ['publication', 'compatibility', index, 'channel'], message: `the document has no channel ${channel}` },
    ];
  });
  return [...predecessorFaults(document), ...evidence, ...found, ...runs];
}

function predecessorFaults(document: ReleaseDocument): readonly Contradiction[] {
  const predecessor = document.publication?.predecessor;
  if (predecessor === undefined) return [];
  const before = revisionOf(predecessor);
  const path = ['publication', 'predecessor', 'revision'];
  if (lineOf(before.release) !== lineOf(document.release)) {
    return [{ path, message: `${predecessor.revision} is of another line than ${document.revision}` }];
  }
  if (orderRevisions(before, revisionOf(document)) < 0) return [];
  return [{ path, message: `${predecessor.revision} does not come before ${document.revision}` }];
}
