// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Archive, type DebianOptions, openDebian } from '#bases';
import { openCache } from '#cache';
import { createHttp, type ReportEvent } from '#core';
import { createTestClock, type DebianRepository, startDebianRepository, type SuiteSpec } from '#testing';

const NOW = '2026-11-24T00:00:00Z';
const DAY = 86_400_000;
const daysAgo = (days: number) => new Date(Date.parse(NOW) - days * DAY);

const HELLO = { name: 'hello', version: '1.0-1', entries: [{ path: './etc/hello', content: 'hi' }] };
const PLAIN: SuiteSpec = { suite: 'trixie', packages: [HELLO], date: daysAgo(3) };
const SPEC = { suites: ['trixie'], packages: ['hello'] };

let folder: string;
let repository: DebianRepository;
let world: DebianOptions;
let events: ReportEvent[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-bases-'));
  repository = await startDebianRepository();
  events = [];
  const clock = createTestClock(NOW);
  world = {
    http: createHttp({ clock }),
    cache: await openCache(join(folder, 'cache')),
    stateFolder: join(folder, 'state'),
    clock,
    mirrors: { main: [repository.uri], security: [repository.uri] },
    keyrings: [keyring('main'), keyring('security')],
    report: (event) => events.push(event),
  };
});

afterEach(async () => {
  await repository.stop();
  await rm(folder, { recursive: true });
});

function keyring(archive: Archive, suites?: readonly string[]) {
  const pin = { fingerprint: repository.fingerprint, purpose: 'test', archive, ...(suites ? { suites } : {}) };
  return { armored: repository.publicKey, keys: [pin] };
}

const resolve = (changes: Partial<DebianOptions> = {}) => openDebian({ ...world, ...changes }).resolve(SPEC, 'amd64');

describe('the Debian archive', () => {
  test('resolves exactly the packages named, proved from the signature down', async () => {
    await repository.publish({ ...PLAIN, packages: [HELLO, { name: 'hello-doc', version: '1' }] });
    const base = await resolve();
    expect(base.architecture).toBe('amd64');
    expect(base.packages).toMatchObject([
      {
        name: 'hello',
        version: '1.0-1',
        architecture: 'all',
        source: { name: 'hello', version: '1.0-1' },
        suite: 'trixie',
        path: 'pool/main/h/hello/hello_1.0-1_all.deb',
      },
    ]);
    expect(base.releases).toMatchObject([
      { suite: 'trixie', codename: 'trixie', date: '2026-11-21T00:00:00Z', signers: [repository.fingerprint] },
    ]);
    expect(base.releases[0]).not.toHaveProperty('validUntil');
  });

  test('takes the newest version over the suites, by Debian order, and of equals the first suite', async () => {
    const packages = (version: string, extra: string) => [
      { name: 'hello', version },
      { name: 'same', version: '1' },
      { name: 'sourced', version: extra, fields: { Source: 'origin (9:1)' } },
    ];
    await repository.publish({ ...PLAIN, packages: packages('1.9-1', '1~rc1') });
    await repository.publish({ ...PLAIN, suite: 'trixie-updates', packages: packages('1.10-1', '1~beta') });
    await repository.publish({ ...PLAIN, suite: 'trixie-security', packages: packages('1.10-1~deb1', '1~rc1+a') });
    const suites = ['trixie', 'trixie-updates', 'trixie-security'];
    const base = await openDebian(world).resolve({ suites, packages: ['sourced', 'same', 'hello'] }, 'arm64');
    expect(base.packages.map(({ name, version, suite }) => `${name} ${version} ${suite}`)).toEqual([
      'hello 1.10-1 trixie-updates',
      'same 1 trixie',
      'sourced 1~rc1+a trixie-security',
    ]);
    expect(base.packages[2]?.source).toEqual({ name: 'origin', version: '9:1' });
  });

  test('keeps the architectures apart, with one reading of each Release file', async () => {
    const packages = (['amd64', 'arm64'] as const).map((architecture) => ({ ...HELLO, architecture }));
    await repository.publish({ ...PLAIN, packages });
    const debian = openDebian(world);
    const both = [await debian.resolve(SPEC, 'amd64'), await debian.resolve(SPEC, 'arm64')];
    expect(both.map((base) => base.packages[0]?.architecture)).toEqual(['amd64', 'arm64']);
    expect(repository.requests.filter((path) => path.endsWith('InRelease'))).toHaveLength(1);
  });

  test.each([[['.xz', '']], [['.gz', '']], [['']]] as const)('reads indexes in the forms %j', async (forms) => {
    await repository.publish({ ...PLAIN, forms: [...forms] });
    expect((await resolve()).packages).toHaveLength(1);
    expect(repository.requests.at(-1)).toMatch(forms[0] === '' ? /Packages$/ : new RegExp(`Packages\\${forms[0]}$`));
  });

  test('prefers by-hash paths, and finds packages for all where they have their own index', async () => {
    await repository.publish({ ...PLAIN, byHash: true, separateAll: true });
    expect((await resolve()).packages).toHaveLength(1);
    expect(repository.requests.filter((path) => path.includes('/by-hash/SHA256/'))).toHaveLength(2);
    repository.fail({ kind: 'missing', path: /by-hash/ });
    expect((await resolve({ cache: await openCache(join(folder, 'other')) })).packages).toHaveLength(1);
  });

  test('reads an index once per digest', async () => {
    await repository.publish(PLAIN);
    await resolve();
    const before = repository.requests.length;
    expect(await resolve()).toEqual(await resolve());
    expect(repository.requests.slice(before).every((path) => path.endsWith('InRelease'))).toBe(true);
  });

  test('names every package that is missing', async () => {
    await repository.publish(PLAIN);
    const asked = openDebian(world).resolve({ suites: ['trixie'], packages: ['nope', 'hello', 'gone'] }, 'amd64');
    await expect(asked).rejects.toMatchObject({
      code: 'BASE_PACKAGE_UNKNOWN',
      family: 'definition',
      message: 'trixie for amd64 has no package gone, nope',
    });
  });
});

