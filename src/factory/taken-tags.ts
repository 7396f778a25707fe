// SPDX-License-Identifier: Apache-2.0
import type { LockedBase } from '#definition';
import { canonicalJson, type Json } from '#formats';
import {
  findRelease,
  formatRevision,
  type ImageRecord,
  imageTags,
  publishedRevisions,
  type ReleaseDocument,
  type ReleasePlace,
  RELEASES,
  type Revision,
} from '#release';
import { FactoryError } from './error.ts';
import { inLine } from './forward.ts';
import type { BuildRequest } from './images.ts';
import { pathOf } from './publish.ts';

/** An image that is to be made, and the tag that it would have for good. */
interface Wanted {
  readonly channel: string;
  readonly component: string;
  readonly path: string;
  readonly version: string;
}

const MOST_NUMBERS = 100;
const MOST_NAMED = 3;

/**
 * Two releases of a line may have one version of a component, and then one tag: `v2.2.2-r0` of source-watcher is of 2.9.2-r0 and 2.9.3-r0.
 * Made from the same it is the same image, and both have it. Where a base has moved between them, or the toolchain, it would be another:
 * throws `REVISION_EXISTS` with what differs and the next number whose tags are free, before anything is built. What other documents say
 * decides; what they can't tell is found out when the images are published.
 */
export async function requireFreeTags(build: BuildRequest, place: ReleasePlace): Promise<void> {
  const own: Revision = { release: build.release, number: build.revision };
  if ((await place.resolve(RELEASES, formatRevision(own))) !== undefined) return; // that it is the same is seen to later
  const wanted = imagesOf(build);
  if (!(await isAnyThere(wanted, own.number, place))) return;
  const published = await publishedRevisions(place);
  const others = inLine(published, own).filter(
    ({ release, number }) => release !== own.release && number === own.number,
  );
  for (const other of others) {
    const found = await findRelease(place, formatRevision(other));
    if (found === undefined) continue;
    for (const image of wanted) {
      const differences = differencesOf(image, build, found.document);
      if (differences.length === 0) continue;
      const free = await nextFree(own, wanted, { build, published, place });
      throw taken(image, { own, other, differences, free, place, isPatched: build.overlays !== undefined });
    }
  }
}

function imagesOf({ selection, lock, release }: BuildRequest): readonly Wanted[] {
  return selection.channels.flatMap((channel) =>
    selection.components.flatMap((component) => {
      const version = lock.releases[release]?.components[component]?.module.version;
      return version === undefined ? [] : [{ channel, component, version, path: pathOf({ channel, component }) }];
    }),
  );
}

async function isAnyThere(wanted: readonly Wanted[], number: number, place: ReleasePlace): Promise<boolean> {
  const found = wanted.map(({ path, version }) => place.resolve(path, imageTags(version, number).immutable));
  return (await Promise.all(found)).some((one) => one !== undefined);
}

async function nextFree(
  own: Revision,
  wanted: readonly Wanted[],
  { build, published, place }: Readonly<{ build: BuildRequest; published: readonly Revision[]; place: ReleasePlace }>,
): Promise<number | undefined> {
  const isKnown = (number: number) =>
    build.lock.revisions?.[formatRevision({ ...own, number })] !== undefined ||
    published.some((one) => one.release === own.release && one.number === number);
  for (let number = own.number + 1; number < own.number + MOST_NUMBERS; number += 1) {
    if (!isKnown(number) && !(await isAnyThere(wanted, number, place))) return number;
  }
  return undefined;
}

/** Says, as parts of a sentence, in what an image would differ from that of another release under the same tag; nothing where that has none. */
function differencesOf(
  image: Wanted,
  build: BuildRequest,
  { channels, toolchain }: ReleaseDocument,
): readonly string[] {
  const channel = channels[image.channel];
  const record = channel?.images.find(({ component }) => component === image.component);
  if (channel === undefined || record?.tags[0] !== imageTags(image.version, build.revision).immutable) return [];
  const base = build.lock.bases[build.definition.channels[image.channel]?.base ?? ''];
  const { definition } = build;
  return [
    ...(base === undefined ? [] : baseDifferences(channel.base, base)),
    ...(toolchain.version === definition.toolchain
      ? []
      : [`Go ${toolchain.version} there, ${definition.toolchain} here`]),
    ...sourceDifferences(record, image, build),
  ];
}

function baseDifferences(there: LockedBase, here: LockedBase): readonly string[] {
  if (there.image?.digest !== here.image?.digest) return ['its base is another image'];
  const versions = (base: LockedBase) =>
    new Map(
      Object.entries(base.packages).flatMap(([platform, packages]) =>
        packages.map(({ name, version, sha256 }) => [`${platform} ${name}`, { name, version, sha256 }] as const),
      ),
    );
  const [before, after] = [versions(there), versions(here)];
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (key) => before.get(key)?.sha256 !== after.get(key)?.sha256,
  );
  if (changed.length === 0) return [];
  const named = new Set(
    changed.map((key) => {
      const [old, fresh] = [before.get(key), after.get(key)];
      return `${(old ?? fresh)?.name} ${old?.version ?? 'not'} there, ${fresh?.version ?? 'not'} here`;
    }),
  );
  const more = named.size > MOST_NAMED ? `; and ${named.size - MOST_NAMED} packages more` : '';
  return [`its base has ${[...named].slice(0, MOST_NAMED).join('; ')}${more}`];
}

function sourceDifferences(record: ImageRecord, { component }: Wanted, build: BuildRequest): readonly string[] {
  const locked = build.lock.releases[build.release]?.components[component];
  const hashes = (all: readonly { readonly path: string; readonly zipHash: string }[]) =>
    canonicalJson(all.map(({ path, zipHash }) => [path, zipHash]));
  const isSame =
    locked === undefined ||
    hashes([locked.module, ...locked.nested]) === hashes([record.source, ...record.source.nested]);
  const patch = (
    one:
      | { readonly requires: readonly { readonly path: string; readonly to: string }[]; readonly patches: Json }
      | undefined,
  ) => canonicalJson(one === undefined ? [] : [one.requires.map(({ path, to }) => [path, to]), one.patches]);
  return [
    ...(isSame ? [] : ['it has another source']),
    ...(patch(record.overlay) === patch(build.overlays?.[component]) ? [] : ['it is patched otherwise']),
  ];
}

interface Taken {
  readonly own: Revision;
  readonly other: Revision;
  readonly differences: readonly string[];
  readonly free: number | undefined;
  readonly place: ReleasePlace;
  readonly isPatched: boolean;
}

function taken({ component, path, version }: Wanted, about: Taken): FactoryError {
  const { own, other, differences, free, place, isPatched } = about;
  const [name, theirs] = [formatRevision(own), formatRevision(other)];
  const tag = imageTags(version, own.number).immutable;
  const next = free === undefined ? undefined : formatRevision({ ...own, number: free });
  const advice =
    next === undefined
      ? `Publish ${own.release} to another place.`
      : isPatched
        ? `All tags of ${next} are free: name the revision so in oakum.lock, in place of ${name}, and publish it with --revision ${free}.`
        : `All tags of ${next} are free: publish it with --revision ${free}.`;
  return new FactoryError(
    'REVISION_EXISTS',
    `${name} and ${theirs} have ${component} ${version} in common, and this tag is that of ${theirs} for good; here it would be another image: ${differences.join(', ')}`,
    { where: place.name(path, tag), hint: `Nothing was built. ${advice}` },
  );
}
