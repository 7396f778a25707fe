// SPDX-License-Identifier: Apache-2.0

/** Says whether a text is a line or minor, `2.9` or `1.33`. */
export function isMinor(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})\.(?:0|[1-9]\d{0,4})$/.test(text);
}

/** Orders minors as numbers: `1.9` before `1.10`. */
export function compareMinors(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA - majorB || minorA - minorB;
}

/** Gives the line or minor of a version: `2.9` of `2.9.2`, `v2.9.2` or `2.9.2-r0`; undefined where a text is none. */
export function minorOf(version: string): string | undefined {
  const [, minor] = /^v?((?:0|[1-9]\d{0,4})\.(?:0|[1-9]\d{0,4}))(?:\.|-|\+|$)/.exec(version) ?? [];
  return minor;
}

/** Gives the minor that comes some steps after another, within its major: `2.12` is three after `2.9`. */
export function minorAfter(minor: string, steps: number): string {
  const [major = 0, number = 0] = minor.split('.').map(Number);
  return `${major}.${number + steps}`;
}
