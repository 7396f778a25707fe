// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, digestOf, hexOf } from '#core';
import { canonicalJson, type Json } from '#formats';
import { isAlive } from './alive.ts';
import { type Blobs, openBlobs } from './blobs.ts';
import { toDiskError } from './error.ts';
import { registerRun } from './prune.ts';
import { removeTree } from './remove-tree.ts';

/** What a step is and all it depends on. Same name and inputs, same outputs: leave nothing out, put no time or path in. */
export interface StepKey {
  /** A short kebab-case verb phrase; it names the record's folder. */
  readonly name: string;
  readonly inputs: Json;
}

/** A step's outcome and whether it came from the cache. */
export interface StepResult<T> {
  readonly value: T;
  readonly cached: boolean;
}

/** A folder made by a step. */
export interface TreeResult {
  readonly path: string;
  readonly cached: boolean;
}

/** The cache on disk: blobs by digest, step records by the digest of their inputs, folders, and free areas. */
export interface Cache {
  readonly folder: string;
  readonly blobs: Blobs;
  /**
   * Runs a step once per inputs. `outputs` names the blobs a value stands on: when one is gone, the step runs again.
   * Two calls at once in one process share one run; two processes may both run, and either result is right.
   */
  step<T extends Json>(
    key: StepKey,
    outputs: (value: T) => readonly Digest[],
    run: () => Promise<T>,
  ): Promise<StepResult<T>>;
  /** Says whether a step's value is at hand, without running anything. */
  peek<T extends Json>(key: StepKey, outputs: (value: T) => readonly Digest[]): Promise<T | undefined>;
  /**
   * Makes a folder once per inputs: `build` fills an empty temporary folder, which is then renamed into place whole.
   * `at` chooses the place (relative to the cache's folder) where others expect it.
   */
  tree(key: StepKey & { readonly at?: string }, build: (path: string) => Promise<void>): Promise<TreeResult>;
  /** Says whether a folder is at hand, without making it. */
  hasTree(key: StepKey & { readonly at?: string }): Promise<boolean>;
  /** Drops a folder made by {@link Cache.tree}, for one that turned out damaged. */
  dropTree(key: StepKey & { readonly at?: string }): Promise<void>;
  /** Gives a writable folder that tools fill by their own rules (Go's build cache); it survives runs and may be pruned by file. */
  area(name: string): Promise<string>;
  /** Gives a fresh path for scratch work on the same disk; what is left there is swept once its process is gone. */
  temporary(): string;
}

