// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Digest } from '#core';
import { buildZip, type ZipSpec } from '#testing';
import { type Desk, openDesk } from './__fixtures__/desk.ts';
import { below, goAdvisory, goDatabase, type MadeAdvisory, zipOf } from './__fixtures__/mirror.ts';
import { writeGoDatabase } from './go-database.ts';

const MODULES = new Set(['example.com/m1', 'example.com/m2', 'example.com/m3', 'example.com/m9']);
const LATER = '2026-08-20T09:00:00Z';

interface Advisory extends MadeAdvisory {
  readonly aliases?: readonly string[];
}

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(() => desk.stop());

async function idsOf(ecosystem: string, packages: ReadonlySet<string>): Promise<readonly string[]> {
  return ((await desk.open().advisories(ecosystem, packages)) as readonly Advisory[]).map(({ id }) => id);
}

/** The paths asked for since the last call. */
function asked(): readonly string[] {
  return desk.server.requests.splice(0).map(({ path }) => path);
}

describe('the Go vulnerability database', () => {
  const publish = (advisories: readonly MadeAdvisory[], modified?: string) =>
    desk.publish(below('go-vulndb', goDatabase(advisories, modified)));
  const three = [1, 2, 3].map((number) => goAdvisory(number));

  it('is fetched file by file, then only what its index says has changed', async () => {
    publish(three);
    await desk.updateOne('go');
    expect(asked()).toHaveLength(5);
    publish([goAdvisory(1), goAdvisory(2, { modified: LATER, module: 'example.com/m9' }), goAdvisory(4)], LATER);
    expect((await desk.updateOne('go', { accept: ['go'] })).result).toBe('updated');
    expect([...asked()].sort()).toEqual([
      'go-vulndb/ID/GO-2026-0002.json',
      'go-vulndb/ID/GO-2026-0004.json',
      'go-vulndb/index/db.json',
      'go-vulndb/index/vulns.json',
    ]);
    expect(await idsOf('Go', MODULES)).toEqual(['GO-2026-0001', 'GO-2026-0002']);
    expect(await idsOf('Go', new Set(['example.com/m4']))).toEqual(['GO-2026-0004']);
  });

  it('knows which packages changed since the snapshot before, and that it does not know of others', async () => {
    publish(three);
    const first = await desk.updateOne('go');
    publish([goAdvisory(1), goAdvisory(2, { modified: LATER, module: 'example.com/m9' }), goAdvisory(3)], LATER);
    const second = await desk.updateOne('go');
    const since = (digest = '') => desk.open().changedSince('go', digest as Digest);
    expect(await since(first.reading.digest)).toEqual(new Map([['Go', new Set(['example.com/m2', 'example.com/m9'])]]));
    expect(await since(second.reading.digest)).toEqual(new Map());
    expect(await since(`sha256:${'0'.repeat(64)}`)).toBeUndefined();
  });

  it('can be written out as it is served, for govulncheck', async () => {
    publish(three);
    const { reading } = await desk.updateOne('go');
    const target = join(desk.folder, 'served');
    expect(await writeGoDatabase(desk.folder, target)).toBe(reading.digest);
    const read = async (path: string) => JSON.parse(await readFile(join(target, path), 'utf8')) as unknown;
    expect(await read('ID/GO-2026-0002.json')).toEqual(goAdvisory(2));
    expect(await read('index/modules.json')).toEqual(
      three.map(({ id, modified }, index) => ({ path: `example.com/m${index + 1}`, vulns: [{ id, modified }] })),
    );
    const again = await openDesk();
    await expect(writeGoDatabase(again.folder, join(again.folder, 'none'))).rejects.toMatchObject({
      code: 'FEED_ABSENT',
    });
    for (const path of await readdir(target, { recursive: true }))
      if (path.endsWith('.json')) again.server.publish(`go-vulndb/${path}`, await readFile(join(target, path)));
    expect((await again.updateOne('go')).reading.digest).toBe(reading.digest);
    await again.stop();
  });

  it('is fetched as a zip where much has changed and the server has one', async () => {
    const many = Array.from({ length: 301 }, (_, index) => goAdvisory(index + 1));
    publish(many);
    desk.server.publish('go-vulndb/vulndb.zip', zipOf(goDatabase(many)));
    expect((await desk.updateOne('go')).reading.count).toBe(301);
    expect(asked()).toEqual(['go-vulndb/index/db.json', 'go-vulndb/index/vulns.json', 'go-vulndb/vulndb.zip']);
  });

  it('is not believed where a file is older than the index, is another, or is missing', async () => {
    publish(three);
    const kept = await desk.updateOne('go');
    publish([goAdvisory(1), goAdvisory(2, { modified: LATER }), goAdvisory(3)], LATER);
    for (const body of [JSON.stringify(goAdvisory(2)), JSON.stringify(goAdvisory(7, { modified: LATER }))]) {
      desk.server.fail({ path: /ID.GO-2026-0002/, kind: 'instead', body });
      const { reading } = await desk.updateOne('go');
      expect(reading).toMatchObject({
        state: 'faulty',
        reason: expect.stringMatching(/its index names GO-2026-0002 of/),
        digest: kept.reading.digest,
      });
      desk.server.heal();
    }
    desk.server.withdraw('go-vulndb/ID/GO-2026-0002.json');
    expect((await desk.updateOne('go')).reading.reason).toMatch(/no such file/);
  });

  it('finds advisories by id and alias, withdrawn ones without packages too', async () => {
    const { affected: _, ...bare } = goAdvisory(5);
    publish([...three, { ...bare, withdrawn: LATER } as MadeAdvisory]);
    await desk.updateOne('go');
    const find = async (id: string) => (await desk.open().advisoriesById(new Set([id]))) as readonly Advisory[];
    expect((await find('GO-2026-0002'))[0]).toEqual(goAdvisory(2));
    expect((await find('CVE-2026-10002'))[0]?.id).toBe('GO-2026-0002');
    expect((await find('GO-2026-0005'))[0]?.id).toBe('GO-2026-0005');
    expect(await find('GO-2026-0006')).toEqual([]);
    asked();
    publish([...three, { ...bare, withdrawn: LATER } as MadeAdvisory], '2026-08-20T10:00:00Z');
    await desk.updateOne('go');
    expect(asked()).toEqual(['go-vulndb/index/db.json', 'go-vulndb/index/vulns.json']);
  });

  it('names a package as a stranger might: __proto__, quotes, other scripts', async () => {
    const names = ['__proto__', 'constructor', 'a"b\n', 'пакет', 'x'.repeat(1024)];
    publish(names.map((module, index) => goAdvisory(index + 1, { module })));
    await desk.updateOne('go');
    for (const [index, module] of names.entries())
      expect(await idsOf('Go', new Set([module]))).toEqual([`GO-2026-000${index + 1}`]);
    expect(await idsOf('Go', new Set(['toString', 'hasOwnProperty']))).toEqual([]);
    expect(await idsOf('__proto__', new Set(names))).toEqual([]);
  });

  it.each([
    ['a path for an id', { id: '../../x', modified: LATER }, /must be an id/],
    ['no time', { id: 'GO-2026-0001', modified: 'soon' }, /must be a time/],
    [
      'events that are no list',
      { ...goAdvisory(1), affected: [{ ranges: [{ type: 'SEMVER', events: {} }] }] },
      /affected\.0\.ranges\.0\.events/,
    ],
    [
      'a package without a name',
      { ...goAdvisory(1), affected: [{ package: { ecosystem: 'Go', name: '' } }] },
      /affected\.0\.package\.name/,
    ],
  ] as const)('refuses a record with %s', async (_name, advisory, reason) => {
    desk.publish({ 'go-vulndb.zip': zipOf(goDatabase([advisory])) });
    expect((await desk.updateOne('go')).reading).toMatchObject({
      state: 'missing',
      reason: expect.stringMatching(reason),
    });
  });

  const content = Object.entries(goDatabase(three)).map(([name, text]) => ({ name, content: text }));
  const zeros = Buffer.alloc(5 << 20);
  it.each<[string, Buffer, RegExp]>([
    [
      'a bomb that says how large it is',
      buildZip([...content, { name: 'ID/x.json', content: zeros }]),
      /ID\/x\.json is larger than/,
    ],
    ['a bomb of many', bombOfMany(), /unpacked it is larger than/],
    [
      'a bomb that lies',
      buildZip([...content, { name: 'ID/x.json', content: zeros, claimedSize: 10 }]),
      /larger than it says/,
    ],
    ['a wrong checksum', buildZip(content.map((entry) => ({ ...entry, claimedCrc32: 1 }))), /checksum/],
    ['an end that is cut off', zipOf(goDatabase(three)).subarray(0, -30), /cut short or no zip/],
    [
      'a file that its index lacks',
      zipOf({ ...goDatabase(three), 'ID/GO-2026-0004.json': JSON.stringify(goAdvisory(4)) }),
      /holds 4 advisories, its index 3/,
    ],
    [
      'a file under another name',
      zipOf({ ...goDatabase(three), 'ID/GO-2026-0003.json': JSON.stringify(goAdvisory(4)) }),
      /belongs elsewhere/,
    ],
    ['no index', zipOf({ 'ID/GO-2026-0004.json': JSON.stringify(goAdvisory(4)) }), /lacks this file/],
    ['a web page', Buffer.from('<html>'), /no zip/],
  ])('refuses a zip with %s', async (_name, zip, reason) => {
    desk.publish({ 'go-vulndb.zip': zip });
    const { reading } = await desk.updateOne('go');
    expect(reading).toMatchObject({ state: 'missing', reason: expect.stringMatching(reason) });
  });

  it('refuses a zip that lost an advisory its index names', async () => {
    const { 'ID/GO-2026-0003.json': _, ...rest } = goDatabase(three);
    desk.publish({ 'go-vulndb.zip': zipOf(rest) });
    expect((await desk.updateOne('go')).reading.reason).toMatch(/its index names GO-2026-0003, which it does not hold/);
  });
});

