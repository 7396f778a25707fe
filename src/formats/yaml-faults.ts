// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import type { Document, Node } from 'yaml';
import type { z } from 'zod';

/** The YAML library, loaded when the first text is read: most commands read none, and its 72 files take time. */
const yaml = () => createRequire(import.meta.url)('yaml') as typeof import('yaml');

/** One thing wrong in a file: where (file:line:column) and what, as one sentence. */
export interface Fault {
  readonly where: string;
  readonly message: string;
}

/** A YAML text with the means to say where in it something stands. */
export interface LocatedYaml {
  readonly value: unknown;
  readonly faults: readonly Fault[];
  /** Takes a path of keys and indices; gives file:line:column of the deepest node on it, or of that node's key. */
  where(path: readonly PropertyKey[], at?: 'key' | 'value'): string;
}

/** Takes a YAML text and the name to show for it; gives its value, or its syntax faults with their places. Never throws. */
export function locateYaml(text: string, file: string): LocatedYaml {
  const { LineCounter, parseDocument } = yaml();
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, stringKeys: true });
  const show = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const faults: Fault[] = document.errors.map((error) => ({
    where: show(error.pos[0]),
    message: firstLine(error.message),
  }));
  let value: unknown;
  if (faults.length === 0) {
    try {
      value = document.toJS({ maxAliasCount: 100 });
    } catch (error) {
      faults.push({ where: show(0), message: firstLine(error instanceof Error ? error.message : String(error)) });
    }
  }
  return { value, faults, where: (path, at = 'value') => show(offsetOf(document, path, at)) };
}

/** Takes a zod error of the located value; gives each of its issues as a fault with its place, in the order of the file. */
export function toFaults(located: LocatedYaml, error: z.ZodError): Fault[] {
  return error.issues.flatMap((issue): Fault[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        where: located.where([...issue.path, key], 'key'),
        message: `${inPath(issue.path)}unknown key "${key}"`,
      }));
    }
    const key = issue.code === 'invalid_key';
    const message = key ? (issue.issues[0]?.message ?? issue.message) : issue.message;
    return [
      { where: located.where(issue.path, key ? 'key' : 'value'), message: `${inPath(issue.path)}${sentence(message)}` },
    ];
  });
}

/** Orders faults by their place in the file. */
export function inFileOrder(faults: readonly Fault[]): Fault[] {
  const place = (fault: Fault) => fault.where.split(':').slice(-2).map(Number) as [number, number];
  return [...faults].sort((a, b) => place(a)[0] - place(b)[0] || place(a)[1] - place(b)[1]);
}

function inPath(path: readonly PropertyKey[]): string {
  return path.length === 0 ? '' : `${path.map(String).join('.')}: `;
}

function sentence(message: string): string {
  return message
    .replace(/^Invalid input: expected (\S+), received undefined$/, 'is missing (a value of type $1 is needed)')
    .replace(/^Invalid input: expected (\S+), received (\S+)$/, 'must be of type $1, not $2')
    .replace(/^Invalid (?:option|input): expected (?:one of )?/, 'must be one of ');
}

function offsetOf(document: Document, path: readonly PropertyKey[], at: 'key' | 'value'): number {
  const { isMap, isPair, isSeq } = yaml();
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const [index, step] of path.entries()) {
    const last = index === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && String(item.key) === String(step));
      if (pair === undefined) break;
      const key = pair.key as Node;
      const value = pair.value as Node | null;
      offset = (last && at === 'key' ? key.range?.[0] : (value?.range?.[0] ?? key.range?.[0])) ?? offset;
      node = value;
    } else if (isSeq(node)) {
      node = (node.items[Number(step)] as Node | undefined) ?? null;
      offset = node?.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}

function firstLine(message: string): string {
  return (message.split('\n', 1)[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
}
