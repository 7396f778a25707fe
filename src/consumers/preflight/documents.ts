// SPDX-License-Identifier: Apache-2.0
import { messageOf } from '#core';
import { type Alias, type Document, isAlias, isMap, isPair, isScalar, isSeq, parseDocument } from 'yaml';

/** The text of one YAML document of a file. */
export interface DocumentText {
  readonly start: number;
  readonly text: string;
}

/** A YAML document in which aliases are known, and never expanded. */
export interface View {
  readonly root: unknown;
  readonly start: number;
  readonly text: string;
  /** Gives what an alias stands for, and everything else as it is. */
  readonly follow: (node: unknown) => unknown;
  /** How many aliases stand for a node. */
  readonly aliasesOf: (node: unknown) => number;
}

/** A document that is no YAML; `offset` counts from the start of the file. */
export interface Unparsed {
  readonly offset: number;
  readonly reason: string;
}

/** No object that Kubernetes stores is larger than 1.5 MiB; and what parses a document takes 200 times its size of memory at worst. */
const MOST_CHARACTERS = 1 << 20;
const MOST_ALIAS_STEPS = 10;
/** Lists of aliases of lists grow fast; no list anyone wrote is as long. */
const MOST_VALUES = 10_000;

/**
 * Splits a stream of YAML into its documents without reading them: `---` and `...` at the start of a line are markers wherever they
 * stand (YAML 1.2.2, 9.1.2: c-forbidden), within block scalars and quotes too. A document with directives keeps them.
 */
export function splitDocuments(text: string): readonly DocumentText[] {
  if (/^%/m.test(text)) return joinDirectives(splitAt(text, /^---(?=\s|$)/gm));
  return splitAt(text, /^(?:---|\.\.\.)(?=\s|$)/gm);
}

function splitAt(text: string, marker: RegExp): readonly DocumentText[] {
  const starts = [0, ...Array.from(text.matchAll(marker), ({ index }) => index).filter((index) => index > 0)];
  return starts.map((start, index) => ({ start, text: text.slice(start, starts[index + 1] ?? text.length) }));
}

/** What has only directives and comments belongs to the document after it. */
function joinDirectives(parts: readonly DocumentText[]): readonly DocumentText[] {
  const joined: DocumentText[] = [];
  for (const part of parts) {
    const before = joined.at(-1);
    if (before === undefined || !isHead(before.text)) joined.push(part);
    else joined[joined.length - 1] = { start: before.start, text: before.text + part.text };
  }
  return joined;
}

