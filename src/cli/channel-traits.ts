// SPDX-License-Identifier: Apache-2.0
import type { ChannelTraits } from '#consumers';
import { OakumError } from '#core';
import { channelImage, type Definition, programPackages } from '#definition';

/** What the names mean where no definition says otherwise. */
const WELL_KNOWN: Readonly<Record<string, Omit<ChannelTraits, 'name'>>> = {
  fips: { crypto: 'fips140', git: false, gpg: false },
  distroless: { crypto: 'none', git: false, gpg: false },
  standard: { crypto: 'none', git: true, gpg: true },
};

/**
 * Gives what a channel has: of the definition by its crypto mode and by the packages of kustomize-controller's base, where these bring
 * their programs; else by its name.
 * A base that is taken from an image is believed to have neither git nor gpg, as its packages are not listed. Throws `CHANNEL_UNKNOWN`.
 */
export function channelTraits(definition: Definition, name: string): ChannelTraits {
  const channel = definition.channels[name];
  if (channel !== undefined) {
    const base = definition.bases[channelImage(definition, name, 'kustomize-controller').base];
    const packages = base === undefined ? [] : programPackages(base);
    const has = (...names: readonly string[]) => names.some((one) => packages.includes(one));
    return { name, crypto: channel.crypto, git: has('git'), gpg: has('gnupg', 'gpg') };
  }
  const known = WELL_KNOWN[name];
  if (known !== undefined) return { name, ...known };
  const names = new Set([...Object.keys(definition.channels), ...Object.keys(WELL_KNOWN)]);
  throw new OakumError('usage', 'CHANNEL_UNKNOWN', `there is no channel ${name}`, {
    hint: `Channels: ${[...names].join(', ')}.`,
  });
}
