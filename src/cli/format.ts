// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';

/** Gives a size in bytes for people: `34.7 MB` (decimal, as registries count). */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return power === 0 ? `${bytes} B` : `${(bytes / 1000 ** power).toFixed(1)} ${units[power]}`;
}

/** Gives a span in milliseconds for people: `0.4 s`, `12 s`, `4 min 36 s`. */
export function formatSpan(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Takes a header and rows; gives an aligned table, two spaces between columns. Columns named in `right` are right-aligned. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly string[] = [],
): string {
  const widths = header.map((name, column) =>
    Math.max(...[header, ...rows].map((row) => columnsOf(row[column] ?? name))),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const space = ' '.repeat((widths[column] ?? 0) - columnsOf(cell));
        return right.includes(header[column] ?? '') ? space + cell : cell + space;
      })
      .join('  ')
      .trimEnd();
  return `${[header, ...rows].map(line).join('\n')}\n`;
}

/** The columns of a terminal that a text takes. What is not plain ASCII is rare, and what measures it takes longer to load than most commands run. */
function columnsOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  const { default: stringWidth } = createRequire(import.meta.url)('string-width') as typeof import('string-width');
  return stringWidth(text);
}

/**
 * Takes text that quotes strangers (a compiler, a registry, labels of an image); gives it without what could steer a
 * terminal: control characters but line breaks and tabs, and characters that turn the direction of writing.
 */
export function plainText(text: string): string {
  return text.replace(/(?![\n\t])[\p{Cc}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, '\uFFFD');
}
