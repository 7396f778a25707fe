// SPDX-License-Identifier: Apache-2.0
import { FormatError } from './error.ts';

/** A package URL in its parts, none of them percent-encoded (purl-spec, "Rules for each PURL component"). Absent parts are undefined. */
export interface Purl {
  readonly type: string;
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly version?: string | undefined;
  readonly qualifiers?: Readonly<Record<string, string>> | undefined;
  readonly subpath?: string | undefined;
}

/** What a type's definition says of its parts; only types that Oakum writes or that lower their names are listed. */
interface TypeRule {
  readonly lower: readonly ('namespace' | 'name')[];
  readonly namespace?: 'prohibited';
}

const BOTH = ['namespace', 'name'] as const;

const RULES: Readonly<Record<string, TypeRule>> = {
  apk: { lower: BOTH },
  bitbucket: { lower: BOTH },
  deb: { lower: BOTH },
  github: { lower: BOTH },
  golang: { lower: BOTH },
  oci: { lower: ['name'], namespace: 'prohibited' },
  rpm: { lower: ['namespace'] },
};

const TYPE = /^[a-z][a-z0-9.-]*$/;
const QUALIFIER = /^[a-z][a-z0-9._-]*$/;

/** Takes a package URL's parts; gives its one canonical text. Throws `PURL_INVALID`. */
export function formatPurl(purl: Purl): string {
  const { type, namespace, name, version, qualifiers, subpath } = canonical(purl);
  const query = Object.entries(qualifiers ?? {}).map(([key, value]) => `${key}=${encode(value)}`);
  return [
    `pkg:${type}/`,
    namespace === undefined ? '' : `${encodeSegments(namespace)}/`,
    encode(name),
    version === undefined ? '' : `@${encode(version)}`,
    query.length === 0 ? '' : `?${query.join('&')}`,
    subpath === undefined ? '' : `#${encodeSegments(subpath)}`,
  ].join('');
}

/** Takes a package URL's text; gives its parts in canonical form (purl-spec, "How to parse a PURL string"). Throws `PURL_INVALID`. */
export function parsePurl(text: string): Purl {
  const [beforeSubpath, subpath] = splitLast(text, '#');
  const [beforeQuery, query] = splitLast(beforeSubpath, '?');
  const [scheme, rest] = splitFirst(beforeQuery, ':');
  if (scheme.toLowerCase() !== 'pkg' || rest === undefined) throw invalid(text, 'it does not begin with pkg:');
  const [type, path] = splitFirst(rest.replace(/^\/+/, ''), '/');
  if (path === undefined) throw invalid(text, 'it has no type');
  const slash = path.replace(/\/+$/, '').lastIndexOf('/');
  const [last, version] = splitLast(path.slice(slash + 1).replace(/\/+$/, ''), '@');
  return canonical({
    type,
    namespace: decodeSegments(path.slice(0, Math.max(slash, 0)), text),
    name: decode(last, text),
    version: version === undefined ? undefined : decode(version, text),
    qualifiers: query === undefined ? undefined : parseQualifiers(query, text),
    subpath: subpath === undefined ? undefined : decodeSegments(subpath, text),
  });
}

function canonical(purl: Purl): Purl {
  const shown = () => JSON.stringify(purl.name ?? '');
  const type = purl.type?.toLowerCase() ?? '';
  if (!TYPE.test(type)) throw invalid(shown(), `${JSON.stringify(purl.type)} is no type`);
  const rule = RULES[type];
  const lowered = (part: 'namespace' | 'name', text: string) =>
    rule?.lower.includes(part) === true ? text.toLowerCase() : text;
  const name = lowered('name', purl.name ?? '');
  if (name === '') throw invalid(shown(), 'it has no name');
  const namespace = segmentsOf(lowered('namespace', purl.namespace ?? ''));
  if (namespace !== undefined && rule?.namespace === 'prohibited') throw invalid(shown(), `${type} has no namespace`);
  return {
    type,
    namespace,
    name,
    version: purl.version === '' || purl.version == null ? undefined : purl.version,
    qualifiers: purl.qualifiers === undefined ? undefined : canonicalQualifiers(purl.qualifiers, shown),
    subpath: segmentsOf(purl.subpath ?? '', ['.', '..']),
  };
}

/** Keys are lower case and sorted, empty values left out. */
function canonicalQualifiers(qualifiers: Record<string, string>, shown: () => string): Purl['qualifiers'] {
  const entries = Object.entries(qualifiers)
    .filter(([, value]) => value !== '')
    .map(([key, value]): [string, string] => [key.toLowerCase(), value])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const bad = entries.find(([key], index) => !QUALIFIER.test(key) || entries[index + 1]?.[0] === key);
  if (bad !== undefined) throw invalid(shown(), `${JSON.stringify(bad[0])} is no qualifier, or comes twice`);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function parseQualifiers(query: string, text: string): Record<string, string> {
  const entries = query.split('&').flatMap((pair): [string, string][] => {
    if (pair === '') return [];
    const [key, value] = splitFirst(pair, '=');
    return [[key, decode(value ?? '', text)]];
  });
  return Object.fromEntries(entries);
}

function segmentsOf(text: string, dropped: readonly string[] = []): string | undefined {
  const segments = text.split('/').filter((segment) => segment !== '' && !dropped.includes(segment));
  return segments.length === 0 ? undefined : segments.join('/');
}

/** Everything but letters, digits, `-._~` and `:` is encoded (purl-spec, "Character encoding"). */
function encode(text: string): string {
  if (/^[\w.~:-]*$/.test(text)) return text; // most are
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%3A', ':');
}

function encodeSegments(text: string): string {
  return text.split('/').map(encode).join('/');
}

function decode(text: string, whole: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw invalid(whole, 'its percent-encoding is broken', error);
  }
}

function decodeSegments(text: string, whole: string): string {
  return text
    .split('/')
    .map((segment) => decode(segment, whole))
    .join('/');
}

function splitFirst(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function splitLast(text: string, mark: string): [string, string | undefined] {
  const at = text.lastIndexOf(mark);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function invalid(text: string, reason: string, cause?: unknown): FormatError {
  const where = text.length > 200 ? `${text.slice(0, 200)}...` : text;
  return new FormatError('PURL_INVALID', `this is no package URL: ${reason}`, { where, cause });
}
