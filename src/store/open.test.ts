// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type StoreOptions, withStore } from '#store';
import { ENGINES, type Engines, startEngines } from './__fixtures__/engines.ts';
import { connectFolder, connectServer } from './connect.ts';

let engines: Engines;
beforeAll(async () => {
  engines = await startEngines();
});
afterAll(() => engines?.stop());

const placeOf = ({ url, dataFolder }: StoreOptions) => url ?? join(dataFolder, 'store', 'database');
const failure = (run: Promise<unknown>) =>
  run.then(
    () => undefined,
    (error: unknown) => error,
  );

/** Runs SQL in a store from outside. */
async function execute(options: StoreOptions, statement: string): Promise<void> {
  const { url } = options;
  const db = await (url === undefined ? connectFolder(placeOf(options)) : connectServer(url));
  await sql.raw(statement).execute(db);
  await db.destroy();
}

describe.each(ENGINES)('opening the store on %s', (engine) => {
  test('makes its tables once, and keeps what is in them', async () => {
    const options = engines.newStore(engine);
    const first = await withStore(options, (store) => store.status());
    expect(first).toMatchObject({ schema: '0001-first', counts: { subjects: 0 } });
    expect(await withStore(options, (store) => store.status())).toMatchObject({ schema: '0001-first' });
  });

  test('refuses a store that a newer Oakum has changed', async () => {
    const options = engines.newStore(engine);
    await withStore(options, async () => undefined);
    await execute(options, `insert into kysely_migration values ('9999-future', '2030-01-01')`);
    const error = await failure(withStore(options, async () => undefined));
    expect(error).toMatchObject({ code: 'STORE_NEWER', message: expect.stringContaining('9999-future') });
  });

  test('finds the old schema whole after a process was killed in the middle of a change', async () => {
    const options = engines.newStore(engine);
    await withStore(options, async () => undefined);
    await killedHalfway(placeOf(options));
    await withStore(options, async (store) => {
      expect(await store.status()).toMatchObject({ schema: '0001-first', counts: { flaws: 0 } });
    });
    await execute(options, 'alter table flaws alter column body set not null');
    await expect(execute(options, 'select * from half')).rejects.toThrow('half');
  });

  test('serves two at once, one after the other', async () => {
    const options = engines.newStore(engine);
    const both = await Promise.all([1, 2].map(() => withStore(options, (store) => store.status())));
    expect(both.map(({ schema }) => schema)).toEqual(['0001-first', '0001-first']);
  });
});

/** Runs the fixture until it says that half of its change is made, then kills it. */
function killedHalfway(place: string): Promise<void> {
  const script = join(import.meta.dirname, '__fixtures__', 'slow-migration.ts');
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, ['--conditions=oakum-source', script, place], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.stdout.on('data', (chunk: Buffer) => chunk.toString().includes('half') && child.kill('SIGKILL'));
    child.on('close', (code, signal) =>
      signal === 'SIGKILL' ? done() : fail(new Error(`ended with ${code}: ${text}`)),
    );
  });
}

describe('a store in the data folder', () => {
  test('is busy while another has it open', async () => {
    const options = engines.newStore('PGlite');
    const error = await withStore(options, () =>
      failure(withStore({ ...options, patienceMilliseconds: 100 }, async () => undefined)),
    );
    expect(error).toMatchObject({ code: 'STORE_BUSY', hint: expect.stringContaining('OAKUM_STORE_URL') });
  });

  test('of another release of PostgreSQL is told from a damaged one', async () => {
    const options = engines.newStore('PGlite');
    writeFileSync(join(placeOf(options), 'PG_VERSION'), '17\n');
    expect(await failure(withStore(options, async () => undefined))).toMatchObject({
      code: 'STORE_UNSUPPORTED',
      message: expect.stringContaining('17, not 18'),
    });
    const broken = engines.newStore('PGlite');
    writeFileSync(join(placeOf(broken), 'global', 'pg_control'), 'x');
    expect(await failure(withStore(broken, async () => undefined))).toMatchObject({
      code: 'STORE_DAMAGED',
      hint: expect.stringContaining('rebuild'),
    });
  });

  test('is made anew beside what a killed process has left', async () => {
    const options = { ...engines.newStore('PostgreSQL'), url: undefined };
    const store = join(options.dataFolder, 'store');
    mkdirSync(join(store, 'database.tmp-1-abc', 'base'), { recursive: true });
    await withStore(options, async () => undefined);
    expect(readdirSync(store)).toEqual(['database']);
  });
});

describe('a store on a server', () => {
  const open = (url: string) =>
    failure(withStore({ dataFolder: '/nowhere', url, report: () => undefined }, async () => undefined));

  test('that is not there, or refuses, says so without the password', async () => {
    const gone = await open('postgres://jane:hunter2@127.0.0.1:1/oakum');
    expect(gone).toMatchObject({ code: 'STORE_UNREACHABLE', where: 'postgres://127.0.0.1:1/oakum' });
    const refused = await open(engines.server.createDatabase().replace(/\/test\d+/, '/absent'));
    expect(refused).toMatchObject({ code: 'STORE_REFUSED', message: expect.stringContaining('"absent"') });
    const wrong = await open('mysql://jane:hunter2@db.example.com/oakum');
    expect(wrong).toMatchObject({ code: 'STORE_URL_INVALID' });
    for (const error of [gone, refused, wrong]) expect(JSON.stringify(error) + String(error)).not.toContain('hunter2');
  });

  test('leaves the tables of other programs alone', async () => {
    const options = engines.newStore('PostgreSQL');
    engines.server.query(options.url ?? '', 'create table flaws (x int); insert into flaws values (7)');
    await withStore(options, async (store) => expect(await store.status()).toMatchObject({ counts: { flaws: 0 } }));
    expect(engines.server.query(options.url ?? '', 'select x from public.flaws')).toBe('7');
  });
});
