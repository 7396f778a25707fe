// SPDX-License-Identifier: Apache-2.0

const VERSION = /^(?:(\d{1,9}):)?([A-Za-z0-9.+~:-]*?)(?:-([A-Za-z0-9.+~]*))?$/;

/** Says whether a text is a version by Debian policy 5.6.12 (epoch, upstream version that begins with a digit, revision). */
export function isDebianVersion(text: string): boolean {
  const match = VERSION.exec(text);
  return match !== null && /^\d/.test(match[2] ?? '') && match[3] !== '';
}

/**
 * Orders two versions as `dpkg --compare-versions` does: epoch as a number, then upstream version, then revision
 * (Debian policy 5.6.12). Gives a negative number, 0 or a positive number. A missing revision equals `0`.
 */
export function compareDebianVersions(a: string, b: string): number {
  const left = split(a);
  const right = split(b);
  return (
    left.epoch - right.epoch || comparePart(left.upstream, right.upstream) || comparePart(left.revision, right.revision)
  );
}

function split(version: string): { epoch: number; upstream: string; revision: string } {
  const colon = version.indexOf(':');
  const rest = version.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  return {
    epoch: colon === -1 ? 0 : Number(version.slice(0, colon)),
    upstream: dash === -1 ? rest : rest.slice(0, dash),
    revision: dash === -1 ? '' : rest.slice(dash + 1),
  };
}

/** Alternates between non-digit prefixes (compared by {@link rank}) and numbers (compared by value, of any length). */
function comparePart(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a, i)) || (j < b.length && !isDigit(b, j))) {
      const difference = rank(a, i) - rank(b, j);
      if (difference !== 0) return difference;
      i += 1;
      j += 1;
    }
    const [left, right] = [digitsFrom(a, i), digitsFrom(b, j)];
    i += left.length;
    j += right.length;
    const [x, y] = [left.replace(/^0+/, ''), right.replace(/^0+/, '')];
    if (x.length !== y.length) return x.length - y.length;
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

/** A tilde sorts before the end, the end before letters, letters before the rest. A digit ends a prefix like the end does. */
function rank(text: string, index: number): number {
  if (index >= text.length || isDigit(text, index)) return 0;
  const character = text.charCodeAt(index);
  if (character === 0x7e) return -1;
  return /[A-Za-z]/.test(text.charAt(index)) ? character : character + 256;
}

function isDigit(text: string, index: number): boolean {
  const character = text.charCodeAt(index);
  return character >= 0x30 && character <= 0x39;
}

function digitsFrom(text: string, from: number): string {
  let to = from;
  while (to < text.length && isDigit(text, to)) to += 1;
  return text.slice(from, to);
}
