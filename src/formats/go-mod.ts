// SPDX-License-Identifier: Apache-2.0
import { FormatError } from './error.ts';

/** A module at a version. */
export interface ModuleVersion {
  readonly path: string;
  readonly version: string;
}

/** One `require` line. */
export interface Requirement extends ModuleVersion {
  readonly indirect: boolean;
}

/** One `replace` line. Without `version` it replaces every version; the target is a module or a folder of this file system. */
export interface Replacement {
  readonly path: string;
  readonly version?: string;
  readonly target:
    | { readonly kind: 'module'; readonly module: ModuleVersion }
    | { readonly kind: 'folder'; readonly folder: string };
}

/** A go.mod file's facts. `go` and `toolchain` are as written. */
export interface GoMod {
  readonly module: string;
  readonly go?: string;
  readonly toolchain?: string;
  readonly require: readonly Requirement[];
  readonly replace: readonly Replacement[];
  readonly exclude: readonly ModuleVersion[];
  readonly retract: readonly { readonly low: string; readonly high: string }[];
}

/** One line of go.sum. `of` says whether the hash covers the module's zip or its go.mod alone. */
export interface SumLine extends ModuleVersion {
  readonly of: 'zip' | 'go.mod';
  readonly hash: string;
}

interface Line {
  readonly number: number;
  readonly words: readonly string[];
  readonly comment: string;
}

interface Draft {
  module?: string;
  go?: string;
  toolchain?: string;
  readonly require: Requirement[];
  readonly replace: Replacement[];
  readonly exclude: ModuleVersion[];
  readonly retract: { low: string; high: string }[];
}

/**
 * Reads a go.mod file (https://go.dev/ref/mod#go-mod-file-grammar). Directives it does not know (`godebug`, `tool`,
 * `ignore`, later ones) are skipped, as Go does for dependencies. Throws {@link FormatError} `GO_MOD_INVALID`, naming the line.
 */
export function parseGoMod(text: string): GoMod {
  const draft: Draft = { require: [], replace: [], exclude: [], retract: [] };
  let block: string | undefined;
  for (const line of linesOf(text)) {
    const [first = '', ...rest] = line.words;
    if (block !== undefined) {
      if (first === ')' && rest.length === 0) block = undefined;
      else readDirective(draft, block, line.words, line);
    } else if (rest.length === 1 && rest[0] === '(') block = first;
    else readDirective(draft, first, rest, line);
  }
  if (block !== undefined) throw faultAt(text.split('\n').length, `the ${block} block is not closed`);
  if (draft.module === undefined) throw faultAt(1, 'there is no module line');
  return { ...draft, module: draft.module };
}

/** Takes a go.mod's text; gives the message of its `// Deprecated:` comment (https://go.dev/ref/mod#go-mod-file-module-deprecation). */
export function deprecationOf(text: string): string | undefined {
  const [head = ''] = /^(?:[ \t]*\/\/[^\n]*\n)*[ \t]*module[ \t][^\n]*/m.exec(text) ?? [];
  return /\/\/\s*Deprecated:\s*([^\n]*)/.exec(head)?.[1]?.trim();
}

/** Reads a go.sum file: `path version[/go.mod] hash` a line (https://go.dev/ref/mod#go-sum-files). Throws {@link FormatError} `GO_MOD_INVALID`, naming the line. */
export function parseGoSum(text: string): readonly SumLine[] {
  const lines: SumLine[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const words = raw.trim().split(/\s+/);
    if (words[0] === '') continue;
    const [path, version, hash] = words;
    if (words.length !== 3 || path === undefined || version === undefined || hash === undefined) {
      throw faultAt(index + 1, 'not three words');
    }
    const ofMod = version.endsWith('/go.mod');
    lines.push({
      path,
      version: ofMod ? version.slice(0, -'/go.mod'.length) : version,
      of: ofMod ? 'go.mod' : 'zip',
      hash,
    });
  }
  return lines;
}

