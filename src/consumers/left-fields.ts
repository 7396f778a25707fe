// SPDX-License-Identifier: Apache-2.0
import type { KubernetesObject, ManagedFields } from '#kubernetes';
import { isMap } from './difference.ts';

/** Fields that another manager set and no other: an apply leaves them as they are, with force too. */
export interface LeftFields {
  readonly manager: string;
  readonly fields: readonly string[];
}

/** What the cluster itself writes: it is no trace of another installation. */
const OF_THE_CLUSTER = /^(?:kube-|k3s$)/;

/**
 * Takes an object as it would be after an apply by `own`; gives the fields that others set and it did not: they stay, and nothing else of
 * this change would tell. Reads `metadata.managedFields` as structured-merge-diff writes it (FieldsV1: `f:` a field, `k:` an item of a
 * list by its keys, `v:` by its value).
 */
export function leftFields(object: KubernetesObject, own: string): readonly LeftFields[] {
  const entries = (object.metadata.managedFields ?? []).filter(({ subresource }) => subresource === undefined);
  const owned = new Set(entries.filter(({ manager }) => manager === own).flatMap(leavesOf));
  const others = Map.groupBy(
    entries.filter(({ manager = '' }) => manager !== own && !OF_THE_CLUSTER.test(manager)),
    ({ manager = 'unknown' }) => manager,
  );
  return [...others].flatMap(([manager, list]) => {
    const fields = [...new Set(list.flatMap(leavesOf))].filter(
      (field) => !owned.has(field) && !field.startsWith('status'),
    );
    return fields.length === 0 ? [] : [{ manager, fields }];
  });
}

function leavesOf(entry: ManagedFields): readonly string[] {
  return leaves(entry['fieldsV1'], '');
}

function leaves(fields: unknown, path: string): readonly string[] {
  if (!isMap(fields)) return [];
  const members = Object.entries(fields).filter(([key]) => key !== '.');
  if (members.length === 0) return path === '' ? [] : [path];
  return members.flatMap(([key, below]) => leaves(below, `${path}${partOf(key, path)}`));
}

function partOf(key: string, path: string): string {
  const name = key.slice(2);
  if (key.startsWith('f:')) return path === '' ? name : `.${name}`;
  if (!key.startsWith('k:')) return `[${name}]`;
  try {
    return `[${Object.values(JSON.parse(name) as Record<string, unknown>).join(',')}]`;
  } catch {
    return `[${name}]`;
  }
}
