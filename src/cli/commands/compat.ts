// SPDX-License-Identifier: Apache-2.0
import { answer, type Fit, type Lifecycle, type Provider } from '#compatibility';
import { formatCompatibility } from '../compat-text.ts';
import { EXIT_CODES, VERDICT_EXIT_CODE } from '../exit-codes.ts';
import { cellsOf, keptCells, openLifecycle, ownLines } from '../lifecycle.ts';
import { readDocuments } from '../release-documents.ts';
import { type OutputFlags, print } from '../session.ts';
import { loadDefinition, type SharedFlags } from '../shop.ts';
import type { World } from '../world.ts';

interface CompatFlags extends SharedFlags, OutputFlags {
  readonly kubernetes?: string;
  readonly provider?: Provider;
  readonly documents?: readonly string[];
  readonly plainHttp?: boolean;
}

/** `oakum compat`: says which lines fit which Kubernetes today, until when, and what tests say; the exit code tells whether any does. */
export async function showCompatibility(flags: CompatFlags, world: World): Promise<void> {
  const loaded = await loadDefinition(flags, world);
  const found = await readDocuments(flags.documents, world, flags);
  const documents = found.map(({ document }) => document);
  const { lifecycle: read, feed, faults } = await openLifecycle(loaded, world);
  const own = ownLines(loaded.lock, documents);
  const lifecycle = { ...read, dissents: [...read.dissents, ...own.unknownTo(read)] };
  const fits = answer(lifecycle, {
    kubernetes: flags.kubernetes,
    provider: flags.provider,
    channels: Object.keys(loaded.read.definition.channels),
    cells: [...cellsOf(documents), ...(await keptCells(found))],
    revisionOf: own.revisionOf,
    now: world.clock.now(),
  });
  const { today, newestEntry, lines, latestKubernetes, endings, missing, dissents } = lifecycle;
  const result = { today, feed, newestEntry, faults, lines, latestKubernetes, fits, endings, missing, dissents };
  print(flags, result, () => formatCompatibility(lifecycle, { fits, faults, provider: flags.provider }));
  process.exitCode = exitCodeOf(fits, lifecycle, { provider: flags.provider, isFresh: faults.length === 0 });
}

function exitCodeOf(
  fits: readonly Fit[],
  { missing }: Lifecycle,
  { provider, isFresh }: { readonly provider: Provider | undefined; readonly isFresh: boolean },
): number {
  if (!isFresh || (provider !== undefined && missing.includes(provider))) return EXIT_CODES.network.code;
  return fits.length === 0 ? VERDICT_EXIT_CODE : 0;
}
