// SPDX-License-Identifier: Apache-2.0
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCache, removeTree } from '#cache';
import { createHttp, type ReportEvent } from '#core';
import { buildZip, createTestClock, type GoProxyServer, startGoProxy, type ZipSpec } from '#testing';
import { type Exemption, openSources, parseChecksumDatabase, parseGoProxies, type Sources } from './index.ts';

const TOY = { path: 'toy.test/Cased/toy', version: 'v1.2.3' };
const FILES = { 'toy.go': 'package toy\n', 'sub/a.go': 'package sub\n', LICENSE: 'free\n' };

let root: string;
let proxy: GoProxyServer;
let events: ReportEvent[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'oakum-sources-'));
  proxy = await startGoProxy();
  events = [];
});

afterEach(async () => {
  await proxy.stop();
  await removeTree(root);
});

interface Given {
  readonly proxies?: string;
  readonly database?: string;
  readonly exemptions?: readonly Exemption[];
  readonly cache?: string;
}

/** Each call is a new run of Oakum: only what is on disk is shared. */
async function open(given: Given = {}): Promise<Sources> {
  return openSources({
    http: createHttp({ clock: createTestClock() }),
    cache: await openCache(join(root, given.cache ?? 'cache')),
    stateFolder: join(root, 'state'),
    proxies: parseGoProxies(given.proxies ?? proxy.url),
    checksumDatabase: parseChecksumDatabase(given.database ?? proxy.log.key),
    exemptions: given.exemptions ?? [],
    report: (event) => events.push(event),
  });
}

function failing(code: string, ...texts: readonly string[]): unknown {
  return expect.objectContaining({
    code,
    ...(texts.length === 0
      ? {}
      : { message: expect.stringMatching(texts.map((text) => `(?=[^]*${text})`).join('')) as string }),
  });
}

/** Fills the log, so that trees have several levels and tiles. */
function addRecords(count: number): void {
  const first = proxy.log.size();
  for (let n = first; n < first + count; n += 1) {
    proxy.log.add(
      `filler.test/m${n} v1.0.0 h1:${'A'.repeat(43)}=\nfiller.test/m${n} v1.0.0/go.mod h1:${'B'.repeat(43)}=\n`,
    );
  }
}