function isHead(text: string): boolean {
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  return lines.some((line) => line.startsWith('%')) && lines.every((line) => /^[%#]/.test(line) || line.trim() === '');
}

/** Reads one document. Repeated keys are let through, as what repeats them is not ours to judge. Never throws. */
export function viewDocument({ start, text }: DocumentText): View | Unparsed {
  if (text.length > MOST_CHARACTERS)
    return {
      offset: start,
      reason: `a document of ${text.length} characters, of which at most ${MOST_CHARACTERS} are read`,
    };
  try {
    const document = parseDocument(text, {
      uniqueKeys: false,
      keepSourceTokens: true,
      logLevel: 'error',
      prettyErrors: false,
    });
    const [error] = document.errors;
    if (error !== undefined) return { offset: start + error.pos[0], reason: messageOf(error) };
    return toView(document, { start, text });
  } catch (error) {
    return { offset: start, reason: messageOf(error) };
  }
}

function toView(document: Document, { start, text }: DocumentText): View {
  const targets = text.includes('*') ? resolveAliases(document.contents) : new Map<Alias, unknown>();
  const counts = new Map<unknown, number>();
  for (const target of targets.values()) counts.set(target, (counts.get(target) ?? 0) + 1);
  const follow = (node: unknown) => {
    let found = node;
    for (let step = 0; isAlias(found) && step < MOST_ALIAS_STEPS; step += 1) found = targets.get(found);
    return isAlias(found) ? undefined : found;
  };
  return { root: document.contents, start, text, follow, aliasesOf: (node) => counts.get(node) ?? 0 };
}

/** An alias stands for the last anchor of its name before it (YAML 1.2.2, 3.2.2.2). */
function resolveAliases(root: unknown): Map<Alias, unknown> {
  const anchors = new Map<string, unknown>();
  const targets = new Map<Alias, unknown>();
  for (const node of nodesOf(root)) {
    if (isAlias(node)) targets.set(node, anchors.get(node.source));
    else if ((isMap(node) || isSeq(node) || isScalar(node)) && node.anchor !== undefined)
      anchors.set(node.anchor, node);
  }
  return targets;
}

/** Gives every node in the order of the text, keys among them; an alias is given as itself. */
export function* nodesOf(root: unknown): Generator {
  const waiting: unknown[] = [root];
  while (waiting.length > 0) {
    const node = waiting.pop();
    if (isPair(node)) waiting.push(node.value, node.key);
    else {
      yield node;
      if (isMap(node) || isSeq(node))
        for (let at = node.items.length - 1; at >= 0; at -= 1) waiting.push(node.items[at]);
    }
  }
}

/** Gives the value of a key, by merge keys too (https://yaml.org/type/merge.html); aliases are followed. */
export function valueOf(view: View, node: unknown, key: string): unknown {
  const found = ownValueOf(node, key);
  if (found !== undefined) return view.follow(found);
  for (const merged of mergedInto(view, node)) {
    const value = ownValueOf(merged, key);
    if (value !== undefined) return view.follow(value);
  }
  return undefined;
}

/** Gives the node that stands after a key of the map itself, an alias as it is. */
export function ownValueOf(node: unknown, key: string): unknown {
  return isMap(node) ? node.items.find((pair) => textOf(pair.key) === key)?.value : undefined;
}

function mergedInto(view: View, node: unknown): readonly unknown[] {
  if (!isMap(node)) return [];
  const merges = node.items.filter(
    ({ key }) => isScalar(key) && (key.source === '<<' || typeof key.value === 'symbol'),
  );
  return merges.flatMap(({ value }) => {
    const target = view.follow(value);
    return isSeq(target) ? target.items.map((item) => view.follow(item)) : [target];
  });
}

/** Gives the value at a path of keys; a `*` stands for each item of a list, so there may be several. */
export function valuesAt(view: View, node: unknown, path: readonly string[]): readonly unknown[] {
  let found: readonly unknown[] = [node];
  for (const key of path) {
    found =
      key === '*'
        ? allItemsOf(view, found)
        : found.map((one) => valueOf(view, one, key)).filter((one) => one !== undefined);
  }
  return found;
}

function allItemsOf(view: View, lists: readonly unknown[]): readonly unknown[] {
  const items: unknown[] = [];
  for (const list of lists) {
    items.push(...itemsOf(view, list));
    if (items.length > MOST_VALUES) break;
  }
  return items.slice(0, MOST_VALUES);
}

/** Gives the items of a list, aliases followed; none where it is no list. */
export function itemsOf(view: View, node: unknown): readonly unknown[] {
  return isSeq(node) ? node.items.slice(0, MOST_VALUES).map((item) => view.follow(item)) : [];
}

/** Gives the keys and values of a map, aliases followed. */
export function entriesOf(
  view: View,
  node: unknown,
): readonly { readonly key: string; readonly at: number; readonly value: unknown }[] {
  if (!isMap(node)) return [];
  return node.items.map(({ key, value }) => ({
    key: textOf(key) ?? '',
    at: offsetOf(view, key),
    value: view.follow(value),
  }));
}

/** Gives the text of a scalar; undefined for everything else. */
export function textOf(node: unknown): string | undefined {
  return isScalar(node) && typeof node.value === 'string' ? node.value : undefined;
}

/** Gives the text at a path. */
export function textAt(view: View, node: unknown, ...path: readonly string[]): string | undefined {
  return textOf(valuesAt(view, node, path)[0]);
}

/** Gives where a node begins, from the start of the file. */
export function offsetOf({ start }: View, node: unknown): number {
  const range = isMap(node) || isSeq(node) || isScalar(node) || isAlias(node) ? node.range : undefined;
  return start + (range?.[0] ?? 0);
}

/** Gives the objects of a document: itself, or the items of a List. */
export function objectsOf(view: View): readonly unknown[] {
  const kind = textAt(view, view.root, 'kind') ?? '';
  const items = kind.endsWith('List') ? itemsOf(view, valueOf(view, view.root, 'items')) : [];
  return items.length > 0 ? items : [view.root];
}
