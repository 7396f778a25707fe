// SPDX-License-Identifier: Apache-2.0
import {
  at,
  type Cluster,
  type Condition,
  conditionOf,
  describeRef,
  type KubernetesObject,
  type ObjectRef,
} from '#kubernetes';

/** A condition as Flux's controllers write it. */
interface FluxCondition extends Condition {
  readonly observedGeneration?: number;
}

/** The kinds whose status does not say which generation it is of. */
const WITHOUT_GENERATION = new Set(['ArtifactGenerator', 'ExternalArtifact']);
const EVENTS_SHOWN = 5;

/** Gives the text at a path of nested objects and arrays; '' where there is none. */
export function textAt(value: unknown, ...path: readonly (string | number)[]): string {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : '';
}

/** Gives what a controller says of an object in its condition Ready. */
export function readyMessage(object: KubernetesObject): string {
  return textAt(conditionOf(object, 'Ready'), 'message');
}

/**
 * Says whether a controller has brought an object of Flux to what its present generation wants. Controllers write conditions before the
 * rest of the status, which is whole once it names the generation too.
 */
export function isReady(object: KubernetesObject): boolean {
  const isWhole =
    WITHOUT_GENERATION.has(object.kind) || at(object, 'status', 'observedGeneration') === object.metadata.generation;
  const isBusy = conditionOf(object, 'Reconciling')?.status === 'True';
  return isWhole && !isBusy && holdsNow(object, 'Ready');
}

/** Says whether a controller has given up on the present generation of an object: it waits for a change. */
export function isStalled(object: KubernetesObject): boolean {
  return holdsNow(object, 'Stalled');
}

function holdsNow(object: KubernetesObject, type: string): boolean {
  const condition: FluxCondition | undefined = conditionOf(object, type);
  return condition?.status === 'True' && condition.observedGeneration === object.metadata.generation;
}

/** Tells what a person needs to understand why an object is not as wanted: its conditions and its newest events. */
export async function tellOf(cluster: Cluster, ref: ObjectRef, trouble: string): Promise<string> {
  const object = await cluster.get(ref);
  if (object === undefined) return `${describeRef(ref)} ${trouble}: there is no such object`;
  const conditions = (at(object, 'status', 'conditions') ?? []) as readonly Condition[];
  const lines = conditions.map(
    (condition) => `${condition.type}=${condition.status} (${condition.reason}): ${firstLine(condition)}`,
  );
  return [`${describeRef(ref)} ${trouble}`, ...lines, ...(await eventsOf(cluster, object))].join('\n  ');
}

async function eventsOf(cluster: Cluster, { kind, metadata }: KubernetesObject): Promise<readonly string[]> {
  const events = await cluster.list(
    { apiVersion: 'v1', kind: 'Event' },
    {
      namespace: metadata.namespace,
      fieldSelector: `involvedObject.kind=${kind},involvedObject.name=${metadata.name}`,
    },
  );
  const timeOf = (event: KubernetesObject) =>
    textAt(event, 'lastTimestamp') || (event.metadata.creationTimestamp ?? '');
  return [...events]
    .sort((a, b) => timeOf(a).localeCompare(timeOf(b)))
    .slice(-EVENTS_SHOWN)
    .map((event) => `event ${textAt(event, 'reason')}: ${firstLine(event)}`);
}

/** Helm's messages carry its log; what happened is their first line. */
function firstLine(of: unknown): string {
  return textAt(of, 'message').split('\n', 1)[0] ?? '';
}
