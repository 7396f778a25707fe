// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { OakumError, replaceFile } from '#core';
import {
  addDecision,
  applyVex,
  buildVexDocument,
  formatOpenVex,
  formatTrivyIgnore,
  type ScannedTarget,
  toVexSubjects,
  type VexDecision,
  type VexDocument,
  type VexImage,
} from '#vulnerabilities';
import { VERDICT_EXIT_CODE } from '../exit-codes.ts';
import { formatTable } from '../format.ts';
import { reachabilityDecisions } from '../reachability.ts';
import { readReleaseImages } from '../release-images.ts';
import { type OutputFlags, print } from '../session.ts';
import { openContext, openDecisions, type VexFlags } from '../vex-decisions.ts';
import type { World } from '../world.ts';

interface AddFlags extends VexFlags {
  readonly status: string;
  readonly justification?: string;
  readonly reason: string;
  readonly action?: string;
  readonly author: string;
  readonly review?: string;
  readonly alias?: readonly string[];
  readonly package: readonly string[];
  readonly component?: readonly string[];
  readonly channel?: readonly string[];
  readonly release?: readonly string[];
  readonly platform?: readonly string[];
}

const DEFAULT_REVIEW_DAYS = 180;

/** `oakum vex add`: writes one decision, after all of them were checked. */
export async function addVexDecision(vulnerability: string, flags: AddFlags, world: World): Promise<void> {
  const { context } = await openContext(flags, world);
  const due = new Date(context.now.getTime() + DEFAULT_REVIEW_DAYS * 86_400_000).toISOString().slice(0, 10);
  const { alias, status, justification, reason, action, author, review = due } = flags;
  const path = await addDecision(
    resolve(world.workingFolder, flags.folder),
    {
      vulnerability,
      aliases: alias,
      status,
      justification,
      reason,
      action,
      author,
      decided: context.now.toISOString(),
      review,
      components: flags.component,
      channels: flags.channel,
      releases: flags.release,
      platforms: flags.platform,
      packages: flags.package,
    },
    context,
  );
  process.stdout.write(`${path}\n`);
}

/** `oakum vex check`: shows every decision; leaves in the exit code whether all hold. */
export async function checkDecisions(flags: VexFlags & OutputFlags, world: World): Promise<void> {
  const { decisions, now } = await openDecisions(flags, world);
  const shown = decisions.map((decision) => ({ ...decision, expired: isOver(decision, now) }));
  print(flags, shown, () => {
    if (shown.length === 0) return `no decisions in ${flags.folder}\n`;
    const rows = shown.map(({ vulnerability, status, author, reviewBy, expired, where }) => [
      vulnerability,
      expired ? `open again (was ${status})` : status,
      reviewBy?.toISOString().slice(0, 10) ?? '-',
      author,
      where,
    ]);
    return formatTable(['VULNERABILITY', 'STATUS', 'REVIEW', 'AUTHOR', 'WHERE'], rows).replace(/(?!\n)\p{Cc}/gu, '?');
  });
  if (shown.some(({ expired }) => expired)) process.exitCode = VERDICT_EXIT_CODE;
}

function isOver({ reviewBy }: VexDecision, now: Date): boolean {
  return reviewBy !== undefined && reviewBy <= now;
}

interface ExportFlags extends VexFlags {
  readonly format: 'openvex' | 'trivyignore';
  readonly scan?: string;
  readonly output?: string;
  readonly author?: string;
  readonly namespace: string;
}

/** `oakum vex export`: writes the document about a release's images, or the ids that Trivy may leave out. */
export async function exportVex(release: string, flags: ExportFlags, world: World): Promise<void> {
  const { decisions, vendor, now } = await openDecisions(flags, world);
  const { images, revision } = await readReleaseImages(release, world);
  const document = buildVexDocument({
    decisions: [...decisions, ...(await reachabilityDecisions(images, world))],
    images,
    now,
    origin: { author: flags.author ?? vendor, tooling: `oakum/${world.version}`, namespace: flags.namespace },
  });
  if (document === undefined) {
    process.stderr.write(
      `oakum: no decision in ${flags.folder} is about the images of ${revision}; nothing is written\n`,
    );
    process.exitCode = VERDICT_EXIT_CODE;
    return;
  }
  const text =
    flags.format === 'openvex'
      ? formatOpenVex(document)
      : await trivyIgnore(document, { images, scan: flags.scan, now }, world);
  if (flags.output === undefined) process.stdout.write(text);
  else await replaceFile(resolve(world.workingFolder, flags.output), text);
}

interface IgnoreRequest {
  readonly images: readonly VexImage[];
  readonly scan: string | undefined;
  readonly now: Date;
}

async function trivyIgnore(document: VexDocument, { images, scan, now }: IgnoreRequest, world: World): Promise<string> {
  if (scan === undefined)
    throw new OakumError('usage', 'FLAG_MISSING', 'a .trivyignore knows no product, so what is open must be known', {
      hint: 'Give --scan FILE, with what `oakum scan --json` printed of the same release.',
    });
  const where = resolve(world.workingFolder, scan);
  try {
    const { reports } = JSON.parse(await readFile(where, 'utf8')) as { readonly reports: readonly ScannedTarget[] };
    const subjects = reports.flatMap((report) => toVexSubjects(report, images));
    return formatTrivyIgnore(applyVex(subjects, [document], now));
  } catch (error) {
    throw new OakumError('usage', 'SCAN_UNREADABLE', "this is no scan, or it can't be read", {
      where,
      hint: 'It must be what `oakum scan --json` printed.',
      cause: error,
    });
  }
}
