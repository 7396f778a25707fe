// SPDX-License-Identifier: Apache-2.0
import type { Place } from './types.ts';

/** A text of the repository, with the means to say where in it something stands. */
export interface TextFile {
  /** Relative to the repository, with slashes. */
  readonly path: string;
  /** As it is on disk, a byte order mark included. */
  readonly text: string;
  readonly placeOf: (offset: number) => Place;
}

/** Makes a text file; its lines are counted when a place in it is first asked for. */
export function textFile(path: string, text: string): TextFile {
  let starts: readonly number[] | undefined;
  return {
    path,
    text,
    placeOf(offset) {
      starts ??= lineStarts(text);
      const line = lastNotAfter(starts, offset);
      const start = starts[line] ?? 0;
      const mark = line === 0 && text.startsWith('\uFEFF') ? 1 : 0;
      return { file: path, line: line + 1, column: Math.max(1, offset - start - mark + 1) };
    },
  };
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) starts.push(end + 1);
  return starts;
}

/** Binary search: lines may be a million. */
function lastNotAfter(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
