// SPDX-License-Identifier: Apache-2.0
import { FormatError } from './error.ts';
import { type GoMod, type ModuleVersion, parseGoMod, type Requirement } from './go-mod.ts';

/** What to change in a go.mod: versions of modules that it requires, new requirements, and the version of Go it asks for. */
export interface GoModEdit {
  readonly require: readonly Requirement[];
  readonly go?: string;
  /** Modules whose replacements go. */
  readonly dropReplace?: readonly string[];
  /** Modules that are no longer required. */
  readonly dropRequire?: readonly string[];
}

/** A require line: what comes before the version, the version, and what comes after it (a comment). */
const REQUIRE_LINE = /^(\s*(?:require\s+)?)(\S+)(\s+)(v\S+)(\s*(?:\/\/.*)?)$/;

/**
 * Edits a go.mod's text as `go mod edit` does, and leaves order and comments as they are: a required module gets the version,
 * a new one goes, sorted, into the last block of indirect or of direct requirements. The result is read again: throws
 * {@link FormatError} `GO_MOD_INVALID` unless it says exactly what was asked for (a module named twice, a quoted path).
 */
export function editGoMod(text: string, edit: GoModEdit): string {
  const before = parseGoMod(text);
  const wanted = new Map(edit.require.map((one) => [one.path, one]));
  const known = new Set(before.require.map((one) => one.path));
  const lines = text.split('\n');
  const dropped = new Set(edit.dropReplace);
  const kept = mapLinesOf('replace', lines, (line) => (dropped.has(moduleIn('replace', line)) ? undefined : line));
  const gone = new Set(edit.dropRequire);
  const changed = mapLinesOf('require', kept, (line) =>
    gone.has(moduleIn('require', line)) ? undefined : withVersion(line, wanted),
  );
  const added = edit.require.filter((one) => !known.has(one.path)).toSorted(byPath);
  const withAdded = added.reduce(insertRequirement, changed);
  const result = (edit.go === undefined ? withAdded : withGo(withAdded, edit.go)).join('\n');
  assertAsAsked(result, edit, before);
  return result;
}

/** Takes go.sum's text and lines to add; gives it with each of them once, all lines sorted as bytes, as Go writes it. */
export function mergeGoSum(text: string, added: readonly string[]): string {
  const lines = new Set([...text.split('\n'), ...added].map((line) => line.trim()).filter((line) => line !== ''));
  return [...lines]
    .toSorted()
    .map((line) => `${line}\n`)
    .join('');
}

/** Changes the lines of one directive, in its blocks and alone; `undefined` takes a line away. */
function mapLinesOf(
  directive: 'require' | 'replace',
  lines: readonly string[],
  change: (line: string) => string | undefined,
): string[] {
  let block = '';
  return lines.flatMap((line) => {
    const words = line.trim();
    if (block === '') {
      block = /^(\w+)\s*\(\s*(?:\/\/.*)?$/.exec(words)?.[1] ?? '';
      const alone = words.startsWith(directive) && /^\w+\s+[^(\s]/.test(words);
      return alone ? (change(line) ?? []) : line;
    }
    if (words.startsWith(')')) block = '';
    return block === directive ? (change(line) ?? []) : line;
  });
}

/** The module that a line of a directive is about. */
function moduleIn(directive: 'require' | 'replace', line: string): string {
  const words = line.trim().split(/\s+/);
  return (words[0] === directive ? words[1] : words[0]) ?? '';
}

function withVersion(line: string, wanted: ReadonlyMap<string, ModuleVersion>): string {
  const [, head, path, space, , tail] = REQUIRE_LINE.exec(line) ?? [];
  const target = path === undefined ? undefined : wanted.get(path);
  return target === undefined ? line : `${head}${path}${space}${target.version}${tail}`;
}

/** Puts a line into the last require block of its kind, before the first path that is greater; else into a block of its own. */
function insertRequirement(lines: string[], one: Requirement): string[] {
  const line = `\t${one.path} ${one.version}${one.indirect ? ' // indirect' : ''}`;
  const block = requireBlocks(lines).findLast(
    ({ start, end }) => lines.slice(start + 1, end).some((text) => /\/\/\s*indirect/.test(text)) === one.indirect,
  );
  if (block === undefined) return [...withoutLastBlank(lines), '', 'require (', line, ')', ''];
  const inside = lines.slice(block.start + 1, block.end);
  const later = inside.findIndex((text) => (REQUIRE_LINE.exec(text)?.[2] ?? '') > one.path);
  return lines.toSpliced(later === -1 ? block.end : block.start + 1 + later, 0, line);
}

function requireBlocks(lines: readonly string[]): readonly { readonly start: number; readonly end: number }[] {
  return lines.flatMap((line, start) => {
    if (!/^require\s*\(/.test(line.trim())) return [];
    const end = lines.findIndex((text, index) => index > start && text.trim().startsWith(')'));
    return end === -1 ? [] : [{ start, end }];
  });
}

function withGo(lines: readonly string[], go: string): string[] {
  return lines.map((line) => line.replace(/^go\s+\S+/, `go ${go}`));
}

function withoutLastBlank(lines: readonly string[]): readonly string[] {
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

function assertAsAsked(text: string, edit: GoModEdit, before: GoMod): void {
  const after = parseGoMod(text);
  const required = before.require.filter(({ path }) => edit.dropRequire?.includes(path) !== true);
  const expected = new Map([...required, ...edit.require].map((one) => [one.path, one.version]));
  const replaced = before.replace.filter(({ path }) => edit.dropReplace?.includes(path) !== true);
  const wrong =
    after.require.find((one) => expected.get(one.path) !== one.version) ??
    after.replace.find(({ path }, index) => replaced[index]?.path !== path);
  const isWhole = new Set(after.require.map((one) => one.path)).size === expected.size;
  if (
    wrong !== undefined ||
    !isWhole ||
    after.replace.length !== replaced.length ||
    (edit.go !== undefined && after.go !== edit.go)
  ) {
    const what = wrong === undefined ? 'a line' : `the line of ${wrong.path}`;
    throw new FormatError('GO_MOD_INVALID', `${what} is written in a way that can't be edited`);
  }
}

function byPath(a: ModuleVersion, b: ModuleVersion): number {
  return a.path < b.path ? -1 : 1;
}
