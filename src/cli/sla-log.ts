// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isDigest, OakumError } from '#core';
import { openLocalKey, readPublicKey, verifyStatement } from '#evidence';
import { readClocks, readSlaLog, type SealCheck, sealedByKeys, type SlaReading, toSlaPolicy } from '#vulnerabilities';
import { loadDefinition } from './shop.ts';
import { asksForMore, policyOfFlags, type TrustFlags, trustOf } from './trust-flags.ts';
import type { World } from './world.ts';

/** Flags that say which log, and who must have sealed it. */
export interface SlaFlags extends Omit<TrustFlags, 'attestation'> {
  readonly log?: string;
  readonly definition?: string;
}

/** Reads and checks the event log of a distribution; faults are in what it gives. */
export async function openLog(flags: SlaFlags & { readonly holds?: string }, world: World) {
  const { definition } = (await loadDefinition(flags, world)).read;
  const { holds } = flags;
  if (holds !== undefined && !isDigest(holds))
    throw new OakumError('usage', 'FLAG_INVALID', '--holds takes a digest: sha256: and 64 hex digits');
  const file =
    flags.log === undefined
      ? join(world.stateFolder, 'sla', `${definition.name}.jsonl`)
      : resolve(world.workingFolder, flags.log);
  await requireLog(file);
  const { check, signers } = asksForMore(flags) ? await byPolicy(flags, world) : await byKeys(flags.key, world);
  const log = await readSlaLog(file, { check, ...(holds === undefined ? {} : { holds }) });
  return { log, definition, signers };
}

async function requireLog(file: string): Promise<void> {
  if ((await stat(file).catch(() => undefined)) !== undefined) return;
  throw new OakumError('usage', 'SLA_LOG_ABSENT', 'there is no such event log', {
    where: file,
    hint: 'The first `oakum scan RELEASE --record` begins it; --log names another file.',
  });
}

/** How seals are checked, and whose they must be. */
interface SealJudge {
  readonly check: SealCheck;
  readonly signers: readonly string[];
}

async function byKeys(names: readonly string[] | undefined, world: World): Promise<SealJudge> {
  const keys = await keysOf(names, world);
  return { check: sealedByKeys(keys.map(({ key }) => key)), signers: keys.map(({ name }) => name) };
}

/** Seals made with a certificate, of which a log or a timestamp must prove that it was valid then; or by one of the keys, with such a proof. */
export async function byPolicy(flags: SlaFlags, world: World): Promise<SealJudge> {
  const policy = await policyOfFlags(flags, world);
  const trust = await trustOf(policy, world);
  const check: SealCheck = async (bundle) =>
    verifyStatement(bundle, { policy, trust, now: world.clock.now(), where: 'a seal' }).trusted;
  return { check, signers: policy.identities.map(({ name }) => name) };
}

async function keysOf(
  names: readonly string[] | undefined,
  world: World,
): Promise<readonly { readonly name: string; readonly key: KeyObject }[]> {
  if (names === undefined) {
    const { privateKey, publicPath } = await openLocalKey(world.stateFolder, { create: false });
    return [{ name: publicPath, key: createPublicKey(privateKey) }];
  }
  return Promise.all(
    names.map(async (name) => {
      const where = resolve(world.workingFolder, name);
      const pem = await readFile(where, 'utf8').catch((error: unknown) => {
        throw new OakumError('usage', 'KEY_MISSING', "the key file can't be read", { where, cause: error });
      });
      return { name, key: readPublicKey(pem, where) };
    }),
  );
}

/** What the clocks show now; `fault` says why they are not known. Where no log is, there are none. */
export interface ClockReading {
  readonly clocks: readonly SlaReading[];
  readonly fault?: string;
}

/** Gives the clocks of the distribution, from its log in the data folder if that passes its check by this machine's key. */
export async function readOwnClocks(flags: Pick<SlaFlags, 'definition'>, world: World): Promise<ClockReading> {
  const { definition } = (await loadDefinition(flags, world)).read;
  const file = join(world.stateFolder, 'sla', `${definition.name}.jsonl`);
  if ((await readFile(file).catch(() => undefined)) === undefined) return { clocks: [] };
  try {
    const { log } = await openLog(flags, world);
    const [fault] = log.faults;
    if (fault !== undefined) return { clocks: [], fault: `${file}:${fault.line}: ${fault.message}` };
    return { clocks: readClocks(toSlaPolicy(definition.sla), log.events, world.clock.now()) };
  } catch (error) {
    if (error instanceof OakumError) return { clocks: [], fault: error.message };
    throw error;
  }
}
