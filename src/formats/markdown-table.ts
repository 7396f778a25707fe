// SPDX-License-Identifier: Apache-2.0
import { markdownText } from './markdown-text.ts';

/** Gives a table of GitHub Flavored Markdown (https://github.github.com/gfm/#tables-extension-). Its cells are Markdown already. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, header.map(() => '---'), ...rows];
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

/** Gives a name as a code span, or as plain text where it has signs that no name of an image, version or digest has. */
export function markdownCode(name: string): string {
  return /^[A-Za-z0-9._/:@+-]+$/.test(name) ? `\`${name}\`` : markdownText(name);
}
