// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { type Fault, inFileOrder, locateYaml, toFaults } from '#formats';
import type { ImageRecord, ReleaseDocument } from './document.ts';

/** What pins must be: exactly the images of these channels of a document. */
export interface PinsExpectation {
  readonly document: ReleaseDocument;
  readonly channels: readonly string[];
}

const MOST_BYTES = 1 << 20;

const pinsSchema = z.strictObject({
  images: z
    .array(z.strictObject({ name: z.string().min(1), newTag: z.string().min(1), digest: z.string().min(1) }))
    .min(1)
    .max(1000),
});

/**
 * Compares a text of kustomize image pins with a release document: each image of the channels once, by its digest and one of its tags,
 * and no other. Gives every difference with file, line and column; none where they agree. Never throws: the text may be anybody's.
 */
export function pinFaults(text: string, file: string, { document, channels }: PinsExpectation): readonly Fault[] {
  if (text.length > MOST_BYTES)
    return [{ where: file, message: `image pins of more than ${MOST_BYTES} bytes are not read` }];
  const located = locateYaml(text, file);
  if (located.faults.length > 0) return located.faults;
  const parsed = pinsSchema.safeParse(located.value);
  if (!parsed.success) return inFileOrder(toFaults(located, parsed.error));
  const images = new Map(
    channels.flatMap((channel) =>
      (document.channels[channel]?.images ?? []).map((image) => [image.name, image] as const),
    ),
  );
  const seen = new Map<string, number>();
  const faults = parsed.data.images.flatMap((pin, index) => {
    const place = (key: string) => located.where(['images', index, key]);
    const image = images.get(pin.name);
    const before = seen.get(pin.name);
    seen.set(pin.name, index);
    if (image === undefined)
      return [{ where: place('name'), message: `${document.revision} has no image ${pin.name}` }];
    if (before !== undefined) return [{ where: place('name'), message: `${pin.name} is pinned twice` }];
    return pinFault(pin, image).map(([key, message]) => ({ where: place(key), message }));
  });
  const missing = [...images.keys()].filter((name) => !seen.has(name));
  return [
    ...faults,
    ...missing.map((name) => ({ where: located.where(['images'], 'key'), message: `${name} is not pinned` })),
  ];
}

function pinFault(
  { newTag, digest }: { readonly newTag: string; readonly digest: string },
  image: ImageRecord,
): readonly (readonly [key: string, message: string])[] {
  return [
    ...(image.tags.includes(newTag)
      ? []
      : [['newTag', `${image.component} has the tags ${image.tags.join(' and ')}, not ${newTag}`] as const]),
    ...(image.digest === digest
      ? []
      : [['digest', `${image.component} is ${image.digest} in the release document, not ${digest}`] as const]),
  ];
}

/** Gives the channels that a text of pins is about: those that it names an image of; all of the document where it names none. */
export function channelsOfPins(text: string, { channels }: ReleaseDocument): readonly string[] {
  const named = Object.entries(channels).filter(([, { images }]) =>
    images.some(({ name }) => text.split('\n').some((line) => line.trim().endsWith(` ${name}`))),
  );
  return (named.length === 0 ? Object.entries(channels) : named).map(([channel]) => channel);
}
