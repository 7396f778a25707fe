// SPDX-License-Identifier: Apache-2.0
import type { CallFrame, FindingReachability } from './types.ts';

/** Gives a frame's function with its package: `golang.org/x/text/unicode/norm.Form.QuickSpan`. */
export function functionOf(frame: CallFrame): string {
  return [frame.package ?? frame.module, frame.function].filter((part) => part !== undefined).join('.');
}

/** Gives a frame as one line: function, then file and line in its module. */
export function describeFrame(frame: CallFrame): string {
  const { module, version, file, line } = frame;
  const place =
    file === undefined ? '' : ` (${version === undefined ? module : `${module}@${version}`}, ${file}:${line})`;
  return `${functionOf(frame)}${place}`;
}

/** Gives what is known of a finding in a word or two: `called`, `imported`, `required`, `not analysed`. */
export function reachabilityWord({ kind }: FindingReachability): string {
  return kind === 'not-analysed' ? 'not analysed' : kind;
}

/** Gives a call path in one line: the last of the program's own functions on it, and the vulnerable one at its end. */
export function describePath(path: readonly CallFrame[]): string {
  const [first, last] = [path.at(0), path.at(-1)];
  if (first === undefined || last === undefined) return '';
  const own = path.findLast((frame) => frame.module === first.module) ?? first;
  if (own === last) return describeFrame(own);
  const between = path.length - path.lastIndexOf(own) - 2;
  return `${describeFrame(own)} -> ${between > 0 ? `${between} more -> ` : ''}${functionOf(last)}`;
}
