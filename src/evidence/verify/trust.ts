// SPDX-License-Identifier: Apache-2.0
import type { TrustMaterial } from '@sigstore/verify';
import { messageOf } from '#core';
import { EvidenceError } from '../error.ts';
import type { Policy } from './policy.ts';
import { type Sigstore, sigstore } from './read-bundle.ts';

/** What the check of signatures needs: the library, and the authorities and logs of the trusted root. */
export interface Trust {
  readonly library: Sigstore;
  readonly material: TrustMaterial;
}

/** Fetches the trusted root of the public-good instance; see {@link fetchPublicRoot}. */
export type FetchRoot = () => Promise<unknown>;

/**
 * Takes a policy; gives the trust that its trusted root stands for, an empty one where it names none. `fetchRoot` is called
 * only where the policy asks for the public root. Throws `TRUSTED_ROOT_INVALID`, `TRUSTED_ROOT_UNAVAILABLE`.
 */
export async function loadTrust(policy: Policy, fetchRoot?: FetchRoot): Promise<Trust> {
  const library = await sigstore();
  if (policy.trustedRoot === undefined) return { library, material: emptyMaterial() };
  if (policy.trustedRoot !== 'public') return { library, material: await toMaterial(library, policy.trustedRoot) };
  if (fetchRoot === undefined) {
    throw new EvidenceError('TRUSTED_ROOT_UNAVAILABLE', 'the public trusted root can not be fetched here', {
      hint: 'Name a file with --trusted-root, or with trustedRoot in the policy.',
    });
  }
  return { library, material: await toMaterial(library, await fetchRoot()) };
}

async function toMaterial(library: Sigstore, value: unknown): Promise<TrustMaterial> {
  try {
    const { TrustedRoot } = await import('@sigstore/protobuf-specs');
    const root = TrustedRoot.fromJSON(value);
    const parts = root.certificateAuthorities.length + root.tlogs.length + root.timestampAuthorities.length;
    if (parts === 0) throw new Error('it names no authority and no log');
    return library.toTrustMaterial(root, noKey);
  } catch (error) {
    throw new EvidenceError('TRUSTED_ROOT_INVALID', `the trusted root can't be used: ${messageOf(error)}`, {
      cause: error,
      hint: 'It must be a Sigstore trusted root in JSON, as `cosign trusted-root create` writes it.',
    });
  }
}

function emptyMaterial(): TrustMaterial {
  return { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [], publicKey: noKey };
}

/** Keys come from the policy, one at a time; a hint inside a bundle chooses nothing. */
function noKey(): never {
  throw new Error('no key was given');
}
