// SPDX-License-Identifier: Apache-2.0
// Real feeds, frozen in a folder with the layout of a mirror, as of 2026-08-21: OAKUM_FEEDS_SNAPSHOT names it. Skipped without.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readZipDirectory, readZipEntry } from '#formats';
import { type Desk, openDesk } from './__fixtures__/desk.ts';
import { writeGoDatabase } from './go-database.ts';

const SNAPSHOT = process.env['OAKUM_FEEDS_SNAPSHOT'] ?? '';

/** The modules' index is written without the newest fixed version. */
function withoutFixed(name: string): (key: string, value: unknown) => unknown {
  return (key, value) => (name === 'index/modules.json' && key === 'fixed' ? undefined : value);
}

describe.skipIf(SNAPSHOT === '')('feeds as they are', () => {
  let desk: Desk;
  beforeAll(async () => {
    desk = await openDesk({ mirror: SNAPSHOT });
    desk.clock.advance(12 * 3_600_000);
    await desk.update(['go', 'alpine', 'kev', 'epss', 'endoflife']);
  });
  afterAll(() => desk.stop());

  it('are all read, and hold what they say', async () => {
    const readings = (await desk.open().status()).filter(({ digest }) => digest !== undefined);
    expect(readings.map(({ name, state, count }) => [name, state, count])).toEqual([
      ['go', 'fresh', 4291],
      ['alpine', 'fresh', expect.any(Number)],
      ['kev', 'fresh', 1662],
      ['epss', 'fresh', 241_034],
      ['endoflife', 'fresh', expect.any(Number)],
    ]);
    expect(readings[1]?.ecosystems).toContain('Alpine:v3.21');
  });

  it('give the Go database back as it was served', async () => {
    const target = join(desk.folder, 'served');
    await writeGoDatabase(desk.folder, target);
    const zip = readFileSync(join(SNAPSHOT, 'go-vulndb.zip'));
    const source = { size: zip.length, read: (at: number, length: number) => zip.subarray(at, at + length) };
    for (const entry of readZipDirectory(source)) {
      if (entry.name.endsWith('/')) continue;
      const served = JSON.parse(readZipEntry(source, entry).toString(), withoutFixed(entry.name)) as unknown;
      const written = JSON.parse(readFileSync(join(target, entry.name), 'utf8')) as unknown;
      if (!isDeepStrictEqual(written, served)) expect(written, entry.name).toEqual(served);
    }
  });

  it('know the advisories that the field knows', async () => {
    const open = desk.open();
    const grpc = (await open.advisories('Go', new Set(['google.golang.org/grpc']))) as readonly { id: string }[];
    expect(grpc.map(({ id }) => id)).toContain('GO-2026-6061');
    expect((await open.advisories('Go', new Set(['stdlib']))).length).toBeGreaterThan(150);
    const zlib = (await open.advisoriesById(new Set(['CVE-2022-37434']))) as readonly { id: string }[];
    expect(zlib.some(({ id }) => id === 'ALPINE-CVE-2022-37434')).toBe(true);
    expect((await open.kev(new Set(['CVE-2021-44228']))).get('CVE-2021-44228')?.dateAdded).toBe('2021-12-10');
    expect((await open.epss(new Set(['CVE-2021-44228']))).get('CVE-2021-44228')?.score).toBeGreaterThan(0.9);
    expect((await open.lifeCycles('go'))?.find(({ cycle }) => cycle === '1.25')?.endOfLife).toBe('2026-08-19');
  });
});
