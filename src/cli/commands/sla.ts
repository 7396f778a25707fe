// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { OakumError, replaceFile } from '#core';
import {
  formatSlaCsv,
  formatSlaHtml,
  reportSla,
  requireSound,
  type SlaLogReading,
  toSlaPolicy,
} from '#vulnerabilities';
import { VERDICT_EXIT_CODE } from '../exit-codes.ts';
import { readMoment } from '../moment.ts';
import { print } from '../session.ts';
import { openLog, type SlaFlags } from '../sla-log.ts';
import type { World } from '../world.ts';

const DAY = 86_400_000;
const DEFAULT_DAYS = 90;

/** `oakum sla report`: what the clocks showed at the end of a time, from a log that was checked. */
export async function reportClocks(
  flags: SlaFlags & {
    readonly from?: string;
    readonly to?: string;
    readonly format: 'html' | 'json' | 'csv';
    readonly output?: string;
  },
  world: World,
): Promise<void> {
  const now = world.clock.now();
  const until = flags.to === undefined ? now : readMoment(flags.to, 'to');
  const to = until > now ? now : until; // of what is yet to come nothing is known; the forecast tells what it will be
  const from = flags.from === undefined ? new Date(to.getTime() - DEFAULT_DAYS * DAY) : readMoment(flags.from, 'from');
  if (from > to) throw new OakumError('usage', 'FLAG_INVALID', '--from is after --to');
  const { log, definition, signers } = await openLog(flags, world);
  requireSound(log);
  const report = reportSla(toSlaPolicy(definition.sla), log.events, { from, to });
  const title = `${definition.vendor} ${definition.name}: remediation of vulnerabilities`;
  const text = {
    html: () => formatSlaHtml(report, { title, provenance: provenanceOf(log, signers) }),
    json: () => `${JSON.stringify({ log: { name: log.name, head: log.head, signers }, ...report }, null, 2)}\n`,
    csv: () => formatSlaCsv(report),
  }[flags.format]();
  if (flags.output === undefined) process.stdout.write(text);
  else await replaceFile(resolve(world.workingFolder, flags.output), text);
}

/** `oakum sla check`: verifies the log, and leaves the verdict in the exit code. */
export async function checkLog(
  flags: SlaFlags & { readonly holds?: string; readonly json?: boolean },
  world: World,
): Promise<void> {
  const { log } = await openLog(flags, world);
  const { faults, head, seals, file, events } = log;
  print(flags, { file, name: log.name, events: events.length, seals, head, faults }, () => {
    const lines = faults.map(({ line, message }) => `${file}:${line}: ${message}\n`).join('');
    if (lines !== '') return `${lines}${faults.length === 1 ? '1 fault' : `${faults.length} faults`}\n`;
    if (head === undefined) return `${file}: no event was logged\n`;
    return `${file}: ${events.length} events under ${seals} seals, as they were written\nhead: ${head.digest}\n`;
  });
  if (faults.length > 0) process.exitCode = VERDICT_EXIT_CODE;
}

function provenanceOf({ name, head, events, seals }: SlaLogReading, signers: readonly string[]): readonly string[] {
  if (head === undefined) return ['No event was logged.'];
  return [
    `Event log "${name ?? ''}": ${events.length} events under ${seals} seals; every link and seal was checked when this page was made.`,
    `Its last line: entry ${head.sequence}, ${head.digest}.`,
    `Sealed by: ${signers.join(', ')}.`,
  ];
}
