// SPDX-License-Identifier: Apache-2.0
// The source of an API server, from a small proxy with a checksum database; that a real one compiles from it, test/system/compat.test.ts shows.
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCache, removeTree } from '#cache';
import { createHttp, type ReportEvent, systemClock } from '#core';
import { type Definition, emptyLock, type Lock, readDefinition } from '#definition';
import { parseGoMod, parseGoSum } from '#formats';
import { type Exemption, openSources, parseChecksumDatabase, parseGoProxies } from '#sources';
import { type GoProxyServer, startGoProxy } from '#testing';
import { lockApiServer, newestPatch, servedMinors } from './api-server.ts';
import type { Workshop } from './workshop.ts';

const KUBERNETES = 'k8s.io/kubernetes';
const COMMIT = 'a'.repeat(40);

let proxy: GoProxyServer;
let definition: Definition;
let folder: string;

beforeAll(async () => {
  ({ definition } = await readDefinition(resolve(import.meta.dirname, '../../distribution.yaml')));
  folder = mkdtempSync(join(tmpdir(), 'oakum-api-server-'));
  proxy = await startGoProxy();
  publishKubernetes('1.36.2', {});
  publishKubernetes('1.36.10', {});
  publishKubernetes('1.37.0-rc.1', {});
  publishKubernetes('1.31.14', { unknown: ['k8s.io/api', 'k8s.io/kms'] });
});
afterAll(async () => {
  await proxy.stop();
  await removeTree(folder);
});

/** Publishes a Kubernetes as upstream does: its module names folders that its zip lacks, and those modules are there as v0. */
function publishKubernetes(version: string, { unknown = [] }: { readonly unknown?: readonly string[] }): void {
  const staging = `v0.${version.slice(2)}`;
  const time = '2026-08-13T09:10:11Z';
  for (const path of ['k8s.io/api', 'k8s.io/kms']) {
    const files = { 'go.mod': `module ${path}\n\ngo 1.26.0\n`, 'doc.go': 'package doc\n' };
    proxy.publish({ path, version: staging, time, files, ...(unknown.includes(path) ? { unknown: true } : {}) });
  }
  const other = { path: 'example.com/other', version: 'v1.0.0', time };
  const { zipHash, modHash } = proxy.publish({ ...other, files: { 'go.mod': 'module example.com/other\n' } });
  const mod = `module ${KUBERNETES}

go 1.26.0

require (
	example.com/other v1.0.0
	k8s.io/api v0.0.0
	k8s.io/kms v0.0.0
	k8s.io/sample-apiserver v0.0.0
)

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/kms => ./staging/src/k8s.io/kms
	k8s.io/sample-apiserver => ./staging/src/k8s.io/sample-apiserver
	k8s.io/sample-controller => ./staging/src/k8s.io/sample-controller
)
`;
  const sum = `example.com/other v1.0.0 ${zipHash}\nexample.com/other v1.0.0/go.mod ${modHash}\n`;
  proxy.publish({
    path: KUBERNETES,
    version: `v${version}`,
    time,
    origin: { URL: 'https://example.com/kubernetes', Hash: COMMIT },
    files: { 'go.mod': mod, 'go.sum': sum, 'cmd/kube-apiserver/main.go': 'package main\n\nfunc main() {}\n' },
  });
}

async function openShop(name: string, exemptions: readonly Exemption[] = []) {
  const cache = await openCache(join(folder, name));
  const events: ReportEvent[] = [];
  const report = (event: ReportEvent) => void events.push(event);
  const sources = openSources({
    http: createHttp({ clock: systemClock() }),
    cache,
    stateFolder: join(folder, name, 'state'),
    proxies: parseGoProxies(proxy.url),
    checksumDatabase: parseChecksumDatabase(proxy.log.key),
    exemptions,
    report,
  });
  const shop = { cache, report, sources: async () => sources } as unknown as Workshop;
  const lockOne = (kubernetes: string, changes: { lock?: Lock; locked?: boolean; refresh?: boolean } = {}) =>
    lockApiServer(
      {
        definition,
        lock: emptyLock('c'),
        lockFile: 'oakum.lock',
        locked: false,
        refresh: false,
        kubernetes,
        ...changes,
      },
      shop,
    );
  return { shop, cache, events, lockOne };
}

