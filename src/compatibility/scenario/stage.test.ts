// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it, onTestFinished } from 'vitest';
import { digestOf } from '#core';
import type { Cluster, KubernetesObject } from '#kubernetes';
import { createTestClock, startLoopback } from '#testing';
import { packArchive } from './content/archive.ts';
import { isReady } from './reading.ts';
import { openStage, type Scenery } from './stage.ts';

type Condition = Readonly<Record<string, unknown>>;

function source(conditions: readonly Condition[], status: Readonly<Record<string, unknown>> = {}): KubernetesObject {
  return {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name: 'app', namespace: 'step', generation: 2 },
    status: { conditions, observedGeneration: 2, ...status },
  };
}

/** A cluster in which `objects` follow each other as the answers to `get`, the last for ever. */
async function stageOf(objects: readonly (KubernetesObject | undefined)[], events: readonly KubernetesObject[] = []) {
  const applied: KubernetesObject[] = [];
  const left = [...objects];
  const cluster = {
    apply: async (object: KubernetesObject) => {
      applied.push(object);
      return object;
    },
    get: async () => (left.length > 1 ? left.shift() : left[0]),
    list: async () => events,
  } as unknown as Cluster;
  const clock = createTestClock();
  const stage = await openStage(
    {
      cluster,
      clock,
      kinds: new Map([['GitRepository', 'source.toolkit.fluxcd.io/v1']]),
      signal: new AbortController().signal,
      patience: 5000,
    } as unknown as Scenery,
    'step',
  );
  return { stage, applied, clock };
}

const event = (time: string, message: string): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: time },
  lastTimestamp: time,
  reason: 'GitOperationFailed',
  message,
});
const ready = { type: 'Ready', status: 'True', reason: 'Succeeded', message: 'stored', observedGeneration: 2 };
const failing = { type: 'Ready', status: 'False', reason: 'Failed', message: 'no such host', observedGeneration: 2 };

describe('the stage of a step', () => {
  it('has a namespace of its own, and knows the versions of kinds', async () => {
    const { stage, applied } = await stageOf([]);
    await stage.apply({ kind: 'GitRepository', name: 'app', spec: { url: 'x' } });
    expect(applied).toEqual([
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'step' } },
      {
        apiVersion: 'source.toolkit.fluxcd.io/v1',
        kind: 'GitRepository',
        metadata: { name: 'app', namespace: 'step' },
        spec: { url: 'x' },
      },
    ]);
    expect(() => stage.ref('Bucket', 'b')).toThrow('the cluster has no kind Bucket: its CRD is missing');
  });

  it('waits until an object is ready in its present generation', async () => {
    const old = { ...ready, observedGeneration: 1 };
    const busy = { type: 'Reconciling', status: 'True', reason: 'Progressing', message: 'at it' };
    const conditionsFirst = source([ready], { observedGeneration: 1 }); // the rest of the status is written a moment later
    const waited = [undefined, source([]), source([old]), source([failing]), source([ready, busy]), conditionsFirst];
    const { stage, clock } = await stageOf([...waited, source([ready])]);
    expect(isReady(await stage.ready('GitRepository', 'app'))).toBe(true);
    expect(clock.slept).toHaveLength(waited.length);
  });

  it('tells conditions and the newest events where time runs out', async () => {
    const events = [3, 1, 2, 6, 5, 4].map((day) => event(`2026-11-0${day}T00:00:00Z`, `attempt ${day}`));
    const { stage } = await stageOf([source([failing])], events);
    await expect(stage.ready('GitRepository', 'app')).rejects.toThrow(
      [
        'GitRepository step/app is not ready after 5 s',
        'Ready=False (Failed): no such host',
        ...[2, 3, 4, 5, 6].map((day) => `event GitOperationFailed: attempt ${day}`),
      ].join('\n  '),
    );
  });

  it('says so where the object is not there at all', async () => {
    const { stage } = await stageOf([undefined]);
    await expect(stage.ready('GitRepository', 'app')).rejects.toThrow(
      'GitRepository step/app is not ready after 5 s: there is no such object',
    );
  });

  it('does not wait for what has given up', async () => {
    const stalled = { ...ready, type: 'Stalled', reason: 'URLInvalid', message: 'not a URL' };
    const { stage, clock } = await stageOf([source([stalled])]);
    await expect(stage.ready('GitRepository', 'app')).rejects.toThrow(/is stalled\n {2}Stalled=True \(URLInvalid\)/);
    expect(clock.slept).toEqual([1000]);
    const settling = await stageOf([source([stalled]), source([ready])]);
    expect(isReady(await settling.stage.ready('GitRepository', 'app'))).toBe(true);
  });

  it('gives the files of an artifact, and refuses other bytes than the source says', async () => {
    const bytes = packArchive({ 'a.txt': 'one\n' });
    const server = await startLoopback(() => ({ status: 200, body: bytes }));
    onTestFinished(() => server.stop());
    const { stage } = await stageOf([]);
    const artifact = (digest: string) => source([ready], { artifact: { url: `${server.url}/x.tar.gz`, digest } });
    expect(await stage.artifact(artifact(digestOf(bytes)))).toEqual({ 'a.txt': 'one\n' });
    await expect(stage.artifact(artifact(digestOf('other')))).rejects.toThrow(/its source says sha256:d9298a10/);
    await expect(stage.artifact(source([ready]))).rejects.toThrow(
      'GitRepository step/app is ready without an artifact',
    );
  });
});
