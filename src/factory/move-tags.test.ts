// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHttp, type ReportEvent } from '#core';
import { buildIndex, type Document, openRegistry, type RegistryClient } from '#image';
import { registryPlace, type ReleasePlace } from '#release';
import { createTestClock, startRegistry, type TestRegistry } from '#testing';
import { moveTags } from './move-tags.ts';

const OLD = buildIndex([], { made: 'before' });
const NEW = buildIndex([], { made: 'after' });
const NAMES = ['a', 'b', 'c', 'd'];

let registry: TestRegistry;
let client: RegistryClient;
let place: ReleasePlace;
let events: ReportEvent[];

beforeEach(async () => {
  registry = await startRegistry();
  const clock = createTestClock();
  client = openRegistry({ http: createHttp({ clock }), clock, credentials: async () => undefined });
  place = registryPlace(client, `${registry.host}/flux`);
  events = [];
});
afterEach(() => registry.stop());

const repository = (name: string) => ({ registry: registry.host, repository: `flux/${name}` });

async function put(name: string, { descriptor, bytes }: Document, tag: string): Promise<void> {
  await client.putManifest(repository(name), descriptor, bytes, tag);
}

/** Four repositories that hold both indexes; the tag names the older one. */
async function setUp(): Promise<void> {
  for (const name of NAMES) {
    await put(name, NEW, 'v1-r1');
    await put(name, OLD, 'v1');
  }
}

function move(): Promise<void> {
  const moves = NAMES.map((name) => ({ path: name, tag: 'v1', to: NEW }));
  return moveTags(moves, { place, report: (event) => void events.push(event) });
}

const named = () =>
  Promise.all(NAMES.map(async (name) => (await client.resolve({ ...repository(name), tag: 'v1' }))?.digest));
const all = ({ descriptor }: Document) => NAMES.map(() => descriptor.digest);

describe('moving tags', () => {
  it('moves all of them', async () => {
    await setUp();
    await move();
    expect(await named()).toEqual(all(NEW));
    expect(events).toEqual([]);
  });

  it('moves those back that were moved, where one is refused', async () => {
    await setUp();
    registry.fail({ kind: 'status', status: 403, when: /^PUT .*flux\/c\/manifests\/v1$/ });
    await expect(move()).rejects.toMatchObject({ code: 'REGISTRY_DENIED' });
    expect(await named()).toEqual(all(OLD));
    expect(events).toEqual([]);
  });

  it('moves back what was moved though the answer got lost', async () => {
    await setUp();
    registry.fail({ kind: 'status', status: 403, when: /^PUT .*flux\/a\/manifests\/v1$/ });
    registry.fail({ kind: 'lose-answer', when: /^PUT .*flux\/d\/manifests\/v1$/, times: 10 });
    await expect(move()).rejects.toThrow();
    expect(await named()).toEqual(all(OLD));
  });

  it('says which are ahead where the registry dies in between, and the next run finishes it', async () => {
    await setUp();
    registry.fail({ kind: 'die', after: 3, when: /^PUT .*manifests\/v1$/ });
    await expect(move()).rejects.toThrow();
    const [warning] = events;
    expect(warning).toMatchObject({ kind: 'warning' });
    expect(JSON.stringify(warning)).toContain('3 of 4 moving tags name what is new already');
    registry.revive();
    expect((await named()).filter((digest) => digest === NEW.descriptor.digest)).toHaveLength(3);
    await move();
    expect(await named()).toEqual(all(NEW));
  });
});