describe('the judge of Release files', () => {
  const refusals: readonly (readonly [string, Partial<SuiteSpec>, string])[] = [
    ['one signed by a stranger', { wronglySigned: true }, 'BASE_RELEASE_SIGNATURE'],
    [
      'one whose text was changed',
      { inRelease: (text) => text.replace('Origin: Test', 'Origin: Tast') },
      'BASE_RELEASE_SIGNATURE',
    ],
    ['unsigned text before', { inRelease: (text) => `Origin: Evil\n\n${text}` }, 'BASE_RELEASE_UNSIGNED'],
    ['unsigned text after', { inRelease: (text) => `${text}\nOrigin: Evil\n` }, 'BASE_RELEASE_UNSIGNED'],
    ['a second block', { inRelease: (text) => text + text }, 'BASE_RELEASE_UNSIGNED'],
    [
      'a header that is not signed',
      { inRelease: (text) => text.replace('\n\n', '\nOrigin: Evil\n\n') },
      'BASE_RELEASE_UNSIGNED',
    ],
    ['no signature at all', { inRelease: () => 'Origin: Test\nSuite: trixie\n' }, 'BASE_RELEASE_UNSIGNED'],
    ['one past its Valid-Until', { validUntil: daysAgo(1) }, 'BASE_RELEASE_EXPIRED'],
    ['one without Valid-Until that is too old', { date: daysAgo(201) }, 'BASE_RELEASE_EXPIRED'],
    ['one from the future', { date: daysAgo(-2) }, 'BASE_RELEASE_SIGNATURE'],
    ['one of another suite', { release: (text) => text.replaceAll('trixie', 'forky') }, 'BASE_RELEASE_SUITE'],
    ['one without date', { release: (text) => text.replace(/^Date:.*\n/m, '') }, 'BASE_RELEASE_INVALID'],
    [
      'one with a date read by guesswork',
      { release: (text) => text.replace(/^Date:.*/m, 'Date: 2026-11-21') },
      'BASE_RELEASE_INVALID',
    ],
    ['one with two stanzas', { release: (text) => `${text}\nSuite: trixie\n` }, 'BASE_RELEASE_INVALID'],
    ['one with a field twice', { release: (text) => `${text}Suite: trixie\n` }, 'BASE_RELEASE_INVALID'],
    [
      'one with a malformed hash',
      { release: (text) => text.replace(/\n [0-9a-f]{60}/, '\n ') },
      'BASE_RELEASE_INVALID',
    ],
    [
      'one that names no index',
      { release: (text) => text.replaceAll('main/binary', 'contrib/binary') },
      'BASE_INDEX_MISSING',
    ],
  ];
  test.each(refusals)('refuses %s', async (_name, changes, code) => {
    await repository.publish({ ...PLAIN, ...changes });
    await expect(resolve()).rejects.toMatchObject({ code });
  });

  test('refuses a date to come even from a key that is right', async () => {
    const release = (text: string) => text.replace(/^Date:.*/m, 'Date: Thu, 26 Nov 2026 00:00:00 UTC');
    await repository.publish({ ...PLAIN, release });
    await expect(resolve()).rejects.toMatchObject({ code: 'BASE_RELEASE_FUTURE' });
  });

  test('accepts what is just in time', async () => {
    await repository.publish({ ...PLAIN, date: daysAgo(199) });
    expect((await resolve()).packages).toHaveLength(1);
    await expect(resolve({ maxAgeDays: 198 })).rejects.toMatchObject({ code: 'BASE_RELEASE_EXPIRED' });
    await repository.publish({ ...PLAIN, date: daysAgo(150), validUntil: daysAgo(-1) });
    const stateFolder = join(folder, 'other-state');
    expect((await resolve({ maxAgeDays: 1, stateFolder })).releases[0]?.validUntil).toBe('2026-11-25T00:00:00Z');
  });

  test('refuses a state older than one it has seen, across restarts, and stays with the newest', async () => {
    await repository.publish(PLAIN);
    await resolve();
    await repository.publish({ ...PLAIN, date: daysAgo(4) });
    await expect(resolve()).rejects.toMatchObject({ code: 'BASE_RELEASE_ROLLBACK', family: 'proof' });
    await expect(resolve()).rejects.toMatchObject({ code: 'BASE_RELEASE_ROLLBACK' });
    await repository.publish({ ...PLAIN, date: daysAgo(2) });
    await resolve();
    await repository.publish(PLAIN);
    await expect(resolve()).rejects.toMatchObject({ code: 'BASE_RELEASE_ROLLBACK' });
  });

  test('does not remember a state that it refused', async () => {
    await repository.publish({ ...PLAIN, date: daysAgo(1), wronglySigned: true });
    await expect(resolve()).rejects.toMatchObject({ code: 'BASE_RELEASE_SIGNATURE' });
    await repository.publish(PLAIN);
    expect((await resolve()).packages).toHaveLength(1);
  });

  test('lets a key sign only the archive and the suites it is pinned for', async () => {
    await repository.publish(PLAIN);
    for (const wrong of [keyring('security'), keyring('main', ['trixie-updates']), { ...keyring('main'), keys: [] }]) {
      await expect(resolve({ keyrings: [wrong] })).rejects.toMatchObject({ code: 'BASE_RELEASE_SIGNATURE' });
    }
    expect((await resolve({ keyrings: [keyring('main', ['trixie'])] })).packages).toHaveLength(1);
  });

  test("does not accept a test archive by Debian's own keys", async () => {
    await repository.publish(PLAIN);
    const { keyrings: _, ...shipped } = world;
    await expect(openDebian(shipped).resolve(SPEC, 'amd64')).rejects.toMatchObject({ code: 'BASE_RELEASE_SIGNATURE' });
  });
});

