// SPDX-License-Identifier: Apache-2.0
// Makes docs/release.svg: runs a command on a real pseudo-terminal and draws what is on the screen at its end.
//   node scripts/record.ts [-- COMMAND...]        (default: ./oakum release 2.9.2)
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import xterm from '@xterm/headless';

const COLUMNS = 180;
const ROWS = 60;
const CELL = { width: 7.2, height: 16 };
const COLOURS: Readonly<Record<number, string>> = { 1: '#f14c4c', 2: '#23d18b', 3: '#f5f543' };

const root = resolve(import.meta.dirname, '..');
const given = process.argv.slice(2).filter((word) => word !== '--');
const command = given.length > 0 ? given.join(' ') : './oakum release 2.9.2';

const terminal = new xterm.Terminal({ cols: COLUMNS, rows: ROWS, allowProposedApi: true });
terminal.write(`\x1b[1m$ ${command}\x1b[0m\r\n`);
const { CI: _, ...env } = process.env;
const child = spawn('script', ['-qec', `stty cols ${COLUMNS} rows ${ROWS}; ${command}`, '/dev/null'], {
  cwd: root,
  env: { ...env, TERM: 'xterm-256color', FORCE_COLOR: '1' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
for await (const chunk of child.stdout) await new Promise<void>((done) => terminal.write(chunk as Buffer, done));
await writeFile(join(root, 'docs/release.svg'), draw());

function draw(): string {
  const buffer = terminal.buffer.active;
  const last = buffer.baseY + buffer.cursorY;
  const lines = Array.from({ length: last + 1 }, (_unused, row) => drawLine(row));
  const [width, height] = [COLUMNS * CELL.width + 24, lines.length * CELL.height + 24];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(command)}">
<rect width="100%" height="100%" rx="8" fill="#1e1e1e"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="12" fill="#d4d4d4" xml:space="preserve">
${lines.join('\n')}
</g>
</svg>
`;
}

function drawLine(row: number): string {
  const line = terminal.buffer.active.getLine(row);
  const spans: { text: string; style: string }[] = [];
  for (let column = 0; column < (line?.length ?? 0); column += 1) {
    const cell = line?.getCell(column);
    if (cell === undefined || cell.getWidth() === 0) continue;
    const colour = cell.isFgPalette() ? COLOURS[cell.getFgColor() % 8] : undefined;
    const style = `${colour === undefined ? '' : ` fill="${colour}"`}${cell.isBold() ? ' font-weight="bold"' : ''}${cell.isDim() ? ' opacity="0.6"' : ''}`;
    const before = spans.at(-1);
    const text = cell.getChars() || ' ';
    if (before?.style === style) before.text += text;
    else spans.push({ text, style });
  }
  const tail = spans.at(-1);
  if (tail !== undefined) tail.text = tail.text.trimEnd();
  const drawn = spans.map(({ text, style }) => `<tspan${style}>${escape(text)}</tspan>`).join('');
  return `<text x="12" y="${(row + 1) * CELL.height + 6}">${drawn}</text>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
