// SPDX-License-Identifier: Apache-2.0
import type { KubernetesObject } from '#kubernetes';

/** One place at which two objects differ; `before` or `after` is undefined where there is nothing. */
export interface Difference {
  /** `spec.template.spec.containers[manager].image`. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

const OF_THE_SERVER = new Set([
  'managedFields',
  'resourceVersion',
  'generation',
  'uid',
  'creationTimestamp',
  'selfLink',
]);
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Takes an object as it is and as it would be; gives where they differ, what the server itself writes left out. */
export function differencesOf(before: KubernetesObject, after: KubernetesObject): readonly Difference[] {
  return compare(essence(before), essence(after), '');
}

function essence({ metadata, status: _status, ...rest }: KubernetesObject): unknown {
  const kept = Object.fromEntries(Object.entries(metadata).filter(([name]) => !OF_THE_SERVER.has(name)));
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([name]) => name !== LAST_APPLIED);
  return { ...rest, metadata: { ...kept, annotations: Object.fromEntries(annotations) } };
}

function compare(before: unknown, after: unknown, path: string): readonly Difference[] {
  if (isMap(before) && isMap(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) => compare(before[key], after[key], joined(path, key)));
  }
  if (Array.isArray(before) && Array.isArray(after)) return compareLists(before, after, path);
  if (before === after) return [];
  if (isEmpty(before) && isEmpty(after)) return [];
  return [{ path, before, after }];
}

/** Containers, ports, versions and the like are told apart by name; other lists are compared as they stand. */
function compareLists(before: readonly unknown[], after: readonly unknown[], path: string): readonly Difference[] {
  const [old, young] = [byName(before), byName(after)];
  if (old !== undefined && young !== undefined) {
    const names = [...new Set([...old.keys(), ...young.keys()])];
    return names.flatMap((name) => compare(old.get(name), young.get(name), `${path}[${name}]`));
  }
  if (isPlain(before) && isPlain(after)) return comparePlain(before, after, path);
  const length = Math.max(before.length, after.length);
  return Array.from({ length }, (_, index) => compare(before[index], after[index], `${path}[${index}]`)).flat();
}

/** Arguments and verbs: what is gone and what has come; where only the order differs, both wholes. */
function comparePlain(before: readonly unknown[], after: readonly unknown[], path: string): readonly Difference[] {
  const gone = before.filter((item) => !after.includes(item));
  const come = after.filter((item) => !before.includes(item));
  if (gone.length + come.length > 0) {
    return [
      ...gone.map((item) => ({ path: `${path}[]`, before: item, after: undefined })),
      ...come.map((item) => ({ path: `${path}[]`, before: undefined, after: item })),
    ];
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, before, after }];
}

function byName(list: readonly unknown[]): ReadonlyMap<string, unknown> | undefined {
  const entries = list.map(
    (item) => [isMap(item) && typeof item['name'] === 'string' ? item['name'] : undefined, item] as const,
  );
  const names = new Set(entries.map(([name]) => name));
  return names.has(undefined) || names.size < list.length
    ? undefined
    : new Map(entries as readonly (readonly [string, unknown])[]);
}

/** Says whether a value is a JSON object. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPlain(list: readonly unknown[]): boolean {
  return list.every((item) => typeof item !== 'object' || item === null);
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (isMap(value) && Object.keys(value).length === 0);
}

function joined(path: string, key: string): string {
  const step = /^[A-Za-z0-9_-]+$/.test(key) ? key : `[${key}]`;
  return path === '' || step.startsWith('[') ? `${path}${step}` : `${path}.${step}`;
}
