// SPDX-License-Identifier: Apache-2.0
import { messageOf } from '#core';
import { parseAllDocuments, type Tags } from 'yaml';
import { z } from 'zod';
import { KubernetesError } from './error.ts';
import { describeRef, identityOf, type KubernetesObject, refOf } from './object.ts';

const labels = z.record(z.string(), z.string());

const objectSchema = z.looseObject({
  apiVersion: z.string().regex(/^(?:[a-z0-9.-]+\/)?v[a-z0-9]+$/),
  kind: z.string().regex(/^[A-Z][A-Za-z0-9]*$/),
  metadata: z.looseObject({
    name: z.string().min(1).max(253),
    namespace: z.string().min(1).max(63).optional(),
    labels: labels.optional(),
    annotations: labels.optional(),
  }),
});

const listSchema = z.looseObject({ kind: z.string().endsWith('List'), items: z.array(z.unknown()) });

/**
 * Takes YAML or JSON text of one or many documents, and its name for errors; gives the objects in their order, lists taken apart.
 * Throws `MANIFEST_INVALID` with all faults: not YAML, no Kubernetes object, an object told twice.
 */
export function parseManifests(text: string, where: string): readonly KubernetesObject[] {
  const faults: string[] = [];
  const objects: KubernetesObject[] = [];
  for (const [index, document] of parseAllDocuments(text, YAML_OF_KUBERNETES).entries()) {
    const [error] = document.errors;
    if (error === undefined) collect(valueOf(document, faults), `document ${index + 1}`, { objects, faults });
    else faults.push(messageOf(error));
  }
  faults.push(...repeated(objects));
  if (faults.length === 0) return objects;
  throw new KubernetesError('MANIFEST_INVALID', `these are no usable manifests:\n  ${faults.join('\n  ')}`, {
    where,
    hint: 'Give Kubernetes objects as YAML, as `oakum manifests` prints them.',
  });
}

/** YAML as Kubernetes reads it: YAML 1.1 (`yes` is true, 0644 is octal), but without its dates, times and other types that JSON lacks. */
const YAML_OF_KUBERNETES = {
  version: '1.1',
  logLevel: 'error',
  customTags: (tags: Tags): Tags =>
    tags.filter(
      (tag) =>
        typeof tag !== 'object' || (tag.format !== 'TIME' && !/:(?:timestamp|binary|omap|pairs|set)$/.test(tag.tag)),
    ),
} as const;

/** Aliases that would grow without bounds are refused by the parser, while values are made. */
function valueOf(document: { toJS(): unknown }, faults: string[]): unknown {
  try {
    return document.toJS();
  } catch (error) {
    faults.push(messageOf(error));
    return null;
  }
}

interface Found {
  readonly objects: KubernetesObject[];
  readonly faults: string[];
}

function collect(value: unknown, place: string, found: Found): void {
  if (value === null || value === undefined) return; // between two marks there may be comments alone
  const list = listSchema.safeParse(value);
  if (list.success) {
    for (const [index, item] of list.data.items.entries()) collect(item, `${place}, item ${index + 1}`, found);
    return;
  }
  const object = objectSchema.safeParse(value);
  if (object.success) found.objects.push(object.data as KubernetesObject);
  else {
    const reasons = object.error.issues.map((issue) => `${issue.path.join('.') || 'the whole'}: ${issue.message}`);
    found.faults.push(`${place}: no Kubernetes object (${reasons.join('; ')})`);
  }
}

function repeated(objects: readonly KubernetesObject[]): readonly string[] {
  const groups = Map.groupBy(objects, (object) => identityOf(refOf(object)));
  return [...groups.values()].flatMap(([first, second]) =>
    first === undefined || second === undefined ? [] : [`${describeRef(refOf(first))} is there more than once`],
  );
}

/** The stages in which objects are applied: what others are kinds of or live in comes first, and must be ready before the next. */
export interface ApplyStages {
  /** Namespaces and CustomResourceDefinitions. */
  readonly definitions: readonly KubernetesObject[];
  readonly rest: readonly KubernetesObject[];
}

/** Before what uses them; kinds that are not named stand between Deployments and webhooks. */
const ORDER = [
  'Namespace',
  'CustomResourceDefinition',
  'PriorityClass',
  'ResourceQuota',
  'LimitRange',
  'ServiceAccount',
  'ClusterRole',
  'Role',
  'ClusterRoleBinding',
  'RoleBinding',
  'NetworkPolicy',
  'ConfigMap',
  'Secret',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'Service',
  'Deployment',
  'StatefulSet',
  'DaemonSet',
];
const LAST = [
  'PodDisruptionBudget',
  'HorizontalPodAutoscaler',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
];

/** Takes objects in any order; gives the order in which they are applied. Deletion goes the other way round. */
export function orderForApply(objects: readonly KubernetesObject[]): ApplyStages {
  const sorted = [...objects].sort((a, b) => rankOf(a.kind) - rankOf(b.kind));
  const isDefinition = ({ kind }: KubernetesObject) => kind === 'Namespace' || kind === 'CustomResourceDefinition';
  return { definitions: sorted.filter(isDefinition), rest: sorted.filter((object) => !isDefinition(object)) };
}

function rankOf(kind: string): number {
  const early = ORDER.indexOf(kind);
  if (early >= 0) return early;
  return ORDER.length + 1 + LAST.indexOf(kind); // -1 of LAST is just before it
}
