// SPDX-License-Identifier: Apache-2.0
import { messageOf } from '#core';
import { parseDeb822 } from '#formats';
import { BaseError } from './error.ts';

/** One enabled source of binary packages that apt is configured with, whichever format it was written in. */
export interface AptSource {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** The file and line it stands at. */
  readonly where: string;
}

/** A configuration file's path, used for its ending and in messages, and its text. */
export interface AptSourceFile {
  readonly name: string;
  readonly text: string;
}

/** Where the two parts of the Debian archive may be had: base URIs without trailing slash, best first. */
export interface Mirrors {
  readonly main: readonly string[];
  readonly security: readonly string[];
}

/**
 * Reads apt's configuration, `sources.list` and `sources.list.d/*.{list,sources}`, by sources.list(5): the one-line
 * format, or deb822 where the name ends in `.sources`. Gives enabled `deb` sources in order. Throws
 * `BASE_SOURCES_INVALID` with file and line where apt itself would refuse.
 */
export function parseAptSources(files: readonly AptSourceFile[]): readonly AptSource[] {
  return files.flatMap((file) => (file.name.endsWith('.sources') ? parseStanzas(file) : parseLines(file)));
}

/**
 * Takes apt's sources; gives candidate mirrors. Sources of Debian's own suites (by their names) count for any release,
 * since one mirror serves them all: a machine on Debian 12 tells where Debian 13 lies. Where no security source is
 * configured, `debian-security` beside the main archive is a last candidate. Only http and https addresses count.
 */
export function mirrorsOf(sources: readonly AptSource[]): Mirrors {
  const urisOf = (pattern: RegExp) =>
    sources
      .filter(({ suites, components }) => components.includes('main') && suites.some((suite) => pattern.test(suite)))
      .flatMap((source) => source.uris)
      .filter((uri) => /^https?:\/\//.test(uri));
  const main = urisOf(MAIN_SUITE);
  const beside = main.filter((uri) => uri.endsWith('/debian')).map((uri) => `${uri}-security`);
  return { main: [...new Set(main)], security: [...new Set([...urisOf(SECURITY_SUITE), ...beside])] };
}

const RELEASES = 'oldoldstable|oldstable|stable|testing|unstable|sid|bullseye|bookworm|trixie|forky|duke';
const MAIN_SUITE = new RegExp(`^(?:${RELEASES})(?:-updates|-backports|-proposed-updates)?$`);
const SECURITY_SUITE = new RegExp(`^(?:${RELEASES})-security$`);

/** `deb [ option=value ... ] uri suite [component ...]`, one a line. */
function parseLines(file: AptSourceFile): AptSource[] {
  return file.text.split('\n').flatMap((raw, index) => {
    const line = raw.replace(/#.*/, '').trim();
    if (line === '') return [];
    const where = `${file.name}:${index + 1}`;
    const match = /^(deb|deb-src)\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)(?:\s+(.*))?$/.exec(line);
    if (match === null) throw invalid('a line is not "deb [options] uri suite components"', where);
    const [, type, uri, suite, components] = match as unknown as [string, string, string, string, string?];
    return type === 'deb' ? [source([uri], [suite], words(components), where)] : [];
  });
}

function parseStanzas(file: AptSourceFile): AptSource[] {
  let stanzas: ReturnType<typeof parseDeb822>;
  try {
    stanzas = parseDeb822(file.text, file.name);
  } catch (error) {
    throw invalid(messageOf(error), file.name, error);
  }
  return stanzas.flatMap((stanza) => {
    if (/^(?:no|false|without|off|disable)$/i.test(stanza.get('enabled') ?? 'yes')) return [];
    if (!words(stanza.get('types')).includes('deb')) return [];
    const uris = words(stanza.get('uris'));
    const suites = words(stanza.get('suites'));
    if (uris.length === 0 || suites.length === 0) throw invalid('a stanza lacks URIs or Suites', file.name);
    return [source(uris, suites, words(stanza.get('components')), file.name)];
  });
}

function source(uris: readonly string[], suites: readonly string[], components: readonly string[], where: string) {
  return { uris: uris.map((uri) => uri.replace(/\/+$/, '')), suites, components, where };
}

function words(text: string | undefined): readonly string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}

function invalid(what: string, where: string, cause?: unknown): BaseError {
  return new BaseError('BASE_SOURCES_INVALID', `apt's configuration can't be read: ${what}`, {
    where,
    hint: 'Repair the file (`apt-get update` names the same fault), or name the mirrors in the definition.',
    cause,
  });
}