describe('the choice of a mirror', () => {
  test('passes over mirrors that fail, and says so', async () => {
    await repository.publish(PLAIN);
    const stale = await startDebianRepository();
    await stale.publish({ ...PLAIN });
    const mirrors = { main: ['http://127.0.0.1:1', stale.uri, repository.uri], security: [] };
    const http: DebianOptions['http'] = (request) => world.http({ ...request, attempts: 1 });
    expect((await resolve({ mirrors, http })).packages).toHaveLength(1);
    expect(events.map((event) => event.kind)).toEqual(['warning', 'warning']);
    await stale.stop();
  });

  test('reports a failed proof before a mere absence', async () => {
    await repository.publish({ ...PLAIN, wronglySigned: true });
    const mirrors = { main: [`${repository.uri}/nothing-here`, repository.uri], security: [] };
    await expect(resolve({ mirrors })).rejects.toMatchObject({ code: 'BASE_RELEASE_SIGNATURE' });
    await expect(resolve({ mirrors: { ...mirrors, main: [`${repository.uri}/nothing-here`] } })).rejects.toMatchObject({
      code: 'BASE_SUITE_MISSING',
      where: expect.stringContaining('/dists/trixie/InRelease'),
    });
  });

  test('says what to set where none is known, and refuses what is no suite', async () => {
    await expect(resolve({ mirrors: { main: [], security: [] } })).rejects.toMatchObject({
      code: 'BASE_MIRROR_MISSING',
      hint: expect.stringContaining('definition'),
    });
    const asked = openDebian(world).resolve({ suites: ['../../etc'], packages: ['hello'] }, 'amd64');
    await expect(asked).rejects.toMatchObject({ code: 'BASE_SUITE_MISSING' });
  });
});

