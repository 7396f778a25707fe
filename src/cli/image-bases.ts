// SPDX-License-Identifier: Apache-2.0
import { type ImageBases, type ImageBelief, openImageBases } from '#bases';
import type { Cache } from '#cache';
import { digestOf, type Report } from '#core';
import type { ImageBaseDefinition } from '#definition';
import type { Policy } from '#evidence';
import { openImage } from './image.ts';
import { openRegistryClient } from './registry.ts';
import { policyFrom, type PolicyFlags, trustOf } from './trust-flags.ts';
import type { World } from './world.ts';

/** Opens images as bases: of registries with Docker's credentials, or of layouts, whose folders are relative to the definition's. */
export function openImages(tools: {
  readonly world: World;
  readonly cache: Cache;
  readonly report: Report;
  readonly folder: string;
}): ImageBases {
  const { world, cache, report, folder } = tools;
  const client = openRegistryClient(false, world);
  return openImageBases({ open: (name) => openImage(name, client, folder), cache, clock: world.clock, report });
}

/** Takes a base and the folder of its definition; gives who must have signed it. Throws what {@link policyFrom} throws. */
export async function beliefOf(
  { verify }: ImageBaseDefinition,
  folder: string,
  world: World,
): Promise<ImageBelief | undefined> {
  if (verify === undefined) return undefined;
  const { policy: file, key, identity, issuer, trustedRoot } = verify;
  const flags: PolicyFlags = {
    ...(file === undefined ? {} : { policy: file }),
    ...(key === undefined ? {} : { key: [key] }),
    ...(identity === undefined ? {} : { certificateIdentity: identity }),
    ...(issuer === undefined ? {} : { certificateOidcIssuer: issuer }),
    ...(trustedRoot === undefined ? {} : { trustedRoot }),
  };
  const policy = await policyFrom(flags, { ...world, workingFolder: folder });
  return { policy, trust: () => trustOf(policy, world), digest: digestOf(sayingOf(policy)) };
}

/** All that a policy says, also by the files that it names: the lock notices when any of it changes. */
function sayingOf({ digest, identities, trustedRoot }: Policy): string {
  const keys = identities.flatMap((one) => (one.kind === 'key' ? [one.fingerprint] : []));
  return JSON.stringify([digest, keys, trustedRoot ?? null]);
}

/** Asks for a base's image, and for nothing of it; gives what its name means now. */
export async function askForImage({ image }: ImageBaseDefinition, folder: string, world: World): Promise<string> {
  const { root } = await openImage(image, openRegistryClient(false, world), folder);
  return `${image} is ${(await root()).descriptor.digest}`;
}
