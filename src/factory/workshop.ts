// SPDX-License-Identifier: Apache-2.0
import type { Alpine, Debian, ImageBases, ImageBelief } from '#bases';
import type { CompileTools } from '#build';
import type { Cache } from '#cache';
import type { Clock, Digest, Platform, Report } from '#core';
import type { AlpineBaseDefinition, DebianBaseDefinition, Definition, ImageBaseDefinition } from '#definition';
import type { Engine } from '#engine';
import type { Sources } from '#sources';

/** What the assembly line works with. What costs to open is opened when first needed: an unchanged run needs none of it. */
export interface Workshop {
  readonly cache: Cache;
  readonly clock: Clock;
  readonly sources: () => Promise<Sources>;
  readonly debian: (base: DebianBaseDefinition) => Promise<Debian>;
  readonly alpine: (base: AlpineBaseDefinition) => Promise<Alpine>;
  readonly images: () => Promise<ImageBases>;
  /** Who must have signed an image that is taken as a base; undefined where the definition does not say. */
  readonly belief: (base: ImageBaseDefinition) => Promise<ImageBelief | undefined>;
  readonly engine: () => Promise<Engine>;
  /** Whether steps run in a sandbox; false only where the user said --unsandboxed. */
  readonly isolated: boolean;
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly machine: { readonly platform: Platform; readonly cores: number; readonly memoryBytes: number };
  /** Versions of the tools that build, by name: oakum, node. */
  readonly versions: Readonly<Record<string, string>>;
  /** Where the definition lies, and `patches/` beside it. */
  readonly definitionFolder: string;
  /** Names the compressor's build for which compressed digests hold. */
  readonly compressor: string;
}

/** Gives what a step that runs in the engine works with: the workshop's parts, and a definition's limits in bytes and milliseconds. */
export function stepTools({ limits }: Pick<Definition, 'limits'>, shop: Workshop): Omit<CompileTools, 'stage'> {
  const { cache, clock, engine, isolated, machine, signal } = shop;
  const { memoryMiB, minutes, processes } = limits;
  return {
    cache,
    clock,
    engine,
    isolated,
    limits: { memoryBytes: memoryMiB * 2 ** 20, milliseconds: minutes * 60_000, processes },
    parallelism: machine.cores,
    signal,
  };
}

/** Reads a blob that a step has left, whole and checked. */
export async function readBlob(digest: Digest, { cache }: Pick<Workshop, 'cache'>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(cache.blobs.read(digest)));
}

/** Reads a blob that a step has left, as text. */
export async function readText(digest: Digest, shop: Pick<Workshop, 'cache'>): Promise<string> {
  return (await readBlob(digest, shop)).toString('utf8');
}

/** Gives a function that calls `open` once, at the first call and with what is given then, and not again. */
export function once<T, A extends readonly unknown[] = []>(
  open: (...given: A) => Promise<T>,
): (...given: A) => Promise<T> {
  let opened: Promise<T> | undefined;
  return (...given) => (opened ??= open(...given));
}
