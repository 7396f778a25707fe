// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { readCells, readPatch, runScenario, staleReasons } from '#compatibility';
import { migrateFor } from '#consumers';
import type { Digest } from '#core';
import { attachCompatibility, newestPatch, readSignedArtifact, testCompatibility } from '#factory';
import { formatCells, type ShownCell } from '../compat-cells.ts';
import { type Desk, type DeskFlags, openDesk, startersOf } from '../compat-desk.ts';
import { openSubject } from '../compat-subject.ts';
import { VERDICT_EXIT_CODE } from '../exit-codes.ts';
import { digestsOf } from '../lifecycle.ts';
import { type OutputFlags, print, withProgress } from '../session.ts';
import { publicKeyOf, requireSigner, type SigningFlags } from '../signer.ts';
import type { World } from '../world.ts';

interface CompatTestFlags extends DeskFlags, OutputFlags, Omit<SigningFlags, 'sign'> {
  readonly out: string;
  readonly onlyStale?: boolean;
  readonly attach?: boolean;
}

/** How many minors are tested where none is named. */
const MINORS = 6;

/** `oakum compat test`: runs the controllers of a release on real API servers, and shows what is known of all minors. */
export async function testRelease(version: string, flags: CompatTestFlags, world: World): Promise<void> {
  const output = resolve(world.workingFolder, flags.out);
  const cells = await withProgress(flags, world, async (report) => {
    const desk = await openDesk(version, flags, { world, report, minors: MINORS, whole: true });
    const made = new Set<Digest>();
    for (const channel of desk.channels)
      for (const digest of await testChannel(channel, desk, { flags, world, output })) made.add(digest);
    return showCells(desk, { output, made });
  });
  print(flags, cells, () => formatCells(cells));
  if (cells.some(({ fresh, verdict }) => fresh && verdict === 'failed')) process.exitCode = VERDICT_EXIT_CODE;
}

interface Test {
  readonly flags: CompatTestFlags;
  readonly world: World;
  readonly output: string;
}

/** Tests one channel on every minor that is due; gives the digests of the cells it made. */
async function testChannel(channel: string, desk: Desk, { flags, world, output }: Test): Promise<readonly Digest[]> {
  const { shop, definition, lock, previous } = desk;
  const minors = flags.onlyStale ? await dueMinors(channel, desk, output) : desk.minors;
  if (minors.length === 0) return [];
  const parts = { definition, lock, platform: shop.machine.platform, shop };
  const { subject, targets } = await openSubject(desk.release, channel, parts);
  const older = previous === undefined ? {} : { previous: (await openSubject(previous, channel, parts)).subject };
  const signer = await requireSigner(flags, world, shop.report);
  const trusted = signer.kind === 'keyless' ? undefined : { signer, publicKey: await publicKeyOf(flags.key, world) };
  const place = await desk.release.place();
  const signed = await readSignedArtifact({ ...desk.release, place, channel, trusted });
  const outcomes = await testCompatibility(
    {
      ...parts,
      ...older,
      minors,
      subject,
      scenario: (request) =>
        runScenario({
          ...request,
          signed,
          migrate: (cluster, next) => migrateFor(next, { cluster, clock: request.clock, signal: request.signal }),
        }),
      signer,
      output,
      ...startersOf(world),
    },
    shop,
  );
  if (flags.attach) await attachCompatibility(outcomes, targets, { signer, shop });
  return outcomes.map(({ cell }) => cell.digest);
}

/** The minors of which there is no cell that passed, or one that does not tell of what is there now. */
async function dueMinors(channel: string, desk: Desk, output: string): Promise<readonly string[]> {
  const cells = await showCells(desk, { output, made: new Set() });
  const holds = (minor: string) =>
    cells.some(
      (cell) =>
        cell.channel === channel && cell.kubernetes === minor && cell.verdict === 'passed' && cell.stale.length === 0,
    );
  return desk.minors.filter((minor) => !holds(minor));
}

/** Gives all cells of the revision that are kept, and whether each still holds. */
async function showCells(
  { release, shop }: Desk,
  { output, made }: { readonly output: string; readonly made: ReadonlySet<Digest> },
): Promise<readonly ShownCell[]> {
  const { document } = release;
  const cells = (await readCells(output)).filter((cell) => cell.revision === document.revision);
  const minors = [...new Set(cells.map(({ kubernetes }) => kubernetes))]; // the proxy is asked once for each, not for every channel's cell
  const newest = new Map(
    await Promise.all(minors.map(async (minor) => [minor, (await newestPatch(minor, shop))?.slice(1)] as const)),
  );
  return cells.map((cell): ShownCell => {
    const newestPatch = newest.get(cell.kubernetes);
    const stale = staleReasons(cell, { images: digestsOf(document, cell.channel), newestPatch });
    return { ...cell, fresh: made.has(cell.digest), stale, notes: readPatch(cell, newestPatch).notes };
  });
}
