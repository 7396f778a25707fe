// SPDX-License-Identifier: Apache-2.0
import { createPublicKey } from 'node:crypto';
import { join, resolve } from 'node:path';
import { OakumError } from '#core';
import { openLocalKey } from '#evidence';
import { type ObservedScan, observeScan } from '#factory';
import { buildVexDocument, type Feeds, readDecisions, type Scan, sealedByKeys } from '#vulnerabilities';
import { reachabilityDecisions } from './reachability.ts';
import { readReleaseImages } from './release-images.ts';
import { loadDefinition } from './shop.ts';
import { findKeylessSigner, publicKeyNamed, requireSigner, type SigningFlags } from './signer.ts';
import { byPolicy } from './sla-log.ts';
import { asksForMore, type TrustFlags } from './trust-flags.ts';
import { contextOf } from './vex-decisions.ts';
import { VEX_NAMESPACE } from './vex-namespace.ts';
import type { World } from './world.ts';

/** Flags of a scan that sets the clocks, and says who seals them: a key, or an identity whose token is at hand. */
export interface RecordFlags
  extends Omit<TrustFlags, 'key' | 'attestation'>,
    Omit<SigningFlags, 'sign' | 'cosignV2Tags'> {
  readonly record?: boolean;
  readonly published?: boolean;
  readonly folder: string;
  readonly definition?: string;
}

/**
 * Notes in the SLA log what a scan of the release in `./out` saw, judged by the decisions in `folder`. The log is sealed by a key, and by a token's
 * identity only where flags name it: who checks it must know who sealed it. Throws `RELEASE_UNREADABLE`, `TOKEN_MISSING` and what the log throws.
 */
export async function recordScan(
  { reports, scannedAt }: Scan,
  { flags, feeds, world }: { flags: RecordFlags; feeds: Feeds; world: World },
): Promise<ObservedScan> {
  const { definition } = (await loadDefinition(flags, world)).read;
  const { images } = await readReleaseImages('out', world);
  const people = await readDecisions(resolve(world.workingFolder, flags.folder), contextOf(definition, scannedAt));
  const decisions = [...people, ...(await reachabilityDecisions(images, world))];
  const origin = { author: definition.vendor, namespace: VEX_NAMESPACE };
  const document = buildVexDocument({ decisions, images, now: scannedAt, origin });
  return observeScan({
    reports,
    images,
    documents: document === undefined ? [] : [document],
    feeds,
    published: flags.published === true,
    now: scannedAt,
    log: {
      file: join(world.stateFolder, 'sla', `${definition.name}.jsonl`),
      name: definition.name,
      ...(await openSeal(flags, world)),
    },
  });
}

/** Who seals the log, and how the seals that are there are checked: by the same key (a file, a KMS's or this machine's own) or identity. */
async function openSeal(flags: RecordFlags, world: World) {
  const { key, ...others } = flags;
  if (asksForMore(others)) return openKeylessSeal(others, world);
  const own = key === undefined ? await openLocalKey(world.stateFolder) : undefined;
  const signer = await requireSigner({ key: key ?? own?.path ?? '' }, world, () => undefined);
  const publicKey = own === undefined ? await publicKeyNamed(key ?? '', world) : createPublicKey(own.privateKey);
  return { signer, check: sealedByKeys([publicKey]) };
}

async function openKeylessSeal(flags: Omit<RecordFlags, 'key'>, world: World) {
  const { check } = await byPolicy(flags, world);
  const signer = await findKeylessSigner(flags, world);
  if (signer !== undefined) return { signer, check };
  throw new OakumError('usage', 'TOKEN_MISSING', 'the log is to be sealed by an identity, and no token proves one', {
    hint: 'Run it where the CI gives a token (GitHub: `permissions: id-token: write`), set SIGSTORE_ID_TOKEN, or seal with --key.',
  });
}
