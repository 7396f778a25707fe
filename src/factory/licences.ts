// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import type { CompiledModule } from '#build';
import { findLicences, isLicenceFile, LICENCE_RULES, type LicenceFinding, type LicenceFile } from '#evidence';
import type { Workshop } from './workshop.ts';

const AT_ONCE = 8;

/** Finds the licence that each module states in its own root folder; once per module. Fetches modules that were pruned. */
export async function findModuleLicences(
  modules: readonly CompiledModule[],
  shop: Workshop,
): Promise<readonly LicenceFinding[]> {
  const limit = pLimit(AT_ONCE);
  return Promise.all(modules.map((module) => limit(() => findModuleLicence(module, shop))));
}

async function findModuleLicence({ path, version, hash }: CompiledModule, shop: Workshop): Promise<LicenceFinding> {
  const step = await shop.cache.step<LicenceFinding>(
    { name: 'find-licence', inputs: { path, version, hash, rules: LICENCE_RULES } },
    () => [],
    async () => {
      const { path: folder } = await (await shop.sources()).module({ path, version, zipHash: hash });
      return findLicences(licenceFiles(folder));
    },
  );
  return step.value;
}

async function* licenceFiles(folder: string): AsyncGenerator<LicenceFile> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile() && isLicenceFile(entry.name)).map((entry) => entry.name);
  for (const name of names.sort()) yield { name, text: await readFile(join(folder, name), 'utf8') };
}
