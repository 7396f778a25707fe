// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf, OakumError } from '#core';
import {
  fetchPublicRoot,
  loadTrust,
  type Policy,
  readPolicy,
  toFlagPolicy,
  type Transparency,
  type Trust,
} from '#evidence';
import type { World } from './world.ts';

/** Flags that say who is believed, as cosign has them. */
export interface TrustFlags {
  readonly key?: readonly string[];
  readonly certificateIdentity?: string;
  readonly certificateIdentityRegexp?: string;
  readonly certificateOidcIssuer?: string;
  readonly certificateOidcIssuerRegexp?: string;
  readonly trustedRoot?: string;
  readonly transparency?: Transparency;
  readonly attestation?: readonly string[];
}

/** Flags that say who is believed: those, or a policy file. */
export interface PolicyFlags extends TrustFlags {
  readonly policy?: string;
}

/** Gives the policy that flags name or make. Throws `VERIFY_WHOM`, `POLICY_UNREADABLE` and `POLICY_INVALID`. */
export async function policyFrom(flags: PolicyFlags, world: World): Promise<Policy> {
  if (flags.policy === undefined) return policyOfFlags(flags, world);
  const root = flags.trustedRoot === undefined ? {} : { trustedRoot: resolve(world.workingFolder, flags.trustedRoot) };
  return readPolicy(resolve(world.workingFolder, flags.policy), root);
}

/** Says whether flags ask for more than a signature by one of the keys. */
export function asksForMore({ key: _key, attestation: _attestation, ...rest }: TrustFlags): boolean {
  const { certificateIdentity, certificateIdentityRegexp, certificateOidcIssuer, certificateOidcIssuerRegexp } = rest;
  const certificate = [
    certificateIdentity,
    certificateIdentityRegexp,
    certificateOidcIssuer,
    certificateOidcIssuerRegexp,
  ];
  return [...certificate, rest.trustedRoot, rest.transparency].some((flag) => flag !== undefined);
}

function namesIdentity(flags: TrustFlags): boolean {
  return flags.certificateIdentity !== undefined || flags.certificateIdentityRegexp !== undefined;
}

/** Takes flags; gives the policy that they make. Throws `VERIFY_WHOM` where they name nobody, and `POLICY_INVALID`. */
export async function policyOfFlags(flags: TrustFlags, world: World): Promise<Policy> {
  const { key: keys = [], certificateIdentity: identity, certificateIdentityRegexp: identityPattern } = flags;
  if (keys.length === 0 && !namesIdentity(flags)) {
    throw new OakumError('usage', 'VERIFY_WHOM', 'nothing says who is to be believed', {
      hint: 'Give --key, or --certificate-identity with --certificate-oidc-issuer, or --policy.',
    });
  }
  const { certificateOidcIssuer: issuer, certificateOidcIssuerRegexp: issuerPattern } = flags;
  return toFlagPolicy(
    {
      keys,
      ...(identity === undefined ? {} : { identity }),
      ...(identityPattern === undefined ? {} : { identityPattern }),
      ...(issuer === undefined ? {} : { issuer }),
      ...(issuerPattern === undefined ? {} : { issuerPattern }),
      ...rootOf(flags),
      ...(flags.transparency === undefined ? {} : { transparency: flags.transparency }),
      ...(flags.attestation === undefined ? {} : { attestations: flags.attestation }),
    },
    (path) => readSmall(resolve(world.workingFolder, path)),
  );
}

/** A certificate without a named root is one of the public-good instance. */
function rootOf(flags: TrustFlags): { trustedRoot?: string } {
  if (flags.trustedRoot !== undefined) return { trustedRoot: flags.trustedRoot };
  return namesIdentity(flags) ? { trustedRoot: 'public' } : {};
}

/** Gives the trust that a policy's trusted root stands for; the public one is kept up to date in the data folder. */
export function trustOf(policy: Policy, world: World): Promise<Trust> {
  return loadTrust(policy, () => fetchPublicRoot({ folder: join(world.stateFolder, 'tuf') }));
}

async function readSmall(file: string): Promise<string> {
  try {
    if ((await stat(file)).size > 1 << 20) throw new Error('it is larger than 1 MiB');
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new OakumError('usage', 'FILE_UNREADABLE', `a file can't be read: ${messageOf(error)}`, { where: file });
  }
}
