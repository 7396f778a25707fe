// SPDX-License-Identifier: Apache-2.0
import type { CellRecord } from '#compatibility';
import { formatSpan, formatTable } from './format.ts';

/** A kept cell, whether this run made it, and why it no longer tells of what is there. */
export interface ShownCell extends CellRecord {
  readonly fresh: boolean;
  readonly stale: readonly string[];
  readonly notes: readonly string[];
}

/** Shows cells as a table, then what failed or was skipped, and why some are stale. */
export function formatCells(cells: readonly ShownCell[]): string {
  if (cells.length === 0) return 'Nothing has been tested.\n';
  const rows = cells.map((cell) => [
    cell.kubernetes,
    cell.versions['kubernetes'] ?? '',
    cell.channel,
    cell.stale.length > 0 ? `stale (${cell.verdict})` : cell.verdict,
    `${cell.steps.filter(({ verdict }) => verdict === 'passed').length} of ${cell.steps.length}`,
    formatSpan(cell.steps.reduce((sum, { milliseconds }) => Math.max(sum, milliseconds), 0)),
    cell.made.slice(0, 16).replace('T', ' '),
    cell.fresh ? 'now' : '',
  ]);
  const table = formatTable(['KUBERNETES', 'VERSION', 'CHANNEL', 'VERDICT', 'STEPS', 'SLOWEST', 'MADE', ''], rows, [
    'SLOWEST',
  ]);
  const notes = cells.flatMap((cell) => {
    const upgraded = cell.previous === undefined ? '' : `, upgraded from ${cell.previous}`;
    const name = `Kubernetes ${cell.kubernetes}, ${cell.channel}${upgraded}`;
    const steps = cell.steps.filter(({ verdict }) => verdict !== 'passed');
    return [
      ...cell.stale.map((reason) => `${name}: stale: ${reason}\n`),
      ...cell.notes.map((note) => `${name}: ${note}\n`),
      ...steps.map(({ verdict, ...step }) => `${name}: ${verdict}: ${step.name}${indented(step.detail)}\n`),
    ];
  });
  return notes.length === 0 ? table : `${table}\n${notes.join('')}`;
}

function indented(detail: string | undefined): string {
  return detail === undefined ? '' : `\n  ${detail.replaceAll('\n', '\n  ')}`;
}
