// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { readCells, runScenario, staleReasons } from '#compatibility';
import { migrateFor } from '#consumers';
import type { Digest, Report } from '#core';
import type { Definition, Lock } from '#definition';
import {
  attachCompatibility,
  completeLock,
  lockApiServer,
  lockTool,
  newestPatch,
  readSignedArtifact,
  servedMinors,
  testCompatibility,
  type Workshop,
} from '#factory';
import { formatCells, type ShownCell } from '../compat-cells.ts';
import { type LocatedRelease, locateRelease, openSubject } from '../compat-subject.ts';
import { VERDICT_EXIT_CODE } from '../exit-codes.ts';
import { digestsOf } from '../lifecycle.ts';
import { type OutputFlags, print, withProgress } from '../session.ts';
import { keepLock, type Loaded, loadDefinition, openShop, type SharedFlags } from '../shop.ts';
import { openSigner, publicKeyOf, type SigningFlags } from '../signer.ts';
import type { World } from '../world.ts';

interface CompatTestFlags extends SharedFlags, OutputFlags, Omit<SigningFlags, 'sign'> {
  readonly kubernetes?: readonly string[];
  readonly channel?: readonly string[];
  readonly from: string;
  readonly previous?: string;
  readonly previousFrom?: string;
  readonly out: string;
  readonly onlyStale?: boolean;
  readonly refresh?: boolean;
  readonly attach?: boolean;
  readonly locked?: boolean;
  readonly plainHttp?: boolean;
}

/** How many minors are tested where none is named. */
const MINORS = 6;

/** `oakum compat test`: runs the controllers of a release on real API servers, and shows what is known of all minors. */
export async function testRelease(version: string, flags: CompatTestFlags, world: World): Promise<void> {
  const output = resolve(world.workingFolder, flags.out);
  const cells = await withProgress(flags, world, async (report) => {
    const desk = await openDesk(version, flags, world, report);
    const made = new Set<Digest>();
    for (const channel of desk.channels)
      for (const digest of await testChannel(channel, desk, { flags, world, output })) made.add(digest);
    return showCells(desk, { output, made });
  });
  print(flags, cells, () => formatCells(cells));
  if (cells.some(({ fresh, verdict }) => fresh && verdict === 'failed')) process.exitCode = VERDICT_EXIT_CODE;
}

/** What a run works with: everything is located and locked. */
interface Desk {
  readonly shop: Workshop;
  readonly definition: Definition;
  readonly lock: Lock;
  readonly minors: readonly string[];
  readonly channels: readonly string[];
  readonly release: LocatedRelease;
  /** What is upgraded from. */
  readonly previous: LocatedRelease | undefined;
}

async function openDesk(version: string, flags: CompatTestFlags, world: World, report: Report): Promise<Desk> {
  const loaded = await loadDefinition(flags, world);
  const shop = await openShop(loaded, { flags, world, report });
  const release = await locateRelease(version, flags, world);
  const before = flags.previous;
  const from = flags.previousFrom ?? flags.from;
  const previous = before === undefined ? undefined : await locateRelease(before, { ...flags, from }, world);
  const releases = [release, previous].flatMap((one) => one?.document.release ?? []);
  const { lock, minors } = await lockAll(releases, { flags, loaded, shop });
  const channels = flags.channel ?? Object.keys(release.document.channels);
  return { shop, definition: loaded.read.definition, lock, minors, channels, release, previous };
}

/** Completes the lock for releases, the tool that makes manifests, and the API servers; writes it where it changed. */
async function lockAll(
  releases: readonly string[],
  { flags, loaded, shop }: { readonly flags: CompatTestFlags; readonly loaded: Loaded; readonly shop: Workshop },
): Promise<{ readonly lock: Lock; readonly minors: readonly string[] }> {
  const { definition } = loaded.read;
  const request = { definition, lockFile: loaded.lockFile, locked: flags.locked === true };
  let { lock } = loaded;
  let changed = false;
  for (const version of releases) {
    const completed = await completeLock({ ...request, lock, version }, shop);
    lock = completed.lock;
    changed ||= completed.changed;
  }
  const tool = await lockTool('kustomize', { ...request, lock: lock as Lock }, shop);
  lock = tool.lock;
  changed ||= tool.changed;
  const minors: string[] = [];
  for (const kubernetes of flags.kubernetes ?? (await servedMinors(MINORS, shop))) {
    const one = await lockApiServer({ ...request, lock, kubernetes, refresh: flags.refresh === true }, shop);
    lock = one.lock;
    changed ||= one.changed;
    if (!minors.includes(one.minor)) minors.push(one.minor);
  }
  await keepLock({ lock, changed, holds: `Kubernetes ${minors.join(', ')}` }, loaded.lockFile, shop.report);
  return { lock, minors };
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
  const signer = await openSigner({ ...flags, sign: true }, world, shop.report);
  if (signer === undefined) throw new TypeError('a signer was asked for');
  const trusted = signer.kind === 'keyless' ? undefined : { signer, publicKey: await publicKeyOf(flags.key, world) };
  const signed = await readSignedArtifact({ ...desk.release, channel, trusted });
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
      run: world.run,
      searchPath: world.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
      privileged: process.getuid?.() === 0,
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
    const context = { images: digestsOf(document, cell.channel), newestPatch: newest.get(cell.kubernetes) };
    return { ...cell, fresh: made.has(cell.digest), stale: staleReasons(cell, context) };
  });
}