describe('proving a module', () => {
  it('gives the hashes that the database has, with their proof, and needs no network the second time', async () => {
    addRecords(300);
    const published = proxy.publish({ ...TOY, files: FILES });
    addRecords(270);
    const proved = await (await open()).prove(TOY);
    expect(proved).toEqual({
      ...published,
      proof: {
        kind: 'checksum-database',
        database: proxy.log.key.slice('sums.test+'.length),
        recordId: 300,
        treeSize: 571,
      },
    });
    await proxy.stop();
    expect(await (await open()).prove(TOY)).toEqual(proved);
    proxy = await startGoProxy();
  });

  it('believes an answer with an old head, as a cache serves it, and keeps the newer head', async () => {
    proxy.publish({ ...TOY, files: FILES });
    addRecords(400);
    proxy.log.answerWithHeadOf(150);
    expect((await (await open()).prove(TOY)).proof).toMatchObject({ treeSize: 401 });
    expect(await latest()).toContain('\n401\n');
  });

  it('reaches the database at its own URL where one is set, past the proxies', async () => {
    const published = proxy.publish({ ...TOY, files: FILES });
    const database = `${proxy.log.key} ${proxy.url}/sumdb/${proxy.log.name}`;
    expect(await (await open({ proxies: 'http://127.0.0.1:1', database })).prove(TOY)).toMatchObject(published);
  });

  it('follows the log as it grows, and two runs at once leave the newer head', async () => {
    proxy.publish({ ...TOY, files: FILES });
    await (await open()).prove(TOY);
    for (const patch of [4, 5, 6]) {
      addRecords(100);
      proxy.publish({ ...TOY, version: `v1.2.${patch}`, files: FILES });
      const runs = await Promise.all([open(), open({ cache: 'other' })]);
      await Promise.all(runs.map((run) => run.prove({ ...TOY, version: `v1.2.${patch}` })));
      expect(await latest()).toContain(`\n${proxy.log.size()}\n`);
    }
    expect((await readdir(stateFolder())).sort()).toEqual(['latest']);
  });

  it('refuses a head signed by another key in the name of the database', async () => {
    proxy.publish({ ...TOY, files: FILES });
    proxy.log.signAs('stranger');
    await expect((await open()).prove(TOY)).rejects.toThrow(failing('DATABASE_BAD_SIGNATURE', 'wrong signature'));
    await expect(latest()).rejects.toThrow('ENOENT');
  });

  it('refuses a forked log, keeping both heads as proof, and does not replace the head it trusts', async () => {
    proxy.publish({ ...TOY, files: FILES });
    addRecords(20);
    await (await open()).prove(TOY);
    const trusted = await latest();
    proxy.log.replace(3, 'evil.test/x v1.0.0 h1:x=\n');
    proxy.publish({ ...TOY, version: 'v1.2.4', files: { 'toy.go': 'package evil\n' } });
    const error = await (await open()).prove({ ...TOY, version: 'v1.2.4' }).catch((caught: unknown) => caught);
    expect(error).toEqual(failing('DATABASE_FORKED', '22 records', '21'));
    expect(await latest()).toBe(trusted);
    const kept = (await readdir(stateFolder())).filter((name) => name.startsWith('fork-'));
    expect(kept).toHaveLength(2);
    for (const name of kept) expect((error as { hint: string }).hint).toContain(name);
    expect(await Promise.all(kept.sort().map((name) => readFile(join(stateFolder(), name), 'utf8')))).toContain(
      trusted,
    );
  });

  it('refuses a fork of the same size, and one behind the head it trusts', async () => {
    proxy.publish({ ...TOY, files: FILES });
    addRecords(20);
    await (await open()).prove(TOY);
    proxy.log.replace(20, 'evil.test/x v1.0.0 h1:x=\n');
    await expect((await open()).prove({ ...TOY, version: 'v1.2.4' })).rejects.toThrow(failing('DATABASE_FORKED'));
    proxy.log.rollBack(15);
    proxy.log.replace(3, 'evil.test/x v1.0.0 h1:x=\n');
    await expect((await open()).prove({ ...TOY, version: 'v1.2.4' })).rejects.toThrow(failing('DATABASE_ROLLED_BACK'));
  });

  it('refuses a log that has gone back behind the head it trusts', async () => {
    proxy.publish({ ...TOY, files: FILES });
    proxy.publish({ ...TOY, version: 'v1.2.4', files: FILES });
    addRecords(20);
    await (await open()).prove(TOY);
    proxy.log.rollBack(10);
    await expect((await open()).prove({ ...TOY, version: 'v1.2.4' })).rejects.toThrow(
      failing('DATABASE_ROLLED_BACK', '10 records', '22'),
    );
    expect(await latest()).toContain('\n22\n');
  });

  it('lets a stale answer of a cache pass, while the database still has the tree', async () => {
    proxy.publish({ ...TOY, files: FILES });
    proxy.publish({ ...TOY, version: 'v1.2.4', files: FILES });
    const stale = proxy.log.head();
    addRecords(20);
    await (await open()).prove(TOY);
    proxy.fail({ path: /\/latest$/, kind: 'instead', body: stale });
    expect(await (await open()).prove({ ...TOY, version: 'v1.2.4' })).toMatchObject({ proof: { treeSize: 22 } });
  });

  it.each(['truncated', 'altered'] as const)(
    'refuses %s tiles, and goes on once they are right again',
    async (kind) => {
      addRecords(5);
      proxy.publish({ ...TOY, files: FILES });
      addRecords(36); // so the altered byte is not of the record itself, whose hash is not read
      proxy.fail({ path: /\/tile\//, kind });
      await expect((await open()).prove(TOY)).rejects.toThrow(failing('DATABASE_ANSWER_INVALID'));
      proxy.heal();
      expect(await (await open()).prove(TOY)).toMatchObject({ proof: { recordId: 5 } });
    },
  );

  it('takes the full tile where a partial one is no longer served', async () => {
    proxy.publish({ ...TOY, files: FILES });
    addRecords(255);
    const old = proxy.log.head(100);
    proxy.fail({ path: /\.p\//, kind: 'status', status: 404 });
    proxy.fail({ path: /\/latest$/, kind: 'instead', body: old });
    proxy.log.answerWithHeadOf(100);
    expect((await (await open()).prove(TOY)).proof).toMatchObject({ treeSize: 100 });
  });

  it('heals from a tile damaged on disk', async () => {
    proxy.publish({ ...TOY, files: FILES });
    proxy.publish({ ...TOY, version: 'v1.2.4', files: FILES });
    addRecords(20);
    await (await open()).prove(TOY);
    const tiles = join(root, 'cache/areas/checksum-tiles');
    const names = (await readdir(tiles, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    expect(names.length).toBeGreaterThan(0);
    for (const { parentPath, name } of names) {
      await writeFile(join(parentPath, name), Buffer.alloc((await stat(join(parentPath, name))).size));
    }
    expect(await (await open()).prove({ ...TOY, version: 'v1.2.4' })).toMatchObject({ proof: { recordId: 1 } });
  });

  it.each([
    ['of another version', (text: string) => `${text.replaceAll('v1.2.3', 'v1.2.30')}${TOY.path} ${TOY.version} no\n`],
    ['without the go.mod line', (text: string) => `${text.split('\n')[0] ?? ''}\n`],
    ['with the zip line twice', (text: string) => `${text}${text.split('\n')[0] ?? ''}\n`],
  ])('refuses a record %s', async (_, record) => {
    proxy.publish({ ...TOY, files: FILES, record });
    await expect((await open()).prove(TOY)).rejects.toThrow(failing('DATABASE_ANSWER_INVALID', 'both hashes'));
  });

  it('refuses a record that the tree does not hold', async () => {
    proxy.publish({ ...TOY, files: FILES });
    addRecords(5);
    const lie = `2\n${TOY.path} ${TOY.version} h1:${'A'.repeat(43)}=\n${TOY.path} ${TOY.version}/go.mod h1:${'A'.repeat(43)}=\n\n${proxy.log.head()}`;
    proxy.fail({ path: /\/lookup\//, kind: 'instead', body: lie });
    await expect((await open()).prove(TOY)).rejects.toThrow(
      failing('DATABASE_ANSWER_INVALID', 'not in its signed tree'),
    );
  });

  it('says how to exempt a module that the database lacks, and what is known of an unknown version', async () => {
    proxy.publish({ ...TOY, files: FILES, unknown: true });
    const run = await open();
    await expect(run.prove(TOY)).rejects.toThrow(failing('DATABASE_LACKS_MODULE', 'toy@v1.2.3'));
    await expect(run.prove(TOY)).rejects.toHaveProperty('hint', expect.stringContaining('`exemptions`'));
    const unknown = run.prove({ ...TOY, version: 'v9.9.9' });
    await expect(unknown).rejects.toThrow(failing('VERSION_UNKNOWN', 'v9.9.9'));
    await expect(unknown).rejects.toHaveProperty('hint', expect.stringContaining('v1.2.3'));
  });

  it('takes a named exemption, records that the database lacks the module, and warns', async () => {
    const published = proxy.publish({ ...TOY, files: FILES, unknown: true });
    const exemptions = [{ module: `${TOY.path}@v1.2.3` }];
    expect(await (await open({ exemptions })).prove(TOY)).toEqual({
      ...published,
      proof: { kind: 'exempted', exemption: `${TOY.path}@v1.2.3`, database: 'lacks-module' },
    });
    expect(events).toEqual([{ kind: 'warning', message: expect.stringContaining('without proof') as string }]);
    await expect((await open()).prove(TOY), 'without the exemption').rejects.toThrow(failing('DATABASE_LACKS_MODULE'));
    await expect((await open({ exemptions })).prove({ ...TOY, version: 'v1.2.4' })).rejects.toThrow(
      failing('VERSION_UNKNOWN'),
    );
  });

  it('prefers proof to an exemption, and does not ask at all about a private module', async () => {
    proxy.publish({ ...TOY, files: FILES });
    expect((await (await open({ exemptions: [{ module: TOY.path }] })).prove(TOY)).proof.kind).toBe(
      'checksum-database',
    );
    proxy.requests.length = 0;
    const own = await open({ exemptions: [{ module: TOY.path, private: true }] });
    expect((await own.prove(TOY)).proof).toEqual({ kind: 'exempted', exemption: TOY.path, database: 'not-asked' });
    expect(proxy.requests.filter((path) => path.startsWith('sumdb/'))).toEqual([]);
  });

  it('says when the database cannot be asked, also for an exempted module', async () => {
    proxy.publish({ ...TOY, files: FILES, unknown: true });
    proxy.fail({ path: /\/lookup\//, kind: 'status', status: 500 });
    const run = await open({ exemptions: [{ module: TOY.path }] });
    await expect(run.prove(TOY)).rejects.toThrow(failing('DATABASE_FAILED', '500'));
  });
});

describe('fetching a module', () => {
  it('extracts it read-only below its escaped name, readable by other users, and hits the cache the next time', async () => {
    const published = proxy.publish({ ...TOY, files: FILES });
    const old = process.umask(0o077);
    try {
      const tree = await (await open()).module(published);
      expect(tree).toEqual({ path: join(root, 'cache/areas/go-modules/toy.test/!cased/toy@v1.2.3'), cached: false });
      expect(await readFile(join(tree.path, 'sub/a.go'), 'utf8')).toBe('package sub\n');
      expect((await stat(join(tree.path, 'sub/a.go'))).mode & 0o777).toBe(0o444);
      expect((await stat(join(tree.path, 'sub'))).mode & 0o777).toBe(0o755);
      expect((await stat(tree.path)).mode & 0o777).toBe(0o755);
      expect((await (await open()).module(published)).cached).toBe(true);
    } finally {
      process.umask(old);
    }
  });

  it('names both hashes when they differ, and keeps nothing', async () => {
    const published = proxy.publish({ ...TOY, files: FILES });
    const expected = `h1:${'A'.repeat(43)}=`;
    const run = await open();
    await expect(run.module({ ...published, zipHash: expected })).rejects.toThrow(
      failing('HASH_MISMATCH', expected, published.zipHash.replace(/[+/]/g, '.')),
    );
    expect(await readdir(join(root, 'cache/areas/go-modules'))).toEqual([]);
    expect(await readdir(join(root, 'cache/tmp'))).toEqual([]);
  });

  it('does not give a folder that was made for another hash', async () => {
    const first = proxy.publish({ ...TOY, files: FILES, unknown: true });
    await (await open()).module(first);
    const second = proxy.publish({ ...TOY, files: { 'toy.go': 'package other\n' }, unknown: true });
    const tree = await (await open()).module(second);
    expect(await readFile(join(tree.path, 'toy.go'), 'utf8')).toBe('package other\n');
    await expect((await open()).module(first)).rejects.toThrow(failing('HASH_MISMATCH'));
  });

  it('finds a folder damaged on disk when asked to verify, and fetches it anew', async () => {
    const published = proxy.publish({ ...TOY, files: FILES });
    const { path } = await (await open()).module(published);
    const file = join(path, 'sub/a.go');
    for (const damage of [
      async () => writeFile(file, 'package evil\n'),
      async () => writeFile(join(path, 'more.go'), 'package toy\n'),
      async () => mkdir(join(path, 'x')).then(() => writeFile(join(path, 'x/y'), '')),
      async () => rm(file),
    ]) {
      await chmod(file, 0o644);
      await damage();
      expect((await (await open()).module(published)).cached, 'without verify').toBe(true);
      const run = await open();
      expect((await run.module(published, { verify: true })).cached).toBe(false);
      expect(await readFile(file, 'utf8')).toBe('package sub\n');
      expect((await run.module(published, { verify: true })).cached).toBe(true);
    }
  });

  it('tries a body again that breaks off, a few times', async () => {
    const published = proxy.publish({ ...TOY, files: { ...FILES, 'big.txt': 'x'.repeat(300_000) } });
    proxy.fail({ path: /\.zip$/, kind: 'cut', times: 2 });
    await (await open()).module(published);
    expect(proxy.requests.filter((path) => path.endsWith('.zip'))).toHaveLength(3);
    proxy.fail({ path: /\.zip$/, kind: 'cut' });
    await expect((await open({ cache: 'other' })).module(published)).rejects.toThrow(
      failing('PROXY_FAILED', 'broke off'),
    );
  });

  it.each(['truncated', 'altered'] as const)('refuses a zip that is %s', async (kind) => {
    const published = proxy.publish({ ...TOY, files: FILES });
    proxy.fail({ path: /\.zip$/, kind });
    await expect((await open()).module(published)).rejects.toHaveProperty('family', 'proof');
  });

  const name = `${TOY.path}@${TOY.version}`;
  const hostile: readonly (readonly [string, readonly ZipSpec[], string])[] = [
    ['a name that climbs out', [{ name: `${name}/../../evil`, content: 'x' }], 'dots only'],
    ['an absolute name', [{ name: '/etc/passwd', content: 'x' }], 'does not begin with'],
    ['a name without the prefix', [{ name: 'toy.go', content: 'x' }], 'does not begin with'],
    ["another version's prefix", [{ name: `${TOY.path}@v1.2.4/toy.go`, content: 'x' }], 'does not begin with'],
    ['a symbolic link', [{ name: `${name}/link`, content: '/etc/passwd', unixMode: 0o120777 }], 'link'],
    ['a device', [{ name: `${name}/null`, unixMode: 0o020666 }], 'special file'],
    ['one name twice', [{ name: `${name}/a` }, { name: `${name}/a` }], 'twice'],
    ['names that differ in case', [{ name: `${name}/a` }, { name: `${name}/A` }], 'in case alone'],
    ['folders that differ in case', [{ name: `${name}/d/a` }, { name: `${name}/D/b` }], 'in case alone'],
    ['a file that is a folder too', [{ name: `${name}/a` }, { name: `${name}/a/b` }], 'both a file and a folder'],
    ['a go.mod in a folder', [{ name: `${name}/sub/go.mod` }], 'below the root'],
    ['a GO.MOD', [{ name: `${name}/GO.MOD` }], 'lower case'],
    ['a go.mod of 17 MiB', [{ name: `${name}/go.mod`, content: Buffer.alloc(17 << 20) }], '16 MiB'],
    [
      'files of 600 MiB in all',
      [
        { name: `${name}/a`, claimedSize: 300 << 20 },
        { name: `${name}/b`, claimedSize: 300 << 20 },
      ],
      '500 MiB',
    ],
    ['a bomb', [{ name: `${name}/a`, content: Buffer.alloc(1 << 20), claimedSize: 5 }], 'larger than it says'],
    ['two names for one file', [{ name: `${name}/a`, headerName: `${name}/../b` }], 'is called'],
  ];
  it.each(hostile)('refuses a zip with %s', async (_, zip, message) => {
    const published = proxy.publish({ ...TOY, files: FILES, zip });
    await expect((await open()).module(published)).rejects.toThrow(failing('ZIP_REFUSED', message));
    expect(await readdir(join(root, 'cache/areas/go-modules'))).toEqual([]);
  });

  it('refuses what is no zip, such as a login page', async () => {
    const published = proxy.publish({ ...TOY, files: FILES, zip: Buffer.from('<html>log in</html>') });
    await expect((await open()).module(published)).rejects.toThrow(failing('ZIP_REFUSED', 'no zip'));
  });

  it('refuses names that are no module path or version before anything is asked', async () => {
    const run = await open();
    for (const module of [
      { path: '../../etc', version: 'v1.0.0' },
      { ...TOY, version: 'v1.0.0/../..' },
      { ...TOY, version: 'latest' },
    ]) {
      await expect(run.prove(module)).rejects.toThrow(failing('MODULE_NAME_INVALID'));
      await expect(run.module({ ...module, zipHash: 'h1:x' })).rejects.toThrow(failing('MODULE_NAME_INVALID'));
      await expect(run.info(module)).rejects.toThrow(failing('MODULE_NAME_INVALID'));
    }
    expect(proxy.requests).toEqual([]);
  });

  it('gives a toolchain with its programs executable and its go.mod files in place, and verifies it', async () => {
    const module = { path: 'golang.org/toolchain', version: 'v0.0.1-go1.99.1.linux-arm64' };
    const elf = 'x'.repeat(100);
    const published = proxy.publish({
      ...module,
      files: {
        'bin/go': elf,
        'pkg/tool/linux_arm64/compile': elf,
        'src/_go.mod': 'module std\n',
        'src/a.go': 'package a\n',
        'lib/wasm/go_js_wasm_exec': elf,
      },
    });
    const found = await (await open()).toolchain('1.99.1', 'linux/arm64');
    expect(found).toMatchObject({ module: published, cached: false });
    const modes = ['bin/go', 'pkg/tool/linux_arm64/compile', 'lib/wasm/go_js_wasm_exec', 'src/a.go', 'src/go.mod'];
    const read = await Promise.all(modes.map(async (path) => (await stat(join(found.folder, path))).mode & 0o777));
    expect(read).toEqual([0o555, 0o555, 0o555, 0o444, 0o444]);
    expect((await (await open()).toolchain('go1.99.1', 'linux/arm64', { verify: true })).cached).toBe(true);
    await chmod(join(found.folder, 'src/go.mod'), 0o644);
    await writeFile(join(found.folder, 'src/go.mod'), 'module evil\n');
    expect((await (await open()).toolchain('go1.99.1', 'linux/arm64', { verify: true })).cached).toBe(false);
    expect(await readFile(join(found.folder, 'src/go.mod'), 'utf8')).toBe('module std\n');
    await expect((await open()).toolchain('go1.99.9', 'linux/arm64')).rejects.toThrow(failing('VERSION_UNKNOWN'));
    await expect((await open()).toolchain('latest', 'linux/arm64')).rejects.toThrow(
      failing('VERSION_UNKNOWN', 'latest'),
    );
  });
});

describe('a list of proxies', () => {
  it('goes on after a comma on 404 only, after a pipe on any error', async () => {
    const published = proxy.publish({ ...TOY, files: FILES });
    const other = await startGoProxy();
    try {
      await (await open({ proxies: `${other.url},${proxy.url}` })).module(published);
      other.fail({ path: /./, kind: 'status', status: 403 });
      const refused = (await open({ proxies: `${other.url},${proxy.url}`, cache: 'b' })).module(published);
      await expect(refused).rejects.toThrow(failing('MODULE_NOT_SERVED', 'toy@v1.2.3', '403'));
      await expect(refused).rejects.toHaveProperty('where', expect.stringContaining(other.url));
      await (await open({ proxies: `${other.url}|${proxy.url}`, cache: 'c' })).module(published);
      await (await open({ proxies: `http://127.0.0.1:1|${proxy.url}`, cache: 'd' })).module(published);
      other.heal();
      other.fail({ path: /./, kind: 'status', status: 500 });
      await expect(
        (await open({ proxies: `${other.url},${proxy.url}`, cache: 'e' })).module(published),
      ).rejects.toThrow(failing('PROXY_FAILED', '500'));
    } finally {
      await other.stop();
    }
  });

  it('passes over `direct`, saying so, and stops at `off`', async () => {
    const missing = { ...TOY, zipHash: 'h1:x' };
    await expect((await open({ proxies: `${proxy.url},direct` })).module(missing)).rejects.toThrow(
      failing('MODULE_NOT_SERVED', '404', '`direct` was passed over'),
    );
    await expect((await open({ proxies: 'direct' })).module(missing)).rejects.toThrow(failing('PROXY_MISSING'));
    await expect((await open({ proxies: `off,${proxy.url}` })).module(missing)).rejects.toThrow(
      failing('PROXY_MISSING', '`off`'),
    );
    expect(() => parseGoProxies(' , ')).toThrow(failing('PROXY_LIST_INVALID'));
    expect(() => parseGoProxies('ftp://x.test')).toThrow(failing('PROXY_LIST_INVALID'));
  });

  it('reads a folder that holds a proxy', async () => {
    const published = proxy.publish({ ...TOY, files: FILES });
    const folder = join(root, 'mirror/toy.test/!cased/toy/@v');
    await mkdir(folder, { recursive: true });
    const entries = Object.entries(FILES).map(([path, content]) => ({ name: `${TOY.path}@v1.2.3/${path}`, content }));
    await writeFile(
      join(folder, 'v1.2.3.zip'),
      buildZip([{ name: `${TOY.path}@v1.2.3/go.mod`, content: `module ${TOY.path}\n` }, ...entries]),
    );
    const run = await open({ proxies: `file://${root}/mirror` });
    expect((await run.module(published)).cached).toBe(false);
    await expect(run.module({ ...published, version: 'v1.2.4' })).rejects.toThrow(failing('MODULE_NOT_SERVED'));
  });

  it('sends the user and password of a URL as a header, and shows them nowhere', async () => {
    const url = proxy.url.replace('http://', 'http://me:secret@');
    const error = await (await open({ proxies: url }))
      .module({ ...TOY, zipHash: 'h1:x' })
      .catch((caught: unknown) => caught);
    expect(JSON.stringify(error) + String(error)).not.toContain('secret');
  });

  it('reads version lists in order, empty where there is none or the proxy refuses', async () => {
    for (const version of ['v1.10.0', 'v1.2.0', 'v1.9.0-rc.1', 'v1.9.0'])
      proxy.publish({ ...TOY, version, files: FILES });
    proxy.publish({ ...TOY, version: 'v3.0.0', files: FILES, unlisted: true });
    const run = await open();
    expect(await run.versions(TOY.path)).toEqual(['v1.2.0', 'v1.9.0-rc.1', 'v1.9.0', 'v1.10.0']);
    expect(await run.versions('toy.test/none')).toEqual([]);
    proxy.fail({ path: /list$/, kind: 'status', status: 403 });
    expect(await run.versions(TOY.path)).toEqual([]);
  });

  it('reads .info with and without Origin, and refuses one of another version', async () => {
    const Hash = 'a'.repeat(40);
    proxy.publish({ ...TOY, files: FILES, origin: { URL: 'https://git.test/toy', Hash, Ref: 'refs/tags/v1.2.3' } });
    proxy.publish({ ...TOY, version: 'v1.2.4', files: FILES, time: '2026-01-02T03:04:05+01:00' });
    const run = await open();
    expect(await run.info(TOY)).toEqual({
      version: 'v1.2.3',
      time: new Date('2026-01-02T03:04:05Z'),
      origin: { url: 'https://git.test/toy', commit: Hash, ref: 'refs/tags/v1.2.3' },
    });
    expect(await run.info({ ...TOY, version: 'v1.2.4' })).toEqual({
      version: 'v1.2.4',
      time: new Date('2026-01-02T02:04:05Z'),
    });
    proxy.fail({ path: /info$/, kind: 'instead', body: '{"Version":"v1.2.3","Time":"2026-01-02T03:04:05Z"}' });
    await expect(run.info({ ...TOY, version: 'v1.2.5' })).rejects.toThrow(failing('PROXY_ANSWER_INVALID'));
  });
});

describe('the checksum database setting', () => {
  it('takes a name with its key, and an URL after it', () => {
    expect(parseChecksumDatabase(proxy.log.key).key.name).toBe('sums.test');
    expect(parseChecksumDatabase(`${proxy.log.key} https://x.test/`).url).toBe('https://x.test');
  });

  it.each(['off', '', 'sums.test', 'sums.test+12345678+AAAA', 'a b c', 'sums.test ftp://x'])('refuses %j', (text) => {
    expect(() => parseChecksumDatabase(text)).toThrow(failing('DATABASE_SETTING_INVALID'));
  });
});

function stateFolder(): string {
  const hash = proxy.log.key.split('+')[1] ?? '';
  return join(root, 'state/checksum-database', `sums.test+${hash}`);
}

async function latest(): Promise<string> {
  return readFile(join(stateFolder(), 'latest'), 'utf8');
}
