// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, digestOf, messageOf, type Platform, PLATFORMS, replaceFile } from '#core';
import { inFileOrder, locateYaml, readableJson, toFaults } from '#formats';
import { DefinitionError } from './error.ts';
import { type Lock, type LockedBase, lockSchema } from './lock-schema.ts';

/** What every package of a base has, whatever it is made from. */
export interface BasePackage {
  readonly kind: 'deb' | 'apk' | 'rpm';
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: { readonly name: string; readonly version: string };
}

/** Gives the packages of a base by platform: those it is composed from, or those that its image lists. */
export function packagesOfBase({
  packages,
  alpine,
  image,
}: Pick<LockedBase, 'packages' | 'alpine' | 'image'>): Readonly<Partial<Record<Platform, readonly BasePackage[]>>> {
  const lists = PLATFORMS.flatMap((platform) => {
    const debs = packages[platform]?.map((one) => ({ ...one, kind: 'deb' as const }));
    const apks = alpine?.platforms[platform]?.packages.map((one) => ({
      ...one,
      kind: 'apk' as const,
      source: { name: one.origin, version: one.version },
    }));
    const list = image?.platforms[platform]?.packages ?? apks ?? debs;
    return list === undefined ? [] : [[platform, list] as const];
  });
  return Object.fromEntries(lists);
}

/** Gives a lock that holds nothing yet. */
export function emptyLock(compressor: string): Lock {
  return { version: 1, compressor, toolchains: {}, bases: {}, releases: {} };
}

/** Takes a definition's path; gives the path of the lock beside it. */
export function lockFileOf(definitionFile: string): string {
  return join(dirname(definitionFile), 'oakum.lock');
}

/** Reads a lock; undefined where there is none. Throws {@link DefinitionError} with every fault and its place. */
export async function readLock(file: string): Promise<Lock | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new DefinitionError('LOCK_UNREADABLE', [
      { where: file, message: `the lock can't be read: ${messageOf(error)}` },
    ]);
  }
  return parseLock(text, file);
}

/** Takes a lock's text (JSON) and the name to show for it; gives it checked, or throws `LOCK_INVALID`. */
export function parseLock(text: string, file: string): Lock {
  const hint =
    'A lock is written by `oakum lock`, not by hand: take it back from version control, or delete it and run `oakum lock`.';
  try {
    const parsed = lockSchema.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
    throw new DefinitionError('LOCK_INVALID', inFileOrder(toFaults(locateYaml(text, file), parsed.error)), hint);
  } catch (error) {
    if (error instanceof DefinitionError) throw error;
    const located = locateYaml(text, file); // for the place: JSON.parse gives none that holds across Node releases
    const faults =
      located.faults.length > 0 ? located.faults : [{ where: file, message: `not JSON: ${messageOf(error)}` }];
    throw new DefinitionError('LOCK_INVALID', faults, hint);
  }
}

/** Gives a lock's one text: sorted keys, two spaces, a newline at the end. */
export function formatLock(lock: Lock): string {
  return readableJson(lock);
}

/** Gives the part of a lock that one release uses, so that its digest does not change when the lock gains another. */
export function lockOfRelease(
  lock: Lock,
  used: {
    readonly release: string;
    readonly toolchain: string;
    readonly bases: readonly string[];
    /** Whether a C compiler was needed. */
    readonly compiler?: boolean;
    readonly revision?: string;
  },
): Lock {
  const pick = <T>(record: Record<string, T>, names: readonly string[]) =>
    Object.fromEntries(Object.entries(record).filter(([name]) => names.includes(name)));
  const { revisions, buildRoot, tools: _tools, kubernetes: _kubernetes, ...rest } = lock; // the last two leave no byte in an image
  const revised = pick(revisions ?? {}, used.revision === undefined ? [] : [used.revision]);
  return {
    ...rest,
    ...(Object.keys(revised).length === 0 ? {} : { revisions: revised }),
    ...(used.compiler === true && buildRoot !== undefined ? { buildRoot } : {}),
    toolchains: pick(lock.toolchains, [used.toolchain]),
    bases: pick(lock.bases, used.bases),
    releases: pick(lock.releases, [used.release]),
  };
}

/** Gives the digest of a lock's text. */
export function digestOfLock(lock: Lock): Digest {
  return digestOf(formatLock(lock));
}

/** Writes a lock in one piece. */
export async function writeLock(file: string, lock: Lock): Promise<void> {
  await replaceFile(file, formatLock(lock));
}

/** Writes a lock that was made from another one, where the file still holds that one: what somebody else has written must not get lost. Throws `LOCK_CHANGED`. */
export async function replaceLock(file: string, known: Lock | undefined, lock: Lock): Promise<void> {
  const now = await readLock(file);
  const digest = (one: Lock | undefined) => one && digestOfLock(one);
  if (digest(now) === digest(known)) return writeLock(file, lock);
  throw new DefinitionError(
    'LOCK_CHANGED',
    [{ where: file, message: 'the lock was changed in the meantime; it is left as it is' }],
    'Run again: what was compiled and tested is not done again.',
  );
}
