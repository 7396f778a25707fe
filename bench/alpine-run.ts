// SPDX-License-Identifier: Apache-2.0
// Composes a root of Alpine packages and packs its layer, in a process of its own so that its time and memory can be told. Run by alpine.ts.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { composeAlpine, openAlpine, readAlpineKeys } from '#bases';
import { openCache } from '#cache';
import { createHttp, systemClock } from '#core';
import { storeLayer } from '#image';

const [folder = '', mirror = '', words = ''] = process.argv.slice(2);
const clock = systemClock();
const cache = await openCache(join(folder, 'cache'));
const alpine = openAlpine({
  http: createHttp({ clock }),
  cache,
  stateFolder: join(folder, 'state'),
  clock,
  mirrors: [mirror],
  keyring: await readAlpineKeys(join(folder, 'test@example.org-1.rsa.pub')),
});
const world = words.split(',');
const lockFile = join(folder, 'lock.json');
const known = await readFile(lockFile, 'utf8').catch(() => undefined);
if (known === undefined) {
  // Locking fetches and proves every package: that is not what is measured.
  const resolved = await alpine.resolve({ branch: 'v3.24', repositories: ['main'], packages: world }, 'amd64');
  process.stdout.write(JSON.stringify({ lock: resolved.packages }));
} else {
  const packages = JSON.parse(known);
  const request = { branch: 'v3.24', architecture: 'x86_64', repositories: ['v3.24/main'], world, packages };
  const root = await composeAlpine(request, { cache, open: (one) => alpine.open(one) });
  const inputs = { bench: root.entries.length, nonce: process.pid };
  const { layer } = await storeLayer({ inputs, entries: () => root.entries, epoch: root.epoch }, cache);
  process.stdout.write(JSON.stringify({ layer: layer.digest, size: layer.size }));
}