/** One stream of zeros that a hundred entries call theirs, 4 MB each. */
function bombOfMany(): Buffer {
  const entry = { content: Buffer.alloc(4 << 20) };
  return buildZip(Array.from({ length: 60 }, (_, index): ZipSpec => ({ ...entry, name: `ID/${index}.json` })));
}

describe("OSV's dumps", () => {
  const ghsa = (number: number, options: Parameters<typeof goAdvisory>[1] = {}) => ({
    ...goAdvisory(number, options),
    id: `GHSA-aaaa-bbbb-${String(number).padStart(4, '0')}`,
  });
  const files = (advisories: readonly MadeAdvisory[]) =>
    Object.fromEntries(advisories.map((advisory) => [`${advisory.id}.json`, JSON.stringify(advisory)]));
  const list = (advisories: readonly MadeAdvisory[]) =>
    advisories.map(({ id, modified }) => `${modified},${id}\n`).join('');

  it('follow modified_id.csv where there is one', async () => {
    const two = [ghsa(1), ghsa(2)];
    desk.publish(below('osv/Go', { 'modified_id.csv': list(two), ...files(two) }));
    await desk.updateOne('osv');
    const changed = [ghsa(1), ghsa(2, { modified: LATER, module: 'example.com/m9' })];
    desk.publish(below('osv/Go', { 'modified_id.csv': list(changed), ...files(changed) }));
    asked();
    expect((await desk.updateOne('osv')).result).toBe('updated');
    expect(asked()).toEqual(['osv/Go/modified_id.csv', 'osv/Go/GHSA-aaaa-bbbb-0002.json']);
    expect(await idsOf('Go', new Set(['example.com/m9']))).toEqual(['GHSA-aaaa-bbbb-0002']);
    expect((await desk.updateOne('osv')).result).toBe('unchanged');
    desk.publish({ 'osv/Go/modified_id.csv': 'not,a list\n' });
    expect((await desk.updateOne('osv')).reading).toMatchObject({
      state: 'faulty',
      reason: expect.stringMatching(/line 1/),
    });
  });

  it('and the Go database are read only for packages that one of them says something of', async () => {
    const open = {
      ...ghsa(2),
      affected: [{ package: { ecosystem: 'Go', name: 'example.com/m2' }, versions: ['9.0.0'] }],
    };
    desk.publish({
      ...below('go-vulndb', goDatabase([1, 2, 3].map((number) => goAdvisory(number)))),
      'osv/Go/all.zip': zipOf(files([ghsa(1), open])),
    });
    await desk.updateOne('go');
    await desk.updateOne('osv');
    const read = async (module: string, versions: readonly (string | undefined)[]) => {
      const found = await desk.open().advisories('Go', MODULES, new Map([[`example.com/${module}`, versions]]));
      return found.filter((one) => JSON.stringify(one).includes(`"example.com/${module}"`)).length;
    };
    expect(await read('m1', ['v1.2.3', 'v2.0.0'])).toBe(0);
    expect(await read('m1', ['v1.2.3', 'v1.2.2'])).toBe(2);
    expect(await read('m1', ['v1.2.3', undefined])).toBe(2);
    expect(await read('m1', ['(devel)'])).toBe(2);
    expect(await read('m2', ['v1.2.3'])).toBe(2);
    expect(await read('m3', ['v1.2.3'])).toBe(0);
    expect(await read('m9', ['v1.2.3'])).toBe(0);
  });

  it('hold single ids beside the ecosystems, by the address of the API', async () => {
    const other = { ...ghsa(3), affected: [{ package: { ecosystem: 'PyPI', name: 'p' }, versions: ['1'] }] };
    desk.publish({ 'osv/Go/all.zip': zipOf(files([ghsa(1)])), [`osv/vulns/${other.id}.json`]: JSON.stringify(other) });
    const sources = { mirror: desk.server.url, osvIds: [other.id] };
    expect((await desk.updateOne('osv', { sources })).reading).toMatchObject({ count: 2, ecosystems: ['Go', 'PyPI'] });
    expect(await idsOf('PyPI', new Set(['p']))).toEqual([other.id]);
    expect((await desk.updateOne('osv', { sources })).result).toBe('unchanged');
  });

  it('are held beside the Go database: of one id the newer record is given, once', async () => {
    const newer = { ...goAdvisory(1, { modified: LATER }), severity: [{ type: 'CVSS_V3', score: 'x' }] };
    desk.publish(below('go-vulndb', goDatabase([goAdvisory(1), goAdvisory(2, { modified: LATER })])));
    desk.publish({ 'osv/Go/all.zip': zipOf(files([newer, goAdvisory(2), ghsa(1)])) });
    await desk.update(['go', 'osv']);
    const found = await desk.open().advisories('Go', MODULES);
    expect(found).toEqual([ghsa(1), newer, goAdvisory(2, { modified: LATER })]);
  });
});
