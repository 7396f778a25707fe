// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { chmod, copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compile, type CompileInputs, type CompileRequest } from '#build';
import type { StepKey } from '#cache';
import { type Digest, measure, reportStep } from '#core';
import type { Definition, Lock, LockedModule, ToolName } from '#definition';
import type { Sources } from '#sources';
import { FactoryError } from './error.ts';
import { fetchModules } from './prepare.ts';
import { stepTools, type Workshop } from './workshop.ts';

/** A compiled program. */
export interface Program {
  /** Of the program's bytes. */
  readonly digest: Digest;
  /** The program: a file that may be executed, in the cache. */
  readonly path: string;
}

/** A program of Oakum's own, compiled from proved sources, ready to be mounted into a step. */
export interface Tool extends Program {
  readonly name: ToolName;
  readonly version: string;
}

/** A lock that holds a tool. */
export interface ToolLock {
  readonly lock: Lock;
  readonly changed: boolean;
}

/**
 * Resolves a tool where the lock does not hold the version that the definition names: its hash with the proof of the checksum
 * database. `locked` refuses that instead (`LOCK_INCOMPLETE`).
 */
export async function lockTool(
  name: ToolName,
  request: {
    readonly definition: Definition;
    readonly lock: Lock;
    readonly lockFile: string;
    readonly locked: boolean;
  },
  shop: Workshop,
): Promise<ToolLock> {
  const { definition, lock, lockFile, locked } = request;
  const { module: path, version } = definition.tools[name];
  const known = lock.tools?.[name];
  if (known?.path === path && known.version === version) return { lock, changed: false };
  if (locked)
    throw new FactoryError('LOCK_INCOMPLETE', `the lock lacks the tool ${name} ${version}`, {
      where: lockFile,
      hint: 'Leave --locked away once, and commit the lock.',
    });
  const { value } = await reportStep(shop.report, { subject: name, step: 'resolve' }, async () => {
    const { zipHash, modHash, proof } = await (await shop.sources()).prove({ path, version });
    return { value: { path, version, zipHash, modHash, proof } satisfies LockedModule, cached: false };
  });
  return { lock: { ...lock, tools: { ...lock.tools, [name]: value } }, changed: true };
}

/**
 * Gives a tool that is locked: compiled for this machine by the definition's toolchain as a component is, once per inputs.
 * Its dependencies are proved by the go.sum in its own proved zip. Throws `LOCK_INCOMPLETE`, and what sources and build throw.
 */
export async function openTool(
  name: ToolName,
  { definition, lock }: { readonly definition: Definition; readonly lock: Lock },
  shop: Workshop,
): Promise<Tool> {
  const locked = lock.tools?.[name];
  if (locked === undefined) throw lacking(`the tool ${name}`);
  const { path, version, zipHash } = locked;
  const main = { path, version, zipHash };
  const program = await compileProgram(
    name,
    {
      subject: name,
      compile: { main, package: definition.tools[name].package },
      compose: (sources) => sources.compose(main, []),
    },
    { definition, lock },
    shop,
  );
  return { name, version, ...program };
}

/** A program of Oakum's own: what decides its bytes beside toolchain and machine, and how its source is composed when it must be compiled. */
export interface ProgramSource {
  /** Whom progress names. */
  readonly subject: string;
  readonly compile: Pick<CompileRequest, 'main' | 'package' | 'tags' | 'variables' | 'overlay'>;
  readonly compose: (sources: Sources) => Promise<{ readonly path: string }>;
}

/**
 * Compiles a program for this machine by the definition's toolchain as a component is, once per inputs. Its dependencies are proved by
 * the go.sum in its source. Throws `LOCK_INCOMPLETE` where the toolchain is not locked, and what sources and build throw.
 */
export async function compileProgram(
  name: string,
  { subject, compile: chosen, compose }: ProgramSource,
  { definition, lock }: { readonly definition: Definition; readonly lock: Lock },
  shop: Workshop,
): Promise<Program> {
  const { platform } = shop.machine;
  const toolchain = lock.toolchains[definition.toolchain]?.[platform];
  if (toolchain === undefined) throw lacking(definition.toolchain);
  const { zipHash } = toolchain;
  const prepare = async (): Promise<CompileInputs> => {
    const sources = await shop.sources();
    const [{ folder: toolchainFolder }, source] = await Promise.all([
      sources.toolchain(definition.toolchain, platform, { zipHash, verify: true }),
      compose(sources),
    ]);
    return { sourceFolder: source.path, toolchainFolder, ...(await fetchModules(source.path, sources)) };
  };
  const request: CompileRequest = {
    component: name,
    nested: [],
    toolchain: { version: definition.toolchain, zipHash },
    platform,
    crypto: 'none',
    ...chosen,
  };
  const { value } = await reportStep(shop.report, { subject, step: 'compile' }, () =>
    compile(request, prepare, stepTools(definition, shop)),
  );
  return { digest: value.binary, path: await placeProgram(name, value.binary, shop) };
}

/** Gives the error of a lock that lacks something; it comes from a run with --locked. */
export function lacking(what: string): FactoryError {
  return new FactoryError('LOCK_INCOMPLETE', `the lock lacks ${what}`, { hint: 'Run it without --locked.' });
}

/** Blobs can't be executed: gives a copy that can, measured before each use, since other runs may have left it. */
async function placeProgram(name: string, binary: Digest, { cache }: Pick<Workshop, 'cache'>): Promise<string> {
  const key: StepKey = { name: 'place-program', inputs: { name, binary } };
  const place = () =>
    cache.tree(key, async (into) => {
      const blob = await cache.blobs.find(binary);
      if (blob === undefined) throw new TypeError(`${name} was compiled and is not there`);
      await copyFile(blob.path, join(into, name));
      await chmod(join(into, name), 0o755);
    });
  const found = join((await place()).path, name);
  if (await isProgram(found, binary)) return found;
  await cache.dropTree(key);
  const fresh = join((await place()).path, name);
  if (await isProgram(fresh, binary)) return fresh;
  await cache.blobs.remove(binary);
  throw new FactoryError('TOOL_DAMAGED', `the cached program ${name} was damaged on disk and has been removed`, {
    where: fresh,
    hint: 'Run the command again: it compiles it anew. If this recurs, check the disk.',
  });
}

async function isProgram(path: string, binary: Digest): Promise<boolean> {
  try {
    return (await measure(createReadStream(path))).digest === binary;
  } catch {
    return false;
  }
}
