// SPDX-License-Identifier: Apache-2.0
import { FormatError } from './error.ts';

/** One hunk: where it begins in the old file (the first line is 1), and its lines with their first character (` `, `-`, `+`). */
export interface Hunk {
  readonly start: number;
  readonly lines: readonly string[];
}

/** What a patch does to one file. `path` is relative, with `/`, and stays inside of the folder it is applied to. */
export interface FilePatch {
  readonly path: string;
  readonly kind: 'change' | 'create' | 'delete';
  readonly hunks: readonly Hunk[];
}

const MAX_BYTES = 4 << 20;
const NOTHING = '/dev/null';
const NO_NEWLINE = '\\ No newline at end of file';
const HUNK = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@/;

/** Lines of git that say nothing the hunks do not say; any other (renames, modes, binary content) is refused. */
const KNOWN_HEADER = /^(?:diff --git |index [0-9a-f]+\.\.[0-9a-f]+|new file mode 100644$|deleted file mode 100\d{3}$)/;

/**
 * Reads a unified diff as `diff -u` and `git diff` write it (paths below `a/` and `b/`). Strict: each hunk's numbers must be
 * right, each file comes once, and what is no plain change of text is refused. Throws {@link FormatError} `PATCH_INVALID`.
 */
export function parseUnifiedDiff(text: string): readonly FilePatch[] {
  if (Buffer.byteLength(text) > MAX_BYTES) throw invalid(1, `it is larger than ${MAX_BYTES} bytes`);
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const patches: FilePatch[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    if (!line.startsWith('--- ')) {
      if (patches.length > 0 || isGitLine(line)) assertKnown(line, at);
      at += 1; // before the first file stands the message of a mail or a commit
      continue;
    }
    const { path, kind } = readNames(line, lines[at + 1] ?? '', at);
    const { hunks, next } = readHunks(lines, at + 2);
    if (patches.some((one) => one.path === path)) throw invalid(at + 1, `${path} comes twice`);
    patches.push({ path, kind, hunks });
    at = next;
  }
  if (patches.length === 0) throw invalid(1, 'it changes no file');
  return patches;
}

/**
 * Takes a file's content (undefined where there is none) and its part of a patch; gives the content after it, undefined where
 * the file is deleted. Every line must be where the patch says it is: nothing is searched, nothing is left out. Throws
 * {@link FormatError} `PATCH_MISFIT`.
 */
export function applyFilePatch(content: string | undefined, patch: FilePatch): string | undefined {
  if (patch.kind === 'create' ? content !== undefined : content === undefined)
    throw misfit(patch, content === undefined ? 'there is no such file' : 'there is such a file already');
  const old = splitLines(content ?? '');
  const result: string[] = [];
  let at = 0;
  for (const hunk of patch.hunks) {
    const removed = hunk.lines.filter((line) => !line.startsWith('+'));
    const start = removed.length === 0 ? hunk.start : hunk.start - 1; // of an empty range, the line before it is named
    if (start < at) throw misfit(patch, `its hunk of line ${hunk.start} comes before the end of the last one`);
    if (start > old.length) throw misfit(patch, `it has no line ${hunk.start}`);
    result.push(...old.slice(at, start));
    for (const [index, line] of removed.entries()) {
      if (old[start + index] !== line.slice(1)) throw misfit(patch, `line ${start + index + 1} is another one`);
    }
    result.push(...hunk.lines.filter((line) => !line.startsWith('-')).map((line) => line.slice(1)));
    at = start + removed.length;
  }
  if (patch.kind === 'delete' && at < old.length) throw misfit(patch, 'it holds more than the patch deletes');
  return patch.kind === 'delete' ? undefined : [...result, ...old.slice(at)].join('');
}

/** Lines with their line ends, so that a last line without one is another line. */
function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function readNames(
  oldLine: string,
  newLine: string,
  at: number,
): { readonly path: string; readonly kind: FilePatch['kind'] } {
  if (!newLine.startsWith('+++ ')) throw invalid(at + 2, 'a line with +++ belongs here');
  const oldName = nameIn(oldLine);
  const newName = nameIn(newLine);
  const kind = oldName === NOTHING ? 'create' : newName === NOTHING ? 'delete' : 'change';
  const oldPath = oldName.replace(/^a\//, '');
  const newPath = newName.replace(/^b\//, '');
  if (kind === 'change' && oldPath !== newPath) throw invalid(at + 1, 'a file that is renamed');
  const path = kind === 'delete' ? oldPath : newPath;
  const isInside = /^[A-Za-z0-9_.@+~ -]+(?:\/[A-Za-z0-9_.@+~ -]+)*$/.test(path);
  if (!isInside || path.split('/').some((part) => part === '.' || part === '..' || part === '.git'))
    throw invalid(at + 1, `${JSON.stringify(path.slice(0, 200))} is no path of a file inside`);
  return { path, kind };
}

function nameIn(line: string): string {
  return (line.slice(4).split('\t', 1)[0] ?? '').trimEnd();
}

function readHunks(lines: readonly string[], from: number): { readonly hunks: readonly Hunk[]; readonly next: number } {
  const hunks: Hunk[] = [];
  let at = from;
  for (;;) {
    const [, start, oldCount = '1', , newCount = '1'] = HUNK.exec(lines[at] ?? '') ?? [];
    if (start === undefined) break;
    const { taken, next } = readHunkLines(lines, at + 1, { old: Number(oldCount), new: Number(newCount) });
    hunks.push({ start: Number(start), lines: taken });
    at = next;
  }
  if (hunks.length === 0) throw invalid(from + 1, 'a hunk belongs here');
  return { hunks, next: at };
}

function readHunkLines(
  lines: readonly string[],
  from: number,
  left: { old: number; new: number },
): { readonly taken: readonly string[]; readonly next: number } {
  const taken: string[] = [];
  let at = from;
  for (; left.old > 0 || left.new > 0 || lines[at] === NO_NEWLINE; at += 1) {
    const line = lines[at] ?? '';
    if (line === NO_NEWLINE && taken.length > 0) {
      taken.push((taken.pop() ?? '').replace(/\n$/, ''));
      continue;
    }
    const sign = line[0];
    if (sign !== ' ' && sign !== '-' && sign !== '+') throw invalid(at + 1, 'the hunk is shorter than it says');
    if (sign !== '+') left.old -= 1;
    if (sign !== '-') left.new -= 1;
    if (left.old < 0 || left.new < 0) throw invalid(at + 1, 'the hunk is longer than it says');
    taken.push(`${line}\n`);
  }
  return { taken, next: at };
}

function isGitLine(line: string): boolean {
  return /^(?:rename |copy |similarity |GIT binary|Binary files|old mode|new mode)/.test(line);
}

function assertKnown(line: string, at: number): void {
  const isMailEnd = line === '-- ' || /^\d+\.\d+(?:\.\d+)*$/.test(line) || line.trim() === '';
  if (!isMailEnd && !KNOWN_HEADER.test(line))
    throw invalid(at + 1, `${JSON.stringify(line.slice(0, 80))} is nothing that is applied`);
}

function invalid(line: number, message: string): FormatError {
  return new FormatError('PATCH_INVALID', `line ${line}: ${message}`);
}

function misfit({ path }: FilePatch, why: string): FormatError {
  return new FormatError('PATCH_MISFIT', `the patch does not fit ${path}: ${why}`);
}