describe('the reader of indexes', () => {
  test.each([
    ['altered', 'BASE_INDEX_DIFFERS'],
    ['cut', 'HTTP_BODY_CUT'],
    ['missing', 'BASE_INDEX_MISSING'],
  ] as const)('refuses an index that is %s', async (kind, code) => {
    await repository.publish(PLAIN);
    repository.fail({ kind, path: /Packages/ });
    await expect(resolve()).rejects.toMatchObject({ code, where: expect.stringContaining('Packages.xz') });
  });

  test('asks again after a body that broke off', async () => {
    await repository.publish(PLAIN);
    repository.fail({ kind: 'cut', path: /Packages/, times: 2 });
    repository.fail({ kind: 'cut', path: /InRelease/, times: 1 });
    expect((await resolve()).packages).toHaveLength(1);
  });

  test.each([
    ['a path that climbs', (text: string) => text.replace(/Filename: .*/, 'Filename: pool/../../x.deb')],
    ['an absolute path', (text: string) => text.replace(/Filename: .*/, 'Filename: /x.deb')],
    ['another host as path', (text: string) => text.replace(/Filename: .*/, 'Filename: http://x.example/x.deb')],
    ['no hash', (text: string) => text.replace(/SHA256: .*\n/, '')],
    ['a size that is no number', (text: string) => text.replace(/Size: .*/, 'Size: -1')],
    ['a version that is none', (text: string) => text.replace(/Version: .*/, 'Version: one')],
    ['a field twice', (text: string) => `${text}Version: 2\n`],
  ])('refuses a stanza with %s', async (_name, index) => {
    await repository.publish({ ...PLAIN, index });
    await expect(resolve()).rejects.toMatchObject({ code: 'BASE_INDEX_INVALID' });
  });
});

describe('the fetcher of packages', () => {
  test('brings packages into the cache once', async () => {
    await repository.publish(PLAIN);
    const { packages } = await resolve();
    const [blob] = await openDebian(world).fetch(packages);
    expect(blob).toMatchObject({ digest: packages[0]?.sha256, size: packages[0]?.size });
    await repository.stop();
    expect(await openDebian(world).fetch(packages)).toEqual([blob]);
  });

  test.each([
    ['altered', 'BASE_PACKAGE_DIFFERS'],
    ['cut', 'HTTP_BODY_CUT'],
    ['missing', 'BASE_PACKAGE_GONE'],
  ] as const)('refuses a package that is %s, leaving nothing', async (kind, code) => {
    await repository.publish(PLAIN);
    const { packages } = await resolve();
    repository.fail({ kind, path: /\.deb$/ });
    await expect(openDebian(world).fetch(packages)).rejects.toMatchObject({
      code,
      where: expect.stringContaining('.deb'),
    });
    expect(await world.cache.blobs.find(packages[0]?.sha256 ?? 'sha256:')).toBeUndefined();
  });

  test('tells how to go on when the locked version is gone', async () => {
    await repository.publish(PLAIN);
    const { packages } = await resolve();
    repository.fail({ kind: 'missing', path: /\.deb$/ });
    await expect(openDebian(world).fetch(packages)).rejects.toMatchObject({
      family: 'network',
      message: 'the mirror no longer serves hello 1.0-1, which is locked',
      hint: expect.stringContaining('oakum lock --refresh'),
    });
  });

  test('goes to the next mirror, and names a status that is no absence', async () => {
    await repository.publish(PLAIN);
    const { packages } = await resolve();
    const mirrors = { main: [`${repository.uri}/empty`, repository.uri], security: [] };
    expect(await openDebian({ ...world, mirrors }).fetch(packages)).toHaveLength(1);
    await world.cache.blobs.remove(packages[0]?.sha256 ?? 'sha256:');
    repository.fail({ kind: 'status', status: 403, path: /\.deb$/ });
    await expect(openDebian(world).fetch(packages)).rejects.toMatchObject({ code: 'HTTP_STATUS', status: 403 });
  });
});
