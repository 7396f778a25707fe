// SPDX-License-Identifier: Apache-2.0
// A process that stops in the middle of a change of the schema, to be killed there: FOLDER or URL is its argument.
import { sql } from 'kysely';
import { connectFolder, connectServer } from '../connect.ts';
import { migrate } from '../migrate.ts';
import { MIGRATIONS } from '../migrations.ts';

const [place = ''] = process.argv.slice(2);
const db = await (place.startsWith('postgres:') ? connectServer(place) : connectFolder(place));
const slow = {
  up: async (transaction: typeof db) => {
    await sql`create table half (id integer)`.execute(transaction);
    await sql`alter table flaws drop column body cascade`.execute(transaction);
    process.stdout.write('half\n');
    await new Promise(() => setInterval(() => undefined, 1000));
  },
};
await migrate(db, { ...MIGRATIONS, '9000-slow': slow }, place);
