// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { createDecipheriv, createHash } from 'node:crypto';
import { armor, Decrypter } from 'age-encryption';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { digestOf, hexOf } from '#core';
import { packArchive, unpackArchive } from './archive.ts';
import { formatChartIndex, packChart } from './chart.ts';
import { createAgeKey, encryptSecret } from './sops.ts';

describe('the archive', () => {
  const files = { 'a/b.txt': 'one\n', 'ü.txt': 'zwei\n', 'empty.txt': '' };

  it('is read by tar, and by itself', async () => {
    const bytes = packArchive(files);
    const listed = spawnSync('tar', ['--list', '--gzip', '--verbose', '--quoting-style=literal'], {
      input: bytes,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', TZ: 'UTC' },
    });
    expect(listed.stdout).toContain('-rw-r--r-- 0/0               4 1970-01-01 00:00 a/b.txt\n');
    expect(listed.status).toBe(0);
    expect(await unpackArchive(bytes, 'test')).toEqual(files);
  });

  it('has the same bytes for the same files', () => {
    expect(packArchive(files)).toEqual(packArchive({ ...files }));
  });

  it('is refused where it is none', async () => {
    await expect(unpackArchive(Buffer.from('no gzip'), 'test')).rejects.toThrow('incorrect header check');
  });
});

describe('the chart', () => {
  it('stands in the index with its digest and its file', () => {
    const [one, two] = [packChart({ name: 'app', version: '1.0.0' }), packChart({ name: 'app', version: '1.1.0' })];
    const index = JSON.parse(formatChartIndex([one, two], new Date('2026-08-21T00:00:00Z')));
    expect(index.entries.app).toHaveLength(2);
    expect(index.entries.app[1]).toEqual({
      apiVersion: 'v2',
      name: 'app',
      version: '1.1.0',
      created: '2026-08-21T00:00:00.000Z',
      digest: hexOf(digestOf(two.archive)),
      urls: ['app-1.1.0.tgz'],
    });
  });

  it('has what the API server refuses in its broken form only', async () => {
    const files = async (broken: boolean) =>
      Object.keys(await unpackArchive(packChart({ name: 'app', version: '1.0.0', broken }).archive, 'test'));
    expect(await files(false)).toEqual(['app/Chart.yaml', 'app/values.yaml', 'app/templates/configmap.yaml']);
    expect(await files(true)).toContain('app/templates/service.yaml');
  });
});

/** Opens a value as SOPS seals it: 32 bytes of nonce, the path as additional data. */
function open(sealed: string, key: Uint8Array, path: string): string {
  const [, data = '', iv = '', tag = ''] = /^ENC\[AES256_GCM,data:(.*),iv:(.*),tag:(.*),type:str\]$/.exec(sealed) ?? [];
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64'));
  decipher.setAuthTag(Buffer.from(tag, 'base64'));
  decipher.setAAD(Buffer.from(path));
  return decipher.update(data, 'base64', 'utf8') + decipher.final('utf8');
}

describe('the Secret encrypted for SOPS', () => {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'sealed' },
    stringData: { password: 'correct horse', user: 'ü' },
  } as const;

  it('opens with the age key, and its hash holds', async () => {
    const age = await createAgeKey();
    const text = await encryptSecret(secret, [age], new Date('2026-08-21T01:02:03.456Z'));
    expect(text).not.toContain('correct horse');
    const { sops, stringData, metadata } = parse(text);
    expect(metadata).toEqual({ name: 'sealed' });
    const decrypter = new Decrypter();
    decrypter.addIdentity(age.secret);
    const key = await decrypter.decrypt(armor.decode(sops.age[0].enc));
    expect(open(stringData.password, key, 'stringData:password:')).toBe('correct horse');
    expect(open(stringData.user, key, 'stringData:user:')).toBe('ü');
    expect(sops.lastmodified).toBe('2026-08-21T01:02:03Z');
    const hash = createHash('sha512').update('v1Secretsealedcorrect horseü').digest('hex').toUpperCase();
    expect(open(sops.mac, key, sops.lastmodified)).toBe(hash);
  });

  it('does not open with another key, nor a value in the place of another', async () => {
    const [mine, other] = [await createAgeKey(), await createAgeKey()];
    const { sops, stringData } = parse(await encryptSecret(secret, [mine], new Date(0)));
    const stranger = new Decrypter();
    stranger.addIdentity(other.secret);
    await expect(stranger.decrypt(armor.decode(sops.age[0].enc))).rejects.toThrow();
    const decrypter = new Decrypter();
    decrypter.addIdentity(mine.secret);
    const key = await decrypter.decrypt(armor.decode(sops.age[0].enc));
    expect(() => open(stringData.password, key, 'stringData:user:')).toThrow();
  });
});
