// SPDX-License-Identifier: Apache-2.0
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestOf } from '#core';
import type { LockedOverlay } from '#definition';
import { applyFilePatch, canonicalJson, editGoMod, FormatError, mergeGoSum, parseUnifiedDiff } from '#formats';
import { type DerivedSource, replaceInSource, type Sources } from '#sources';
import { PatchError } from './error.ts';

/** A patch file's name, relative to the folder of the definition, and its text. */
export interface PatchFile {
  readonly file: string;
  readonly text: string;
}

/** The two files of a module that an overlay edits. */
export interface ModuleFiles {
  readonly goMod: string;
  readonly goSum: string;
}

/** What {@link composeOverlay} works with: `modules` are those that the source was composed from. */
export interface OverlayTools {
  readonly sources: Pick<Sources, 'derive'>;
  readonly patches: readonly PatchFile[];
  readonly modules: readonly { readonly path: string; readonly version: string; readonly zipHash: string }[];
}

/** Reads a source's go.mod and go.sum. */
export async function readModuleFiles(folder: string): Promise<ModuleFiles> {
  const [goMod, goSum] = await Promise.all([
    readFile(join(folder, 'go.mod'), 'utf8'),
    readFile(join(folder, 'go.sum'), 'utf8').catch(() => ''),
  ]);
  return { goMod, goSum };
}

/** Gives go.mod and go.sum with the edits of an overlay; the same each time. */
export function editModuleFiles(
  files: ModuleFiles,
  { requires, go, sums }: Pick<LockedOverlay, 'requires' | 'go' | 'sums'>,
): ModuleFiles {
  const require = requires.map(({ path, to, indirect }) => ({ path, version: to, indirect }));
  return {
    goMod: editGoMod(files.goMod, { require, ...(go === undefined ? {} : { go: go.to }) }),
    goSum: mergeGoSum(files.goSum, sums.flatMap(sumLines)),
  };
}

/** Gives an overlay's digest, by which compiles tell it from every other. The hash of what comes of it does not count. */
export function digestOfOverlay(overlay: LockedOverlay): Digest {
  const { treeHash: _, ...cause } = overlay;
  return digestOf(canonicalJson(cause));
}

/**
 * Gives a proved source with an overlay applied: edits of go.mod and go.sum, then patch files. Everything is checked against
 * what the lock says: each patch file's digest, go.mod and go.sum as they come out, and the hash over the whole. Throws
 * `OVERLAY_DIFFERS`, `PATCH_FILE_INVALID`, `PATCH_DOES_NOT_APPLY`, and `HASH_MISMATCH` of sources.
 */
export async function composeOverlay(
  source: string,
  overlay: LockedOverlay,
  tools: OverlayTools,
): Promise<DerivedSource> {
  const { treeHash } = overlay;
  return tools.sources.derive(source, {
    inputs: { modules: tools.modules.map((module) => ({ ...module })), overlay: digestOfOverlay(overlay) },
    ...(treeHash === undefined ? {} : { treeHash }),
    async apply(folder) {
      await writeEdits(folder, overlay);
      for (const { file, digest } of overlay.patches) {
        const found = tools.patches.find((one) => one.file === file);
        if (found === undefined || digestOf(found.text) !== digest)
          throw new PatchError('OVERLAY_DIFFERS', 'a patch file is not the one that the lock names', {
            where: file,
            hint: 'Take it back from version control, or plan a new revision with it.',
          });
        await applyPatchFile(folder, found);
      }
    },
  });
}

async function writeEdits(folder: string, overlay: LockedOverlay): Promise<void> {
  const edited = editModuleFiles(await readModuleFiles(folder), overlay);
  const digests = { goMod: digestOf(edited.goMod), goSum: digestOf(edited.goSum) };
  if (digests.goMod !== overlay.goMod || digests.goSum !== overlay.goSum)
    throw new PatchError('OVERLAY_DIFFERS', 'the edited go.mod or go.sum is not as it was when it was planned', {
      where: folder,
      hint: 'The lock was changed by hand, or made by another version of Oakum: plan the revision anew.',
    });
  await replaceInSource(join(folder, 'go.mod'), edited.goMod);
  await replaceInSource(join(folder, 'go.sum'), edited.goSum);
}

/** Applies a unified diff to a folder, strictly: it must fit to the line, and stays inside. */
export async function applyPatchFile(folder: string, { file, text }: PatchFile): Promise<void> {
  for (const patch of reading('PATCH_FILE_INVALID', file, () => parseUnifiedDiff(text))) {
    const path = join(folder, patch.path);
    const content = await readFile(path, 'utf8').catch(() => undefined);
    const result = reading('PATCH_DOES_NOT_APPLY', file, () => applyFilePatch(content, patch));
    if (result === undefined) await rm(path);
    else await replaceInSource(path, result);
  }
}

function reading<T>(code: 'PATCH_FILE_INVALID' | 'PATCH_DOES_NOT_APPLY', where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const hint =
      code === 'PATCH_DOES_NOT_APPLY' ? 'Make the patch anew against the source of this release, or remove it.' : '';
    throw new PatchError(code, error.message, { where, cause: error, ...(hint === '' ? {} : { hint }) });
  }
}

function sumLines({ path, version, zipHash, modHash }: LockedOverlay['sums'][number]): readonly string[] {
  return [...(zipHash === undefined ? [] : [`${path} ${version} ${zipHash}`]), `${path} ${version}/go.mod ${modHash}`];
}
