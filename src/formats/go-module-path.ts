// SPDX-License-Identifier: Apache-2.0

const WINDOWS_NAMES = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])$/i;
const MODULE_ELEMENT = /^[A-Za-z0-9._~-]+$/;
// https://go.dev/ref/mod#zip-path-size-constraints: ASCII letters and digits, some punctuation, space, Unicode letters.
const FILE_ELEMENT = /^[A-Za-z0-9!#$%&()+,\-.=@[\]^_{}~ \p{L}]+$/u;

/**
 * Takes a module path; gives what is wrong with it as a phrase, or undefined when it is valid
 * (https://go.dev/ref/mod#go-mod-file-ident; the first element must look like a host name).
 */
export function modulePathFault(path: string): string | undefined {
  if (path === '') return 'is empty';
  const elements = path.split('/');
  const [first = ''] = elements;
  if (!/^[a-z0-9.-]+$/.test(first) || first.startsWith('-')) return 'does not begin with a host name in lower case';
  if (!first.includes('.')) return 'has no dot in its first element';
  for (const element of elements) {
    const fault = elementFault(element);
    if (fault !== undefined) return fault;
    if (!MODULE_ELEMENT.test(element)) return 'holds a character that no module path may hold';
    if (element.startsWith('.')) return 'has an element that begins with a dot';
    if (/~[0-9]+$/.test(element.split('.', 1)[0] ?? '')) return 'has an element that ends in a tilde and digits';
  }
  return /\/v(?:0[0-9]*|1|[0-9]+\.[0-9.]*)$/.test(path) && first !== 'gopkg.in'
    ? 'ends in a major version that is not allowed there'
    : undefined;
}

/**
 * Takes a path inside a module zip, the `module@version/` prefix removed; gives what is wrong with it as a phrase, or
 * undefined when it is valid. The rules also hold the path below the folder it is extracted to.
 */
export function moduleFileFault(path: string): string | undefined {
  for (const element of path.split('/')) {
    const fault = elementFault(element);
    if (fault !== undefined) return fault;
    if (!FILE_ELEMENT.test(element)) return 'holds a character that no file of a module may hold';
  }
  return undefined;
}

/** Takes a module path or version; gives it as proxies and the module cache spell it: `!` and the lower-case letter for each upper-case one. */
export function escapeModuleText(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`);
}

/** Undoes {@link escapeModuleText}; undefined where the text is no such spelling. */
export function unescapeModuleText(text: string): string | undefined {
  if (/[A-Z]|!(?![a-z])/.test(text)) return undefined;
  return text.replace(/!([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Takes a module path; gives its major version suffix (`/v2`, `.v3` for gopkg.in), empty where it has none. */
export function majorSuffixOf(path: string): string {
  const pattern = path.startsWith('gopkg.in/') ? /\.v[0-9]+(?:-unstable)?$/ : /\/v[1-9][0-9]*$/;
  return pattern.exec(path)?.[0] ?? '';
}

function elementFault(element: string): string | undefined {
  if (element === '') return 'has an empty element';
  if (/^\.+$/.test(element)) return 'has an element of dots only';
  if (element.endsWith('.')) return 'has an element that ends in a dot';
  if (WINDOWS_NAMES.test(element.split('.', 1)[0] ?? '')) return 'has an element that is a device name on Windows';
  return undefined;
}
