// SPDX-License-Identifier: Apache-2.0
import type { ComponentPlan, PatchPlan, PlannedChange, Staying } from '#patch';
import { formatTable } from './format.ts';
import { describeFeeds } from './stale-feeds.ts';

/** Gives a plan for people: component by component what would change and why, and what stays. */
export function formatPlan(plan: PatchPlan): string {
  const feeds = describeFeeds(plan.feeds);
  return [
    ...plan.components.map(describeComponent),
    describeToolchain(plan),
    ...plan.bases.map(describeBase),
    ...(feeds === '' ? [] : [feeds]),
    summarise(plan),
  ].join('\n');
}

function describeComponent(plan: ComponentPlan): string {
  const rows = plan.changes.map((change) => [
    change.path,
    change.from ?? '-',
    change.to,
    change.move ?? 'new',
    `${reasonOf(change)}${change.pastUpstream === undefined ? '' : `; upstream has ${change.pastUpstream}`}`,
  ]);
  const changes = rows.length === 0 ? '' : indent(formatTable(['MODULE', 'FROM', 'TO', 'MOVE', 'WHY'], rows));
  const go = plan.go === undefined ? '' : `  go ${plan.go.from} -> ${plan.go.to}, since ${plan.go.by} asks for it\n`;
  const files = plan.patches.map(({ file }) => `  patch ${file}\n`).join('');
  const notes = plan.notes.map((note) => `  note: ${note}\n`).join('');
  const head = `${plan.component} ${plan.version}: ${plan.findings} findings by ${plan.basis}, ${plan.fixed.length} go\n`;
  return `${head}${changes}${go}${files}${describeStaying(plan.staying)}${describeUpstream(plan)}${notes}${describeGaps(plan.gaps)}`;
}

function reasonOf({ findings, cause }: PlannedChange): string {
  if (findings.length > 0) return findings.join(', ');
  if (cause.kind === 'required') return `${cause.by} needs it`;
  if (cause.kind === 'imported') return `has ${cause.package}, which is imported now`;
  return cause.kind === 'avoids' ? `not ${cause.version}: ${cause.reason}` : 'a floor';
}

function describeStaying(staying: readonly Staying[]): string {
  return staying.map((one) => `  stays: ${one.id} in ${one.package} ${one.version}, ${one.reason}\n`).join('');
}

function describeUpstream({ upstream, findings }: ComponentPlan): string {
  const { best, unknown } = upstream;
  const known =
    best === undefined || findings === 0
      ? ''
      : `  upstream's ${best.version} by itself: ${best.fixes.length === 0 ? 'fixes none of them' : `fixes ${best.fixes.join(', ')}`}\n`;
  return known === '' && unknown !== undefined ? `  upstream's next release is not known: ${unknown}\n` : known;
}

function describeToolchain({ toolchain }: PatchPlan): string {
  const { from, to, fixed, staying, notes } = toolchain;
  const head = to === undefined ? `toolchain ${from}: stays\n` : `toolchain ${from} -> ${to}: ${fixed.join(', ')}\n`;
  return `${head}${describeStaying(staying)}${notes.map((note) => `  note: ${note}\n`).join('')}`;
}

function describeBase({ base, findings, changes, fixed, staying, gaps }: PatchPlan['bases'][number]): string {
  const rows = changes.map((one) => [one.package, one.from ?? '-', one.to]);
  const table = rows.length === 0 ? '' : indent(formatTable(['PACKAGE', 'FROM', 'TO'], rows));
  const head = `base ${base}: ${findings} findings, ${fixed.length} go\n`;
  return `${head}${table}${describeStaying(staying)}${describeGaps(gaps)}`;
}

function describeGaps(gaps: ComponentPlan['gaps']): string {
  return gaps.map(({ what, reason }) => `  not checked: ${what}: ${reason}\n`).join('');
}

function summarise(plan: PatchPlan): string {
  if (plan.verdict === 'nothing') return `${plan.release}: nothing to patch\n`;
  if (plan.verdict === 'held') return `${plan.predecessor} holds all of this already\n`;
  const fixed = new Set(plan.components.flatMap((one) => one.fixed));
  const left = new Set(plan.components.flatMap((one) => one.staying.map(({ id }) => id)));
  return `${plan.revision} would fix ${fixed.size} advisories and leave ${left.size}\n`;
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}