/** Takes a go.mod and a required module; gives what Go uses in its place: the replacement for this version, else for all, else itself. */
export function replacementOf(mod: GoMod, module: ModuleVersion): Replacement | undefined {
  const own = mod.replace.filter((replacement) => replacement.path === module.path);
  return (
    own.find((replacement) => replacement.version === module.version) ?? own.find((one) => one.version === undefined)
  );
}

function readDirective(draft: Draft, directive: string, words: readonly string[], line: Line): void {
  const one = (): string => {
    if (words.length !== 1 || words[0] === undefined) throw faultAt(line.number, `${directive} takes one word`);
    return words[0];
  };
  switch (directive) {
    case 'module':
      if (draft.module !== undefined) throw faultAt(line.number, 'a second module line');
      draft.module = one();
      return;
    case 'go':
      draft.go = one();
      return;
    case 'toolchain':
      draft.toolchain = one();
      return;
    case 'require':
      draft.require.push({ ...moduleOf(words, line), indirect: /^\/\/\s*indirect(?:;|$|\s)/.test(line.comment) });
      return;
    case 'exclude':
      draft.exclude.push(moduleOf(words, line));
      return;
    case 'replace':
      draft.replace.push(replacementFrom(words, line));
      return;
    case 'retract':
      draft.retract.push(retractionFrom(words, line));
  }
}

function moduleOf(words: readonly string[], line: Line): ModuleVersion {
  const [path, version] = words;
  if (words.length !== 2 || path === undefined || version === undefined) {
    throw faultAt(line.number, 'a module path and a version belong here');
  }
  return { path, version };
}

function replacementFrom(words: readonly string[], line: Line): Replacement {
  const arrow = words.indexOf('=>');
  const left = words.slice(0, arrow);
  const right = words.slice(arrow + 1);
  const [path, version] = left;
  const [target, targetVersion] = right;
  if (arrow < 1 || left.length > 2 || right.length > 2 || path === undefined || target === undefined) {
    throw faultAt(line.number, 'replace takes `path [version] => path-or-folder [version]`');
  }
  const from = { path, ...(version === undefined ? {} : { version }) };
  if (targetVersion !== undefined)
    return { ...from, target: { kind: 'module', module: { path: target, version: targetVersion } } };
  if (!/^(?:\.{1,2}(?:\/|$)|\/)/.test(target)) {
    throw faultAt(line.number, 'a replacement without a version must be a folder that begins with ./, ../ or /');
  }
  return { ...from, target: { kind: 'folder', folder: target } };
}

function retractionFrom(words: readonly string[], line: Line): { low: string; high: string } {
  const [, low, high] = /^\[\s*(\S+?)\s*,\s*(\S+?)\s*\]$/.exec(words.join(' ')) ?? [];
  if (low !== undefined && high !== undefined) return { low, high };
  const [only] = words;
  if (words.length !== 1 || only === undefined) throw faultAt(line.number, 'retract takes a version or [low, high]');
  return { low: only, high: only };
}

function* linesOf(text: string): Generator<Line> {
  for (const [index, raw] of text.split('\n').entries()) {
    const line = wordsOf(raw, index + 1);
    if (line.words.length > 0) yield line;
  }
}

/** Splits a line into words: bare, "interpreted" or `raw` strings, brackets; `//` begins a comment, also right after a word. */
function wordsOf(raw: string, number: number): Line {
  const words: string[] = [];
  const token = /\s*(?:\/\/(.*)|"((?:[^"\\]|\\.)*)"|`([^`]*)`|([()])|((?:(?!\/\/)[^\s"`()])+))/y;
  for (let end = 0; raw.slice(end).trim() !== ''; end = token.lastIndex) {
    token.lastIndex = end;
    const match = token.exec(raw);
    if (match === null) throw faultAt(number, 'a quote is not closed');
    const [, comment, interpreted, literal, bracket, bare] = match;
    if (comment !== undefined) return { number, words, comment: `//${comment}` };
    words.push(interpreted?.replace(/\\(.)/g, '$1') ?? literal ?? bracket ?? bare ?? '');
  }
  return { number, words, comment: '' };
}

function faultAt(line: number, message: string): FormatError {
  return new FormatError('GO_MOD_INVALID', `line ${line}: ${message}`);
}
