// SPDX-License-Identifier: Apache-2.0
import { isAlias, isMap, isScalar, type Scalar } from 'yaml';
import { goneFields } from './api-fields.ts';
import type { ApiTable, ApiVerdict } from './api-table.ts';
import {
  nodesOf,
  offsetOf,
  ownValueOf,
  splitDocuments,
  textOf,
  valueOf,
  valuesAt,
  type View,
  viewDocument,
} from './documents.ts';
import { innerPlaces, isLiteral } from './inner-text.ts';
import { sopsSeal } from './sops.ts';
import type { Scope } from './scope.ts';

/** A place that names a version of a Flux kind. */
interface Use {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verdict: ApiVerdict;
  /** The map it stands in. */
  readonly owner: unknown;
  /** What says the version: the node after the key, an alias as it is; undefined where a merge key brings it. */
  readonly node: unknown;
}

const DEEPEST_TEXT = 2;

/**
 * Reports API versions of Flux that the target line has not, wherever a map names `apiVersion` and `kind`, or `group`, `version` and
 * `kind`: objects, items of Lists, patches and their targets, references, health checks; and within texts that are YAML themselves.
 * Leaves an edit for each that can be rewritten alone. CustomResourceDefinitions are left out: they declare versions and use none.
 */
export function checkApiVersions(view: View, scope: Scope, table: ApiTable): void {
  checkView(view, scope, { table, seal: sopsSeal(view), depth: 0, placeOf: (at) => at, editable: true });
}

interface Level {
  readonly table: ApiTable;
  readonly seal: ReturnType<typeof sopsSeal>;
  readonly depth: number;
  /** Turns an offset of the view into one of the file. */
  readonly placeOf: (at: number) => number;
  /** Whether the text stands in the file as it is. */
  readonly editable: boolean;
}

function checkView(view: View, scope: Scope, level: Level): void {
  if (textOf(valueOf(view, view.root, 'kind')) === 'CustomResourceDefinition') return;
  const uses: Use[] = [];
  for (const node of nodesOf(view.root)) {
    if (isMap(node)) uses.push(...usesIn(view, node, level.table));
    else if (isScalar(node) && level.depth < DEEPEST_TEXT) checkText(view, node, scope, level);
  }
  for (const use of uses) reportUse(view, use, uses, { scope, level });
}

function usesIn(view: View, map: unknown, table: ApiTable): readonly Use[] {
  const kind = textOf(valueOf(view, map, 'kind'));
  if (kind === undefined) return [];
  const [, ofObject, versionOfObject] = /^([^/]+)\/([^/]+)$/.exec(textOf(valueOf(view, map, 'apiVersion')) ?? '') ?? [];
  const isSelector = ofObject === undefined;
  const group = ofObject ?? textOf(valueOf(view, map, 'group'));
  const version = versionOfObject ?? textOf(valueOf(view, map, 'version'));
  if (group === undefined || version === undefined) return [];
  const verdict = table.judge(group, version, kind);
  if (verdict === undefined) return [];
  return [{ group, version, kind, verdict, owner: map, node: ownValueOf(map, isSelector ? 'version' : 'apiVersion') }];
}

/** Patches and manifests that are written as text within another document. */
function checkText(view: View, node: Scalar, scope: Scope, level: Level): void {
  const text = typeof node.value === 'string' && node.value.includes('\n') ? node.value : '';
  if (text === '' || !level.table.mayBeOld(text)) return;
  const places = innerPlaces(view, node);
  for (const document of splitDocuments(text)) {
    const inner = viewDocument(document);
    if (!('root' in inner)) continue;
    checkView(inner, scope, {
      ...level,
      depth: level.depth + 1,
      placeOf: (at) => level.placeOf(places(at)),
      editable: level.editable && isLiteral(view, node),
    });
  }
}

function reportUse(view: View, use: Use, uses: readonly Use[], { scope, level }: { scope: Scope; level: Level }): void {
  const { group, version, kind, verdict, owner, node } = use;
  const at = level.placeOf(offsetOf(view, node === undefined ? owner : node));
  const old = `${kind} ${group}/${version}`;
  const gone = goneIn(view, use);
  const obstacle = obstacleTo(view, use, { uses, level, gone: gone.length > 0 });
  const { replacement } = verdict;
  scope.report({
    rule: verdict.state === 'removed' ? 'api-removed' : 'api-deprecated',
    level: verdict.state === 'removed' ? 'error' : 'warning',
    at,
    message: `${old} is ${verdict.state === 'removed' ? 'not served by' : 'deprecated in'} Flux ${level.table.line}`,
    fix: [
      fixFor(use),
      ...gone,
      ...(obstacle === undefined || obstacle === 'fields' ? [] : [`--fix leaves it: ${obstacle}.`]),
    ].join(' '),
    fixable: obstacle === undefined,
  });
  const target = view.follow(node);
  if (obstacle !== undefined || replacement === undefined || !isScalar(target)) return;
  const source = sourceOf(view, target);
  scope.edit({
    start: level.placeOf(offsetOf(view, target) + source.lastIndexOf(version)),
    before: version,
    after: replacement,
  });
}

function fixFor({ group, kind, verdict }: Use): string {
  if (verdict.replacement !== undefined) {
    return `Write ${group}/${verdict.replacement}.`;
  }
  return verdict.served.length === 0
    ? `This line has no kind ${kind} in ${group}.`
    : `This line serves ${verdict.served.join(', ')} of it; choose a newer line with --to, or write one of these.`;
}

function goneIn(view: View, { group, kind, version, verdict, owner }: Use): readonly string[] {
  if (verdict.replacement === undefined) return [];
  return goneFields(group, kind, version, verdict.replacement)
    .filter(({ path }) => valuesAt(view, owner, path).length > 0)
    .map(({ path, instead }) => `${path.join('.').replaceAll('.*', '[]')} is no more: ${instead}.`);
}

interface Circumstances {
  readonly uses: readonly Use[];
  readonly level: Level;
  readonly gone: boolean;
}

/** Why a version can't be rewritten alone; undefined where it can. */
function obstacleTo(view: View, use: Use, { uses, level, gone }: Circumstances): string | undefined {
  const { node, verdict, version } = use;
  if (verdict.replacement === undefined) return 'there is no newer version';
  if (gone) return 'fields';
  if (level.seal === 'all') return 'the checksum of SOPS covers it; decrypt, change and encrypt it again';
  if (!level.editable) return 'it stands within a quoted text';
  const target = view.follow(node);
  if (!isScalar(target)) return 'it comes from a merge key';
  if (target.type !== undefined && target.type.startsWith('BLOCK')) return 'it is written as a block';
  if (!sourceOf(view, target).includes(version)) return 'it is written with escapes';
  return agreesOn(view, target, { use, uses }) ? undefined : 'an anchor shares it with something else';
}

/** What an anchor names is changed for all who use it, so all must want the same. */
function agreesOn(view: View, target: Scalar, { use, uses }: { use: Use; uses: readonly Use[] }): boolean {
  const aliases = view.aliasesOf(target);
  if (aliases === 0) return !isAlias(use.node);
  const sharing = uses.filter(({ node }) => view.follow(node) === target);
  const wanted = new Set(sharing.map(({ verdict, version }) => `${version} ${verdict.replacement}`));
  return sharing.length === aliases + 1 && wanted.size === 1;
}

function sourceOf(view: View, { range }: Scalar): string {
  return view.text.slice(range?.[0] ?? 0, range?.[1] ?? 0);
}
