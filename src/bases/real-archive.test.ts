// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type BaseRoot,
  type Debian,
  type DebianOptions,
  mirrorsOf,
  openDebian,
  parseAptSources,
  type ResolvedBase,
} from '#bases';
import { openCache } from '#cache';
import { type Architecture, createHttp, digestOf, readText, systemClock } from '#core';
import { parseDeb822 } from '#formats';

/** The mirrors that this machine's apt uses; no address of them is written down here. */
const MIRRORS = mirrorsOf(parseAptSources(readAptFiles()));
const NO_MIRROR = MIRRORS.main.length === 0 || MIRRORS.security.length === 0;
if (NO_MIRROR)
  console.log(
    "skipped: the apt configuration of this machine names no Debian mirror, so the real archive can't be asked",
  );

const SPEC = {
  suites: ['trixie', 'trixie-updates', 'trixie-security'],
  packages: ['base-files', 'ca-certificates', 'media-types', 'netbase', 'tzdata'],
};
const ARCHITECTURES = ['amd64', 'arm64'] as const;

function readAptFiles(): { name: string; text: string }[] {
  const parts = '/etc/apt/sources.list.d';
  const names = existsSync(parts) ? readdirSync(parts).filter((name) => /\.(?:list|sources)$/.test(name)) : [];
  return ['/etc/apt/sources.list', ...names.map((name) => join(parts, name))]
    .filter((name) => existsSync(name))
    .map((name) => ({ name, text: readFileSync(name, 'utf8') }));
}

