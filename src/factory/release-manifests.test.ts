// SPDX-License-Identifier: Apache-2.0
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ReportEvent } from '#core';
import { type Definition, type Lock, readDefinition, readLock } from '#definition';
import { openReleaseManifests, type ReleaseManifestsRequest } from './release-manifests.ts';
import type { Workshop } from './workshop.ts';

const HOME = resolve(import.meta.dirname, '../..');

let definition: Definition;
let lock: Lock;
beforeAll(async () => {
  definition = (await readDefinition(join(HOME, 'distribution.yaml'))).definition;
  const found = await readLock(join(HOME, 'oakum.lock'));
  if (found === undefined) throw new Error('there is no lock');
  lock = found;
});

function open(change: Partial<ReleaseManifestsRequest>) {
  const events: ReportEvent[] = [];
  const machine = { platform: 'linux/amd64', cores: 1, memoryBytes: 1 };
  const shop = { report: (event: ReportEvent) => events.push(event), machine, isolated: true } as unknown as Workshop;
  const request = {
    definition,
    lock,
    release: '2.9.2',
    revision: 0,
    selection: {
      components: Object.keys(definition.components),
      channels: ['distroless'],
      platforms: ['linux/amd64'],
    },
    destination: { kind: 'layout', folder: '/nowhere' },
    registry: 'registry.example.com/flux',
    knowledge: {},
    ...change,
  } as unknown as ReleaseManifestsRequest;
  return { make: openReleaseManifests(request, shop), events };
}

const NONE = { records: [], files: [] };

describe("a release's manifests", () => {
  it('are refused before anything is built when the lock lacks what makes them', () => {
    const { kustomize: _, ...tools } = lock.tools ?? {};
    expect(() => open({ lock: { ...lock, tools } })).toThrow(expect.objectContaining({ code: 'LOCK_INCOMPLETE' }));
    expect(() => open({ lock: { ...lock, releases: {} } })).toThrow(
      expect.objectContaining({ code: 'LOCK_INCOMPLETE' }),
    );
  });

  it('are none where the definition wants none, and then nothing is needed', async () => {
    const manifests = { ...definition.manifests, make: false };
    const { make } = open({ definition: { ...definition, manifests }, lock: { ...lock, tools: {} } });
    expect(await make([], undefined as never)).toEqual(NONE);
  });

  it('are none of a part of the components, and that is said', async () => {
    const components = Object.keys(definition.components).filter((name) => name !== 'source-watcher');
    const { make, events } = open({ selection: { components, channels: ['distroless'], platforms: ['linux/amd64'] } });
    expect(await make([], undefined as never)).toEqual(NONE);
    expect(events).toEqual([{ kind: 'note', message: expect.stringContaining('source-watcher') }]);
  });
});
