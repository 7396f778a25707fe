// SPDX-License-Identifier: Apache-2.0
import { parseApkDependency } from '#formats';
import type { BaseDefinition, ChannelDefinition, Definition } from './schema.ts';

/** How the images of a component are made in a channel: the component's own say where it has one, else the channel's. */
export interface ChannelImageDefinition {
  readonly base: string;
  /** The whole entrypoint; it ends in the component's program. */
  readonly entrypoint: readonly string[];
  /** Variables of the environment beside those that all images have. */
  readonly env: Readonly<Record<string, string>>;
}

/** What of a definition says how images are made. */
type Channels = Pick<Definition, 'channels'>;

/** Takes a channel and a component of a definition; gives how that image is made. Throws TypeError where there is no such channel. */
export function channelImage({ channels }: Channels, channel: string, component: string): ChannelImageDefinition {
  const defined = channels[channel];
  if (defined === undefined) throw new TypeError(`channel ${channel} passed the checks but is not there`);
  const { base = defined.base, entrypoint = [component], env = {} } = defined.components?.[component] ?? {};
  return { base, entrypoint, env };
}

/** Says whether the packages of a base bring their programs: of Debian's, what could be run is left out unless programs are wanted. */
export function hasPrograms(base: BaseDefinition): boolean {
  return base.kind !== 'debian' || base.programs === true;
}

/**
 * Gives the names of the packages that a base is asked to have, and whose programs are there; none of an image, whose packages a definition
 * does not list. Alpine's are words such as `git=2.49.1-r0`, and `!git` is one that is not there (apk-world(5)).
 */
export function programPackages(base: BaseDefinition): readonly string[] {
  if (base.kind === 'image' || !hasPrograms(base)) return [];
  if (base.kind === 'debian') return base.packages;
  return base.packages.flatMap((word) => {
    const dependency = parseApkDependency(word);
    return dependency === undefined || dependency.conflict ? [] : [dependency.name];
  });
}

/** Gives the names of the bases below the images of these channels and components, each once. */
export function basesBelow(
  definition: Channels,
  { channels, components }: { readonly channels: readonly string[]; readonly components: readonly string[] },
): readonly string[] {
  const names = channels.flatMap((channel) =>
    components.map((component) => channelImage(definition, channel, component).base),
  );
  return [...new Set(names)];
}

/** Gives a channel as one image of it sees it: its base, and no other component's part. The image is made the same from it. */
export function channelOfImage(definition: Channels, channel: string, component: string): ChannelDefinition {
  const { base } = channelImage(definition, channel, component);
  const { components, ...rest } = definition.channels[channel] as ChannelDefinition;
  const own = components?.[component];
  return { ...rest, base, ...(own === undefined ? {} : { components: { [component]: own } }) };
}