/** Opens (and makes) the cache below `folder`; sweeps what crashed runs left behind. Throws `CACHE_DISK_FULL`. */
export async function openCache(folder: string): Promise<Cache> {
  const scratch = join(folder, 'tmp');
  try {
    await mkdir(scratch, { recursive: true });
    await registerRun(folder, process.pid);
  } catch (error) {
    throw toDiskError(error, folder);
  }
  await sweep(scratch);
  const temporary = () => join(scratch, `${process.pid}-${randomBytes(8).toString('hex')}`);
  const running = new Map<string, Promise<StepResult<Json>>>();
  const making = new Map<string, Promise<TreeResult>>();
  const recordOf = (key: StepKey) =>
    join(folder, 'records', key.name, `${hexOf(digestOf(canonicalJson(key.inputs)))}.json`);
  const placeOf = (key: StepKey & { at?: string }, record: string) =>
    join(folder, key.at ?? join('trees', key.name, record.slice(-'.json'.length - 64, -'.json'.length)));
  const blobs = openBlobs(join(folder, 'blobs'), temporary);

  async function writeRecord(path: string, record: Json): Promise<void> {
    const draft = temporary();
    await writeFile(draft, canonicalJson(record));
    await mkdir(dirname(path), { recursive: true });
    await rename(draft, path);
  }

  async function peek<T extends Json>(key: StepKey, outputs: (value: T) => readonly Digest[]): Promise<T | undefined> {
    const record = await readRecord(recordOf(key));
    if (record === undefined || !('value' in record)) return undefined;
    const value = record['value'] as T;
    const found = await Promise.all(outputs(value).map((digest) => blobs.find(digest)));
    return found.includes(undefined) ? undefined : value;
  }

  async function runStep<T extends Json>(
    key: StepKey,
    outputs: (value: T) => readonly Digest[],
    run: () => Promise<T>,
  ): Promise<StepResult<T>> {
    const known = await peek(key, outputs);
    if (known !== undefined) return { value: known, cached: true };
    const value = await run();
    await writeRecord(recordOf(key), { inputs: key.inputs, value });
    return { value, cached: false };
  }

  async function hasTree(key: StepKey & { at?: string }): Promise<boolean> {
    const record = recordOf(key);
    return (await readRecord(record)) !== undefined && (await isFolder(placeOf(key, record)));
  }

  async function makeTree(key: StepKey & { at?: string }, build: (path: string) => Promise<void>): Promise<TreeResult> {
    const record = recordOf(key);
    const path = placeOf(key, record);
    if (await hasTree(key)) return { path, cached: true };
    const draft = temporary();
    try {
      await mkdir(draft);
      await build(draft);
      // Another run may have finished the same folder meanwhile, and may be using it: it stays.
      if ((await readRecord(record)) !== undefined && (await isFolder(path))) return { path, cached: true };
      await mkdir(dirname(path), { recursive: true });
      await putInPlace(draft, path, temporary);
      await writeRecord(record, { inputs: key.inputs, path: path.slice(folder.length + 1) });
    } catch (error) {
      throw toDiskError(error, folder);
    } finally {
      await removeTree(draft);
    }
    return { path, cached: false };
  }

  return {
    folder,
    blobs,
    peek,
    hasTree,
    temporary,
    step: <T extends Json>(key: StepKey, outputs: (value: T) => readonly Digest[], run: () => Promise<T>) =>
      shared(running, recordOf(key), () => runStep(key, outputs, run) as Promise<StepResult<Json>>) as Promise<
        StepResult<T>
      >,
    tree: (key, build) => shared(making, recordOf(key), () => makeTree(key, build)),
    async dropTree(key) {
      const record = recordOf(key);
      await rm(record, { force: true });
      await removeTree(placeOf(key, record));
    },
    async area(name) {
      const path = join(folder, 'areas', name);
      await mkdir(path, { recursive: true });
      return path;
    },
  };
}

async function shared<T>(running: Map<string, Promise<T>>, name: string, run: () => Promise<T>): Promise<T> {
  const known = running.get(name);
  if (known !== undefined) return known;
  const promise = run().finally(() => running.delete(name));
  running.set(name, promise);
  return promise;
}

async function readRecord(path: string): Promise<Record<string, Json> | undefined> {
  try {
    const record: unknown = JSON.parse(await readFile(path, 'utf8'));
    const now = new Date();
    await utimes(path, now, now).catch(() => {});
    return typeof record === 'object' && record !== null ? (record as Record<string, Json>) : undefined;
  } catch {
    return undefined; // absent, half a file of an older disk failure, or not ours: the step runs and writes it anew
  }
}

/** Renames a finished folder into place; one that is there already without a record is of unknown state and makes way. */
async function putInPlace(draft: string, path: string, temporary: () => string): Promise<void> {
  if (await isFolder(path)) {
    const old = temporary();
    await rename(path, old).catch(() => {});
    await removeTree(old);
  }
  try {
    await rename(draft, path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error; // another run was first with the same content
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

async function sweep(scratch: string): Promise<void> {
  for (const name of await readdir(scratch)) {
    const pid = Number(name.split('-', 1)[0]);
    if (pid !== process.pid && !isAlive(pid)) await removeTree(join(scratch, name)).catch(() => {});
  }
}