async function contentOf(root: BaseRoot, path: string): Promise<Buffer> {
  const entry = root.entries.find((one) => one.path === path);
  if (entry?.kind !== 'file') throw new Error(`${path} is no file of the root`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of entry.open()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function fingerprintOf(root: BaseRoot): Promise<string> {
  const parts: string[] = [];
  for (const entry of root.entries) {
    parts.push(JSON.stringify(entry), entry.kind === 'file' ? digestOf(await contentOf(root, entry.path)) : '');
  }
  return digestOf(parts.join('\n'));
}

describe.skipIf(NO_MIRROR)('a base of the real Debian archive', () => {
  let folder: string;
  let world: DebianOptions;
  let debian: Debian;
  const bases = new Map<Architecture, ResolvedBase>();
  const roots = new Map<Architecture, BaseRoot>();
  const rootOf = (architecture: Architecture) => roots.get(architecture) as BaseRoot;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-real-'));
    const clock = systemClock();
    const proxy = process.env['http_proxy'];
    world = {
      http: createHttp({
        clock,
        ...(proxy === undefined ? {} : { httpProxy: proxy, noProxy: process.env['no_proxy'] ?? '' }),
      }),
      cache: await openCache(join(folder, 'cache')),
      stateFolder: join(folder, 'state'),
      clock,
      mirrors: MIRRORS,
    };
    debian = openDebian(world);
    for (const architecture of ARCHITECTURES) {
      const base = await debian.resolve(SPEC, architecture);
      await debian.fetch(base.packages);
      bases.set(architecture, base);
      roots.set(architecture, await debian.root(base.packages));
    }
  });

  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  test('is proved by the pinned keys, suite by suite', () => {
    for (const architecture of ARCHITECTURES) {
      const base = bases.get(architecture) as ResolvedBase;
      expect(base.packages.map(({ name }) => name)).toEqual(SPEC.packages);
      expect(base.releases.map(({ codename }) => codename)).toEqual(SPEC.suites);
      for (const { signers } of base.releases) expect(signers.length).toBeGreaterThan(0);
    }
    expect(bases.get('amd64')?.packages[0]?.architecture).toBe('amd64');
    expect(bases.get('arm64')?.packages[0]?.architecture).toBe('arm64');
  });

  test.each(ARCHITECTURES)(
    'holds no shell, no package manager, no setuid file and nothing to run, for %s',
    (architecture) => {
      const { entries } = rootOf(architecture);
      expect(entries.length).toBeGreaterThan(300);
      for (const { path, kind, mode } of entries) {
        if (kind === 'symlink') continue;
        if (kind !== 'directory') expect(mode & 0o7111, path).toBe(0);
        else expect(mode & 0o6000, path).toBe(0);
        expect(path).not.toMatch(/^(?:usr\/)?s?bin\/./);
      }
      const names = entries.filter(({ kind }) => kind !== 'directory').map(({ path }) => path.split('/').at(-1));
      for (const name of ['sh', 'bash', 'dash', 'apt', 'apt-get', 'dpkg', 'perl', 'update-ca-certificates']) {
        expect(names, name).not.toContain(name);
      }
      const paths = entries.map(({ path }) => path);
      expect(paths).toEqual([...new Set(paths)].sort());
      expect(
        paths.filter((path) => /usr\/share\/(?:man|info|locale)|changelog|README|systemd|cron/.test(path)),
      ).toEqual([]);
    },
  );

  test.each(ARCHITECTURES)('holds no script and no program by content, for %s', async (architecture) => {
    const root = rootOf(architecture);
    for (const entry of root.entries) {
      if (entry.kind !== 'file') continue;
      const start = (await contentOf(root, entry.path)).subarray(0, 4).toString('latin1');
      expect(start, entry.path).not.toMatch(/^(?:#!|\u007fELF)/);
    }
  });

  test('holds what programs look for', async () => {
    const root = rootOf('amd64');
    expect((await contentOf(root, 'usr/lib/os-release')).toString()).toContain('VERSION_CODENAME=trixie');
    const links = root.entries.flatMap((entry) =>
      entry.kind === 'symlink' ? [`${entry.path} -> ${entry.target}`] : [],
    );
    for (const link of [
      'etc/os-release -> ../usr/lib/os-release',
      'bin -> usr/bin',
      'lib -> usr/lib',
      'sbin -> usr/sbin',
    ]) {
      expect(links).toContain(link);
    }
    for (const path of [
      'etc/services',
      'etc/protocols',
      'etc/mime.types',
      'usr/share/zoneinfo/Europe/Berlin',
      'etc/debian_version',
    ]) {
      expect(root.entries.find((entry) => entry.path === path)?.kind, path).toBe('file');
    }
    const targets = new Set(root.entries.map(({ path }) => path));
    for (const entry of root.entries) {
      if (entry.kind !== 'symlink') continue;
      const target = join(dirname(entry.path), entry.target);
      expect(targets.has(target), `${entry.path} -> ${entry.target}`).toBe(true);
    }
    expect(root.epoch.getTime()).toBe(Math.max(...root.entries.map(({ mtime }) => mtime.getTime())));
  });

  test('has the same bytes when composed again, and from another cache', async () => {
    const { packages } = bases.get('amd64') as ResolvedBase;
    const expected = await fingerprintOf(rootOf('amd64'));
    expect(await fingerprintOf(await debian.root(packages.toReversed()))).toBe(expected);
    const cache = await openCache(join(folder, 'other-cache'));
    expect(await fingerprintOf(await openDebian({ ...world, cache }).root(packages))).toBe(expected);
  });

  test('differs between the architectures in the package database and machine folders only', async () => {
    const [one, other] = [rootOf('amd64'), rootOf('arm64')];
    const differing: string[] = [];
    const paths = new Set([...one.entries, ...other.entries].map(({ path }) => path));
    for (const path of paths) {
      const both = [one, other].map((root) => root.entries.find((entry) => entry.path === path));
      if (both[0]?.kind !== both[1]?.kind) differing.push(path);
      else if (both[0]?.kind === 'file' && !(await contentOf(one, path)).equals(await contentOf(other, path))) {
        differing.push(path);
      }
    }
    expect(
      differing.filter((path) => !/^(?:lib64|usr\/lib64|var\/lib\/dpkg\/status\.d\/base-files)/.test(path)),
    ).toEqual([]);
    expect(differing).toContain('var/lib/dpkg/status.d/base-files');
  });

  test.skipIf(spawnSync('dpkg-deb', ['--version']).status !== 0)(
    'keeps control stanzas that dpkg itself reads the same',
    async () => {
      for (const one of bases.get('amd64')?.packages ?? []) {
        const blob = await world.cache.blobs.find(one.sha256);
        const told = spawnSync('dpkg-deb', ['-f', blob?.path ?? '']).stdout.toString();
        const kept = (await contentOf(rootOf('amd64'), `var/lib/dpkg/status.d/${one.name}`)).toString();
        expect(parseDeb822(kept, one.name)).toEqual(parseDeb822(told, one.name));
        expect(parseDeb822(kept, one.name)[0]?.get('package')).toBe(one.name);
      }
    },
  );

  test("has checksums that agree with the files, by the packages' own lists", async () => {
    const root = rootOf('arm64');
    const { createHash } = await import('node:crypto');
    let checked = 0;
    for (const { name } of root.packages) {
      const list = (await contentOf(root, `var/lib/dpkg/status.d/${name}.md5sums`)).toString().trim();
      for (const line of list === '' ? [] : list.split('\n')) {
        const [sum, path] = [line.slice(0, 32), line.slice(34)];
        expect(
          createHash('md5')
            .update(await contentOf(root, path))
            .digest('hex'),
          path,
        ).toBe(sum);
        checked += 1;
      }
    }
    expect(checked).toBeGreaterThan(300);
  });

  test.skipIf(spawnSync('openssl', ['version']).status !== 0)(
    "bundles certificates as Debian's own script does",
    async () => {
      const one = bases.get('amd64')?.packages.find(({ name }) => name === 'ca-certificates');
      const blob = await world.cache.blobs.find(one?.sha256 ?? 'sha256:');
      const tree = join(folder, 'ca');
      expect(spawnSync('dpkg-deb', ['-x', blob?.path ?? '', tree]).status).toBe(0);
      const shipped = readdirSync(join(tree, 'usr/share/ca-certificates/mozilla')).filter((name) =>
        name.endsWith('.crt'),
      );
      await writeFile(
        join(tree, 'etc/ca-certificates.conf'),
        shipped
          .sort()
          .map((name) => `mozilla/${name}\n`)
          .join(''),
      );
      await mkdir(join(tree, 'hooks'));
      const places = {
        certsconf: 'etc/ca-certificates.conf',
        certsdir: 'usr/share/ca-certificates',
        localcertsdir: 'none',
        etccertsdir: 'etc/ssl/certs',
        hooksdir: 'hooks',
      };
      const argv = Object.entries(places).flatMap(([name, path]) => [`--${name}`, join(tree, path)]);
      const run = spawnSync('sh', [join(tree, 'usr/sbin/update-ca-certificates'), ...argv]);
      expect(run.status, run.stderr.toString()).toBe(0);
      const expected = await readFile(join(tree, 'etc/ssl/certs/ca-certificates.crt'));
      expect((await contentOf(rootOf('amd64'), 'etc/ssl/certs/ca-certificates.crt')).equals(expected)).toBe(true);
      expect(shipped.length).toBeGreaterThan(100);
    },
  );

  test('refuses the genuine, well-signed index of the testing suite once it has expired', async () => {
    // On a mirror that no longer follows testing it has expired by now; on others the clock goes on until it has.
    const response = await world.http({ url: `${MIRRORS.main[0]}/dists/forky/InRelease` });
    const end = Date.parse(/^Valid-Until: (.*)$/m.exec(await readText(response, 4 << 20))?.[1] ?? '');
    const clock = { ...world.clock, now: () => new Date(Math.max(systemClock().now().getTime(), end + 1000)) };
    const asked = openDebian({ ...world, clock }).resolve({ suites: ['forky'], packages: ['base-files'] }, 'amd64');
    await expect(asked).rejects.toMatchObject({
      code: 'BASE_RELEASE_EXPIRED',
      message: expect.stringContaining('has expired'),
    });
  });

  test('refuses the genuine index at a time when it has expired, and one older than seen', async () => {
    const later = systemClock().now().getTime() + 400 * 86_400_000;
    const clock = { ...world.clock, now: () => new Date(later) };
    await expect(openDebian({ ...world, clock }).resolve(SPEC, 'amd64')).rejects.toMatchObject({
      code: 'BASE_RELEASE_EXPIRED',
    });
    const stateFolder = join(folder, 'seen-newer');
    const seen = { date: new Date(systemClock().now().getTime() - 60_000).toISOString(), inRelease: digestOf('newer') };
    await mkdir(join(stateFolder, 'debian'), { recursive: true });
    await writeFile(join(stateFolder, 'debian/main-trixie.json'), JSON.stringify(seen));
    await expect(openDebian({ ...world, stateFolder }).resolve(SPEC, 'amd64')).rejects.toMatchObject({
      code: 'BASE_RELEASE_ROLLBACK',
    });
  });
});
