// SPDX-License-Identifier: Apache-2.0
import { type LockedBase, packagesOfBase } from '#definition';

/** What the images of a channel can't do. */
export interface ChannelLimits {
  /** Whether kustomize-controller may fetch bases from Git: it runs git for that. */
  readonly remoteBases: boolean;
}

/** The names that the Flux Operator accepts for the pins of a distribution (its internal/builder/images.go). */
export type OperatorVariant = 'enterprise-alpine' | 'enterprise-distroless' | 'enterprise-distroless-fips';

/** Takes the base below kustomize-controller, and whether its packages bring their programs; gives what can't be done. All platforms must be able. */
export function channelLimits(
  base: Pick<LockedBase, 'packages' | 'alpine' | 'image'>,
  { hasPrograms }: { readonly hasPrograms: boolean },
): ChannelLimits {
  if (!hasPrograms) return { remoteBases: false };
  const lists = Object.values(packagesOfBase(base));
  const remoteBases = lists.length > 0 && lists.every((list) => list.some(({ name }) => name === 'git'));
  return { remoteBases };
}

/** Gives the Flux Operator's name for a channel: it chooses the file of pins, and says nothing else. */
export function operatorVariant(channel: string, { remoteBases }: ChannelLimits): OperatorVariant {
  if (/(?:^|-)fips(?:-|$)/.test(channel)) return 'enterprise-distroless-fips';
  return remoteBases ? 'enterprise-alpine' : 'enterprise-distroless';
}
