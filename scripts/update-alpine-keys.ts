// SPDX-License-Identifier: Apache-2.0
// Writes keys/alpine-keys.pem: the pinned keys out of an archive that holds Alpine's package alpine-keys, which is that package itself
// (alpine-keys-*.apk) or a root of Alpine (alpine-minirootfs-*.tar.gz). A package is taken only if a key that is pinned already has
// signed it; of a root the pins alone decide. Usage: node --conditions=oakum-source scripts/update-alpine-keys.ts FILE
import { createPublicKey } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename, resolve } from 'node:path';
import { alpineFingerprint, ALPINE_KEYS, readAlpineKeyring, verifyApkSignatures } from '#bases';
import { replaceFile } from '#core';
import { decompress, openApk, readTar, type TarEntry } from '#formats';

const target = resolve(import.meta.dirname, '../keys/alpine-keys.pem');
const file = process.argv[2];
if (file === undefined) throw new Error('name an alpine-keys-*.apk or an alpine-minirootfs-*.tar.gz');
const found = new Map<string, string>();
for await (const entry of file.endsWith('.apk') ? packageEntries(file) : rootEntries(file)) {
  if (entry.kind !== 'file' || !/(?:^|\/)keys\/(?:[^/]+\/)?[^/]+\.rsa\.pub$/.test(entry.path)) continue;
  let pem = '';
  for await (const chunk of entry.body) pem += Buffer.from(chunk).toString('latin1');
  found.set(alpineFingerprint(createPublicKey(pem)), pem.trim());
}
const kept = ALPINE_KEYS.map(({ name, fingerprint }) => {
  const pem = found.get(fingerprint);
  if (pem === undefined) throw new Error(`${basename(file)} does not hold ${name}`);
  return `${name}\n${pem}\n`;
});
await replaceFile(target, kept.join('\n'));
console.log(`${kept.length} keys of ${basename(file)} written to keys/alpine-keys.pem`);

async function* packageEntries(path: string): AsyncGenerator<TarEntry> {
  const apk = await openApk(createReadStream(path), { where: path });
  verifyApkSignatures(apk.signatures, apk.control, {
    what: basename(path),
    where: path,
    architecture: apk.info.architecture,
    keyring: await readAlpineKeyring(),
    codes: { unsigned: 'BASE_PACKAGE_SIGNATURE', signature: 'BASE_PACKAGE_SIGNATURE' },
  });
  if (apk.info.name !== 'alpine-keys') throw new Error(`${path} is the package ${apk.info.name}`);
  yield* apk.entries();
}

function rootEntries(path: string): AsyncGenerator<TarEntry> {
  return readTar(decompress(createReadStream(path), { compression: 'gzip', maxBytes: 1 << 30, where: path }), {
    where: path,
  });
}
