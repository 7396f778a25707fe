// SPDX-License-Identifier: Apache-2.0
import { type ReadAt, readElf } from './elf.ts';

/** A module as a Go binary names it; `hash` is the h1 of its zip, absent for the main module. */
export interface BuiltModule {
  readonly path: string;
  readonly version: string;
  readonly hash: string | undefined;
  /** What stands in for it, where go.mod replaces it. */
  readonly replacedBy: Omit<BuiltModule, 'replacedBy'> | undefined;
}

/** What the Go linker wrote into a binary (package debug/buildinfo): what `go version -m` prints. */
export interface GoBuildInfo {
  /** The compiler's release alone, `go1.27.3`; what experiments it ran with is in the settings (GOEXPERIMENT). */
  readonly goVersion: string;
  /** The import path of the main package. */
  readonly path: string;
  readonly main: BuiltModule | undefined;
  readonly dependencies: readonly BuiltModule[];
  readonly settings: ReadonlyMap<string, string>;
}

const MAGIC = Buffer.from('\xff Go buildinf:', 'latin1');
/** What runtime.Version adds where experiments differ from the default: ` X:boringcrypto`, `-X:nojsonv2`. */
const EXPERIMENTS = /[ -]X:/;
const INLINE_STRINGS = 2;
const SENTINEL = 16;
const MAX_BYTES = 16 << 20;

/**
 * Reads the build information of a Go program (ELF, Go 1.18 and later, whose strings stand inline after the 32-byte
 * header of section .go.buildinfo). Gives undefined where there is none.
 */
export async function readGoBuildInfo(readAt: ReadAt): Promise<GoBuildInfo | undefined> {
  const elf = await readElf(readAt);
  const section = elf?.sections.find((one) => one.name === '.go.buildinfo');
  if (section === undefined) return undefined;
  const bytes = await readAt(section.offset, Math.min(section.size, MAX_BYTES));
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC) || ((bytes[15] ?? 0) & INLINE_STRINGS) === 0) return undefined;
  const version = readString(bytes, 32);
  const modules = version && readString(bytes, version.end);
  if (version === undefined || modules === undefined) return undefined;
  return {
    goVersion: version.text.split(EXPERIMENTS)[0] ?? '',
    ...parseModuleInfo(modules.text.slice(SENTINEL, -SENTINEL)),
  };
}

/** A string as Go writes it here: an unsigned varint of its length, then its bytes. */
function readString(bytes: Buffer, from: number): { text: string; end: number } | undefined {
  let length = 0;
  let at = from;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at];
    if (byte === undefined || shift > 28) return undefined;
    length += (byte & 0x7f) * 2 ** shift;
    at += 1;
    if (byte < 0x80) break;
  }
  if (at + length > bytes.length) return undefined;
  return { text: bytes.toString('latin1', at, at + length), end: at + length };
}

/** The text form of runtime/debug.BuildInfo: one tab-separated row a line. */
function parseModuleInfo(text: string): Omit<GoBuildInfo, 'goVersion'> {
  let path = '';
  let main: BuiltModule | undefined;
  const dependencies: BuiltModule[] = [];
  const settings = new Map<string, string>();
  for (const line of Buffer.from(text, 'latin1').toString('utf8').split('\n')) {
    const [kind, ...fields] = line.split('\t');
    if (kind === 'path') path = fields[0] ?? '';
    else if (kind === 'mod') main = toModule(fields);
    else if (kind === 'dep') dependencies.push(toModule(fields));
    else if (kind === '=>') {
      const replaced = dependencies.pop();
      if (replaced !== undefined) dependencies.push({ ...replaced, replacedBy: toModule(fields) });
    } else if (kind === 'build') {
      const [name, value] = splitOnce(fields.join('\t'));
      settings.set(name, value);
    }
  }
  return { path, main, dependencies, settings };
}

function toModule([path = '', version = '', hash]: readonly string[]): BuiltModule {
  return { path, version, hash: hash === undefined || hash === '' ? undefined : hash, replacedBy: undefined };
}

/** `key=value`, where either may be a Go-quoted string when it holds special characters. */
function splitOnce(text: string): [string, string] {
  const quoted = /^("(?:[^"\\]|\\.)*"|[^=]*)=(.*)$/s.exec(text);
  if (quoted === null) return [text, ''];
  return [unquote(quoted[1] ?? ''), unquote(quoted[2] ?? '')];
}

function unquote(text: string): string {
  if (!/^".*"$/s.test(text)) return /^`.*`$/s.test(text) ? text.slice(1, -1) : text;
  try {
    return JSON.parse(text) as string;
  } catch {
    return text.slice(1, -1);
  }
}
