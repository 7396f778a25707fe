// SPDX-License-Identifier: Apache-2.0
import { isScalar } from 'yaml';
import { offsetOf, type View } from './documents.ts';
import { textFile } from './text-file.ts';

/**
 * Takes a scalar; gives where in the file a character of its text stands. In a literal block (`|`) that is exact, line by line; in
 * all other styles it is the start of the scalar.
 */
export function innerPlaces(view: View, node: unknown): (at: number) => number {
  const start = offsetOf(view, node);
  const lines = literalLines(view, node);
  if (lines === undefined || !isScalar(node)) return () => start;
  const { placeOf } = textFile('', String(node.value));
  return (at) => {
    const { line, column } = placeOf(at);
    return (lines[line - 1] ?? start) + column - 1;
  };
}

/** Says whether the text of a scalar stands in the file as it is, so that what {@link innerPlaces} gives may be edited. */
export function isLiteral(view: View, node: unknown): boolean {
  return literalLines(view, node) !== undefined;
}

/** Where each line of a literal block begins in the file, its indent left out. */
function literalLines(view: View, node: unknown): readonly number[] | undefined {
  if (!isScalar(node) || node.type !== 'BLOCK_LITERAL' || !node.range) return undefined;
  const [from, to] = node.range;
  const source = view.text.slice(from, to);
  const head = source.indexOf('\n') + 1; // the line of the indicator
  const lines = source.slice(head).split('\n');
  const told = /^\|[+-]?([1-9])/.exec(source)?.[1];
  if (told !== undefined) return undefined; // an indent of its own: rare, and counted from the parent
  const indent = /^ */.exec(lines.find((line) => line.trim() !== '') ?? '')?.[0].length ?? 0;
  let at = view.start + from + head;
  return lines.map((line) => {
    const begin = at + Math.min(indent, line.length);
    at += line.length + 1;
    return begin;
  });
}
