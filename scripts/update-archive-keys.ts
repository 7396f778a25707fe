// SPDX-License-Identifier: Apache-2.0
// Writes keys/debian-archive-keyring.asc from the package debian-archive-keyring as the machine's own apt serves and
// proves it, keeping only the pinned keys. Needs Debian's apt and dpkg; changes nothing on the machine.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readKey, readKeys } from 'openpgp';
import { DEBIAN_ARCHIVE_KEYS } from '#bases';
import { replaceFile } from '#core';

const target = resolve(import.meta.dirname, '../keys/debian-archive-keyring.asc');
const folder = await mkdtemp(join(tmpdir(), 'archive-keys-'));
try {
  run('apt-get', ['download', 'debian-archive-keyring'], folder);
  const [deb] = (await readdir(folder)).filter((name) => name.endsWith('.deb'));
  if (deb === undefined) throw new Error('apt-get gave no package');
  run('dpkg', ['-x', deb, 'root'], folder);
  const keyrings = join(folder, 'root/usr/share/keyrings');
  const names = await readdir(keyrings);
  const name = names.find((one) => one === 'debian-archive-keyring.pgp') ?? 'debian-archive-keyring.gpg';
  const all = await readKeys({ binaryKeys: await readFile(join(keyrings, name)) });
  const kept = DEBIAN_ARCHIVE_KEYS.map(({ fingerprint, purpose }) => {
    const key = all.find((one) => one.getFingerprint().toUpperCase() === fingerprint);
    if (key === undefined) throw new Error(`${deb} does not hold ${fingerprint} (${purpose})`);
    return key.armor();
  });
  for (const armored of kept) await readKey({ armoredKey: armored });
  await replaceFile(target, kept.join('').replaceAll('\r\n', '\n'));
  console.log(`${kept.length} keys of ${decodeURIComponent(deb)} written to keys/debian-archive-keyring.asc`);
} finally {
  await rm(folder, { recursive: true });
}

function run(command: string, args: readonly string[], cwd: string): void {
  const { status } = spawnSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`${command} failed`);
}
