// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  FormatError,
  type GoMod,
  type ModuleVersion,
  parseGoMod,
  parseGoSum,
  replacementOf,
  type SumLine,
} from '#formats';
import { SourcesError } from './error.ts';
import { nameOf } from './module-name.ts';

/**
 * A module that a build needs, replacements done. `zipHash` is there where packages may come from it, `modHash` where
 * its go.mod is part of the module graph; both are the main module's go.sum lines, so they are as proved as its zip is.
 */
export interface Dependency extends ModuleVersion {
  readonly zipHash?: string;
  readonly modHash?: string;
}

/**
 * Takes the folder of a main module; gives what `go build -mod=readonly` needs of others: the build list's modules that
 * go.sum has a zip hash for (go.mod lists them all since go 1.17, https://go.dev/ref/mod#graph-pruning), and each go.mod
 * in go.sum. Sorted. Throws `GO_SUM_INCOMPLETE` for a required module that go.sum does not name, `GO_MOD_INVALID`.
 */
export async function readDependencies(folder: string): Promise<readonly Dependency[]> {
  const mod = await readGoMod(folder);
  const sumFile = join(folder, 'go.sum');
  const sums = reading(sumFile, parseGoSum, await readFile(sumFile, 'utf8').catch(() => ''));
  const found = new Map<string, Dependency>();
  const hashes = indexSums(sums, sumFile);
  for (const module of hashes.mod.values())
    found.set(nameOf(module), { path: module.path, version: module.version, modHash: module.hash });
  for (const required of mod.require) {
    const module = replacedModule(mod, required);
    if (module === undefined) continue;
    const name = nameOf(module);
    const zip = hashes.zip.get(name);
    if (!found.has(name)) throw incomplete(name, zip === undefined ? 'it' : 'its go.mod', sumFile);
    if (zip !== undefined)
      found.set(name, { ...found.get(name), path: module.path, version: module.version, zipHash: zip.hash });
  }
  return [...found.values()].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

/** Reads the go.mod at the root of `folder`; throws `GO_MOD_INVALID` naming file and line. */
export async function readGoMod(folder: string): Promise<GoMod> {
  const file = join(folder, 'go.mod');
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new SourcesError('GO_MOD_INVALID', 'the module has no go.mod file', { where: file, cause: error });
  });
  return reading(file, parseGoMod, text);
}

/** What stands in for a required module; undefined where that is a folder of the main module itself. */
function replacedModule(mod: GoMod, required: ModuleVersion): ModuleVersion | undefined {
  const target = replacementOf(mod, required)?.target;
  if (target === undefined) return required;
  return target.kind === 'module' ? target.module : undefined;
}

function indexSums(sums: readonly SumLine[], file: string): { zip: Map<string, SumLine>; mod: Map<string, SumLine> } {
  const index = { zip: new Map<string, SumLine>(), mod: new Map<string, SumLine>() };
  for (const line of sums) {
    if (!line.hash.startsWith('h1:')) continue; // another hash algorithm: Go skips what it does not know
    const map = line.of === 'zip' ? index.zip : index.mod;
    const other = map.get(nameOf(line));
    if (other !== undefined && other.hash !== line.hash) {
      throw new SourcesError('GO_MOD_INVALID', `go.sum names two hashes for ${nameOf(line)}`, { where: file });
    }
    map.set(nameOf(line), line);
  }
  return index;
}

function reading<T>(file: string, parse: (text: string) => T, text: string): T {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new SourcesError('GO_MOD_INVALID', `the module's file is malformed: ${error.message}`, {
      where: file,
      cause: error,
    });
  }
}

function incomplete(name: string, what: string, where: string): SourcesError {
  return new SourcesError('GO_SUM_INCOMPLETE', `go.mod requires ${name}, but go.sum has no hash for ${what}`, {
    where,
    hint: 'Nothing vouches for that module, so it is not fetched. Upstream must run `go mod tidy`.',
  });
}
