// SPDX-License-Identifier: Apache-2.0
import { FormatError } from './error.ts';

/**
 * One stanza of a Debian control file. Field names are lower case, since they do not differ by case (Debian policy 5.1);
 * a continued value keeps its line breaks, each line without its one leading space.
 */
export type Deb822Stanza = ReadonlyMap<string, string>;

const FIELD = /^([!-9;-~]+):[ \t]*(.*)$/;

/** Takes the text of a control file; gives its stanzas. Comment lines (`#`) are dropped. Throws `DEB822_INVALID`. */
export function parseDeb822(text: string, where: string): readonly Deb822Stanza[] {
  const stanzas: Map<string, string>[] = [];
  let stanza: Map<string, string> | undefined;
  let field: string | undefined;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line.startsWith('#')) continue;
    if (line.trim() === '') {
      stanza = undefined;
      field = undefined;
      continue;
    }
    if (/^[ \t]/.test(line)) {
      if (stanza === undefined || field === undefined)
        throw invalid('a continuation line without a field', where, index);
      stanza.set(field, `${stanza.get(field)}\n${line.slice(1).trimEnd()}`);
      continue;
    }
    const [, name, value] = FIELD.exec(line) ?? [];
    if (name === undefined || value === undefined) throw invalid('a line that is not "Field: value"', where, index);
    if (stanza === undefined) stanzas.push((stanza = new Map()));
    field = name.toLowerCase();
    if (stanza.has(field)) throw invalid(`the field ${name} twice in one stanza`, where, index);
    stanza.set(field, value.trimEnd());
  }
  return stanzas;
}

/**
 * Streams a large index and gives only the stanzas of the packages named, as their texts, in file order.
 * Looks at the `Package` field alone, so that 50 MB cost a fraction of a second; a stanza over `maxStanzaBytes`
 * (1 MiB by default) throws `DEB822_INVALID`.
 */
export async function* selectStanzas(
  bytes: AsyncIterable<Uint8Array>,
  options: { readonly packages: ReadonlySet<string>; readonly where: string; readonly maxStanzaBytes?: number },
): AsyncGenerator<string, void, undefined> {
  const most = options.maxStanzaBytes ?? 1 << 20;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    const buffer =
      rest.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length) : Buffer.concat([rest, chunk]);
    let start = 0;
    for (;;) {
      const end = buffer.indexOf('\n\n', start, 'latin1');
      if (end === -1) break;
      if (isWanted(buffer, start, end, options.packages)) yield buffer.toString('utf8', start, end + 1);
      start = end + 2;
    }
    rest = buffer.subarray(start);
    if (rest.length > most) {
      throw new FormatError('DEB822_INVALID', `a stanza is longer than ${most} bytes`, { where: options.where });
    }
  }
  if (isWanted(rest, 0, rest.length, options.packages)) yield rest.toString('utf8');
}

const PACKAGE = Buffer.from('Package: ');

function isWanted(buffer: Buffer, start: number, end: number, packages: ReadonlySet<string>): boolean {
  let from = start;
  while (buffer[from] === 0x0a) from += 1; // more than one empty line between stanzas
  const leads = buffer.subarray(from, from + PACKAGE.length).equals(PACKAGE);
  if (!leads) {
    const [, name] = /^package:[ \t]*(\S+)/im.exec(buffer.toString('utf8', from, end)) ?? [];
    return name !== undefined && packages.has(name);
  }
  const lineEnd = buffer.indexOf(0x0a, from);
  return packages.has(
    buffer.toString('latin1', from + PACKAGE.length, lineEnd === -1 ? end : Math.min(lineEnd, end)).trim(),
  );
}

function invalid(what: string, where: string, index: number): FormatError {
  return new FormatError('DEB822_INVALID', `a control file has ${what}`, { where: `${where}:${index + 1}` });
}