describe('the lock of an API server', () => {
  it('holds the newest patch of a minor, where it came from, and the hash of the source that is compiled', async () => {
    const { cache, lockOne } = await openShop('newest');
    const { lock, minor, changed } = await lockOne('1.36');
    const locked = lock.kubernetes?.['1.36'];
    expect({ minor, changed }).toEqual({ minor: '1.36', changed: true });
    expect(locked).toMatchObject({
      module: { path: KUBERNETES, version: 'v1.36.10', proof: { kind: 'checksum-database' } },
      time: '2026-08-13T09:10:11.000Z',
      origin: { commit: COMMIT },
      treeHash: expect.stringMatching(/^h1:/),
    });
    const [tree = ''] = readdirSync(join(cache.folder, 'trees/derive-source'));
    const text = (file: string) => readFileSync(join(cache.folder, 'trees/derive-source', tree, file), 'utf8');
    const mod = parseGoMod(text('go.mod'));
    expect(mod.require.map(({ path, version }) => `${path} ${version}`)).toEqual([
      'example.com/other v1.0.0',
      'k8s.io/api v0.36.10',
      'k8s.io/kms v0.36.10',
    ]);
    expect(mod.replace).toEqual([]);
    const sums = parseGoSum(text('go.sum')).map(({ path, of }) => `${path} ${of}`);
    expect(sums).toEqual(
      ['example.com/other', 'k8s.io/api', 'k8s.io/kms'].flatMap((path) => [`${path} zip`, `${path} go.mod`]),
    );
  });

  it('stays as it is for its minor and its patch, and follows another patch or --refresh', async () => {
    const { lockOne } = await openShop('stays');
    const older = await lockOne('1.36.2');
    expect(older.lock.kubernetes?.['1.36']?.module.version).toBe('v1.36.2');
    for (const same of ['1.36', 'v1.36.2']) {
      expect(await lockOne(same, { lock: older.lock, locked: true })).toMatchObject({
        changed: false,
        lock: older.lock,
      });
    }
    const newer = await lockOne('1.36', { lock: older.lock, refresh: true });
    expect(newer.lock.kubernetes?.['1.36']?.module.version).toBe('v1.36.10');
    const back = await lockOne('1.36.2', { lock: newer.lock });
    expect(back.lock).toEqual(older.lock);
  });

  it('passes over a patch of which a part is not served, and says so; named, it is an error', async () => {
    proxy.fail({ kind: 'status', status: 404, path: /k8s\.io\/kms\/@v\/v0\.36\.10\.zip/ });
    const { lockOne, events } = await openShop('unserved');
    const { lock } = await lockOne('1.36');
    const named = lockOne('1.36.10');
    await expect(named).rejects.toMatchObject({ code: 'MODULE_NOT_SERVED' });
    proxy.heal();
    expect(lock.kubernetes?.['1.36']).toMatchObject({ module: { version: 'v1.36.2' }, passedOver: ['v1.36.10'] });
    expect(events).toContainEqual({
      kind: 'note',
      message: expect.stringMatching(/^Kubernetes v1\.36\.10 passed over: k8s\.io\/kms@v0\.36\.10 is not served/),
    });
  });

  it('is not changed where --locked forbids it', async () => {
    const { lockOne } = await openShop('locked');
    await expect(lockOne('1.36', { locked: true })).rejects.toMatchObject({
      code: 'LOCK_INCOMPLETE',
      where: 'oakum.lock',
    });
  });

  it.each(['latest', '2.9.2', '1.36.x', ''])('is not made for "%s", which is no Kubernetes', async (name) => {
    const { lockOne } = await openShop('names');
    await expect(lockOne(name)).rejects.toMatchObject({ code: 'KUBERNETES_UNKNOWN' });
  });

  it('is not made for a minor of which there is no release', async () => {
    const { lockOne } = await openShop('released');
    await expect(lockOne('1.37')).rejects.toMatchObject({
      code: 'KUBERNETES_UNKNOWN',
      message: /1\.37 has no version/,
    });
  });

  it('names every staging module that the database lacks, and takes them by named exemptions alone', async () => {
    const { lockOne } = await openShop('unproved');
    await expect(lockOne('1.31')).rejects.toMatchObject({
      code: 'STAGING_UNPROVED',
      family: 'proof',
      message: expect.stringMatching(/2 of the modules .*: k8s\.io\/api@v0\.31\.14, k8s\.io\/kms@v0\.31\.14$/),
      hint: expect.stringContaining('exemptions'),
    });
    const one = await openShop('one', [{ module: 'k8s.io/api@v0.31.14' }]);
    await expect(one.lockOne('1.31')).rejects.toMatchObject({
      message: /does not know 1 of .*k8s\.io\/kms@v0\.31\.14$/,
    });
    const both = await openShop('both', [{ module: 'k8s.io/api@v0.31.14' }, { module: 'k8s.io/kms@v0.31.14' }]);
    const { lock } = await both.lockOne('1.31');
    expect(lock.kubernetes?.['1.31']?.module.version).toBe('v1.31.14');
    expect(both.events.filter(({ kind }) => kind === 'warning')).toHaveLength(2);
  });
});

describe('what the proxies list', () => {
  it('gives the newest minors and patches, releases alone', async () => {
    const { shop } = await openShop('lists');
    expect(await servedMinors(6, shop)).toEqual(['1.31', '1.36']);
    expect(await servedMinors(1, shop)).toEqual(['1.36']);
    expect(await newestPatch('1.36', shop)).toBe('v1.36.10');
    expect(await newestPatch('1.37', shop)).toBeUndefined();
  });
});
