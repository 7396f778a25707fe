// SPDX-License-Identifier: Apache-2.0
import { styleText } from 'node:util';
import type { Report, ReportEvent } from '#core';
import { formatBytes, formatSpan, plainText } from './format.ts';

/** How progress is shown: repainted lines on a terminal, a line an event, JSON lines, or warnings alone. */
export type ProgressStyle = 'live' | 'plain' | 'json' | 'quiet';

/** A report that ends: `close` takes the live lines away. */
export interface Progress {
  readonly report: Report;
  close(): void;
}

/** The part of a stream that progress needs. */
export interface TextStream {
  write(text: string): unknown;
}

/** Gives progress in a style, written to `stream` (stderr: stdout is for results). */
export async function openProgress(style: ProgressStyle, stream: NodeJS.WriteStream): Promise<Progress> {
  if (style === 'live') return openLive(stream);
  const write = style === 'json' ? writeJson : style === 'plain' ? writePlain : writeWarning;
  return { report: (event) => write(event, stream), close: () => {} };
}

function writeJson(event: ReportEvent, stream: TextStream): void {
  if (event.kind !== 'step-progress') stream.write(`${JSON.stringify(event)}\n`);
}

function writeWarning(event: ReportEvent, stream: TextStream): void {
  if (event.kind === 'warning') stream.write(plainText(`warning: ${event.message}\n`));
}

/** One line an event, for logs: no progress within a step, nothing for what came from the cache at once. */
export function writePlain(event: ReportEvent, stream: TextStream): void {
  const line = lineOf(event);
  if (line !== undefined) stream.write(`${line}\n`);
}

function lineOf(event: ReportEvent): string | undefined {
  switch (event.kind) {
    case 'step-progress':
      return undefined;
    case 'step-started':
      return `${event.subject}: ${event.step} ...`;
    case 'step-finished': {
      const size = event.bytes === undefined ? '' : `, ${formatBytes(event.bytes)}`;
      return `${event.subject}: ${event.step} ${event.cached ? 'cached' : `done in ${formatSpan(event.milliseconds)}`}${size}`;
    }
    case 'step-failed':
      return plainText(`${event.subject}: ${event.step} failed: ${firstLine(event.message)}`);
    default:
      return plainText(`${event.kind}: ${event.message}`);
  }
}

interface Running {
  readonly subject: string;
  readonly step: string;
  readonly since: number;
  bytes: number;
  totalBytes: number | undefined;
}

/** Running steps are repainted ten times a second below the finished ones, which stay. */
async function openLive(stream: NodeJS.WriteStream): Promise<Progress> {
  const { createLogUpdate } = await import('log-update');
  const paint = createLogUpdate(stream, { showCursor: true });
  const running = new Map<string, Running>();
  const start = performance.now();
  const draw = () => {
    if (running.size === 0) return paint.clear();
    const rows = [...running.values()].map(liveRow);
    paint([...rows, styleText('dim', `  ${formatSpan(performance.now() - start)} elapsed`, { stream })].join('\n'));
  };
  const timer = setInterval(draw, 100);
  return {
    report: (event) => {
      if (event.kind === 'step-started')
        running.set(keyOf(event), { ...event, since: performance.now(), bytes: 0, totalBytes: undefined });
      else if (event.kind === 'step-progress') {
        const row = running.get(keyOf(event));
        if (row !== undefined) Object.assign(row, { bytes: event.bytes, totalBytes: event.totalBytes });
      } else {
        if ('step' in event) running.delete(keyOf(event));
        if (event.kind === 'step-finished' && event.cached) return;
        paint.clear();
        stream.write(`${liveLine(event, stream)}\n`);
      }
    },
    close: () => {
      clearInterval(timer);
      paint.clear();
      paint.done();
    },
  };
}

function keyOf(event: { readonly subject: string; readonly step: string }): string {
  return `${event.subject}\n${event.step}`;
}

function liveRow(row: Running): string {
  const amount =
    row.bytes === 0
      ? ''
      : `  ${formatBytes(row.bytes)}${row.totalBytes === undefined ? '' : ` of ${formatBytes(row.totalBytes)}`}`;
  return `  ${row.subject.padEnd(28)} ${row.step.padEnd(18)} ${formatSpan(performance.now() - row.since)}${amount}`;
}

function liveLine(event: ReportEvent, stream: NodeJS.WriteStream): string {
  if (event.kind === 'step-finished') {
    const size = event.bytes === undefined ? '' : `  ${formatBytes(event.bytes)}`;
    return `${styleText('green', '✓', { stream })} ${event.subject.padEnd(28)} ${event.step.padEnd(18)} ${formatSpan(event.milliseconds)}${size}`;
  }
  if (event.kind === 'step-failed')
    return `${styleText('red', '✗', { stream })} ${event.subject.padEnd(28)} ${event.step}`;
  return styleText(event.kind === 'warning' ? 'yellow' : 'dim', lineOf(event) ?? '', { stream });
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
