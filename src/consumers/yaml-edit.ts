// SPDX-License-Identifier: Apache-2.0
import {
  type Document,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Pair,
  Scalar,
  type ToStringOptions,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';

/**
 * Makes a YAML document say `value`, changing no more of it than must be: comments, order, quotes and blank lines of what stays are kept.
 * Lists of things with names are matched by name, other lists by place. Gives whether anything changed.
 */
export function editDocument(document: Document, value: unknown): boolean {
  const edited = editNode(document, document.contents, value);
  if (edited.node !== document.contents) document.contents = edited.node as typeof document.contents;
  return edited.changed;
}

/**
 * Gives how a text is written, as far as the YAML library lets one choose: whether lists are indented below their key, and whether
 * braces have spaces within. Lines are never folded.
 */
export function styleOf(text: string): ToStringOptions {
  const flush = text.match(/^( *)(?:- )*[\w."'/-]+:\n\1- /gm)?.length ?? 0;
  const indented = text.match(/^( *)[\w."'/-]+:\n\1 +- /gm)?.length ?? 0;
  const tight = text.match(/[:-] [{[][^\s}\]]/g)?.length ?? 0;
  const loose = text.match(/[:-] [{[] \S/g)?.length ?? 0;
  return { lineWidth: 0, indentSeq: indented >= flush, flowCollectionPadding: loose >= tight };
}

interface Edited {
  readonly node: unknown;
  readonly changed: boolean;
}

function editNode(document: Document, node: unknown, value: unknown): Edited {
  if (isMap(node) && isPlainObject(value)) return { node, changed: editMap(document, node, value) };
  if (isSeq(node) && Array.isArray(value)) return { node, changed: editSeq(document, node, value) };
  if (isScalar(node) && !isCollectionValue(value)) return editScalar(node, value);
  if (isNode(node) && equals(node.toJS(document), value)) return { node, changed: false };
  return { node: withComments(document.createNode(value), node), changed: true };
}

/** A scalar keeps its quotes, unless the new value is of another type and would be read otherwise within them. */
function editScalar(node: Scalar, value: unknown): Edited {
  if (node.value === value) return { node, changed: false };
  const isSameType = typeof node.value === typeof value;
  const edited = new Scalar(value);
  if (isSameType && node.type !== undefined) edited.type = node.type;
  return { node: withComments(edited, node), changed: true };
}

function withComments(made: unknown, old: unknown): unknown {
  if (!isNode(made) || !isNode(old)) return made;
  if (old.comment) made.comment = old.comment;
  if (old.commentBefore) made.commentBefore = old.commentBefore;
  if (old.spaceBefore) made.spaceBefore = old.spaceBefore;
  return made;
}

function editMap(document: Document, map: YAMLMap, value: Readonly<Record<string, unknown>>): boolean {
  const wanted = new Map(Object.entries(value).filter(([, inner]) => inner !== undefined));
  const kept = map.items.filter((pair) => wanted.has(keyOf(pair)));
  let changed = kept.length < map.items.length;
  map.items = kept;
  for (const [key, inner] of wanted) {
    const pair = map.items.find((item) => keyOf(item) === key);
    if (pair === undefined) {
      map.add(document.createPair(key, inner));
      changed = true;
      continue;
    }
    const edited = editNode(document, pair.value, inner);
    pair.value = edited.node;
    changed ||= edited.changed;
  }
  return changed;
}

function keyOf({ key }: Pair): string {
  return String(isScalar(key) ? key.value : key);
}

function editSeq(document: Document, seq: YAMLSeq, value: readonly unknown[]): boolean {
  const old = [...seq.items];
  const names = namesOf(value);
  const oldNames = namesOf(old.map((item) => (isNode(item) ? item.toJS(document) : item)));
  const byName = names !== undefined && oldNames !== undefined;
  const isPlain = value.every((item) => !isCollectionValue(item));
  const partnerOf = (item: unknown, place: number): unknown => {
    if (byName) return old[oldNames.indexOf(names[place] ?? '')];
    // An argument that is still there keeps its comment, wherever it now stands.
    if (isPlain) return old.find((node) => isScalar(node) && node.value === item);
    return old[place];
  };
  const edited = value.map((item, place) => {
    const partner = partnerOf(item, place);
    return partner === undefined
      ? { node: document.createNode(item), changed: true }
      : editNode(document, partner, item);
  });
  const items = edited.map(({ node }) => node);
  const changed =
    edited.some((one) => one.changed) ||
    items.length !== old.length ||
    items.some((item, place) => item !== old[place]);
  if (changed) seq.items = items;
  return changed;
}

function namesOf(list: readonly unknown[]): readonly string[] | undefined {
  const names = list.map((item) =>
    isPlainObject(item) && typeof item['name'] === 'string' ? item['name'] : undefined,
  );
  return names.includes(undefined) || new Set(names).size < names.length ? undefined : (names as readonly string[]);
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isCollection(value);
}

function isCollectionValue(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function equals(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
