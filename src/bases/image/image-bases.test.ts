// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { openImageBases } from '#bases';
import { openCache } from '#cache';
import { createHttp, digestOf, type Platform, type ReportEvent, systemClock } from '#core';
import { loadTrust, PREDICATES, publishEvidence, registryEvidence, toFlagPolicy, toStatement } from '#evidence';
import { MEDIA_TYPES, openRegistry, parseReference } from '#image';
import {
  buildForeignImage,
  buildRpmHeader,
  createTestSigner,
  type ForeignEntry,
  type ForeignImage,
  foreignIndex,
  startRegistry,
  type TestRegistry,
} from '#testing';
import type { ImageBelief } from './types.ts';

const area = await mkdtemp(join(tmpdir(), 'oakum-image-bases-'));
const registries: TestRegistry[] = [];
afterEach(async () => {
  for (const registry of registries.splice(0)) await registry.stop();
});
afterAll(() => rm(area, { recursive: true }));

const AMD64: Platform = 'linux/amd64';
const ALPINE = 'ID=alpine\nVERSION_ID=3.22.1\nPRETTY_NAME="Alpine Linux v3.22"\n';
const MUSL = [
  'P:musl\nV:1.2.5-r10\nA:x86_64\no:musl\nL:MIT\nm:A <a@example.org>\nU:https://musl.libc.org/',
  'c:0123456789012345678901234567890123456789\nF:lib\nR:ld-musl-x86_64.so.1\nF:\nR:gone\n\n',
].join('\n');

const file = (name: string, content: string | Uint8Array = '', mode = 0o644): ForeignEntry => ({ name, content, mode });
const LOADER = file('lib/ld-musl-x86_64.so.1', 'loader', 0o755);
const BOTTOM: readonly ForeignEntry[] = [
  file('etc/os-release', ALPINE),
  file('lib/apk/db/installed', MUSL),
  LOADER,
  file('etc/old', 'x'),
];

interface Stage {
  readonly registry: TestRegistry;
  readonly name: string;
  readonly store: ReturnType<typeof registryEvidence>;
  readonly events: ReportEvent[];
  readonly bases: ReturnType<typeof openImageBases>;
  readonly push: (images: readonly ForeignImage[]) => Promise<void>;
}

async function openStage(): Promise<Stage> {
  const registry = await startRegistry();
  registries.push(registry);
  const clock = systemClock();
  const client = openRegistry({ http: createHttp({ clock }), clock, credentials: async () => undefined });
  const name = `${registry.host}/golden/alpine`;
  const store = registryEvidence(client, { registry: registry.host, repository: 'golden/alpine' });
  const events: ReportEvent[] = [];
  const bases = openImageBases({
    open: async (text) => {
      const reference = parseReference(text);
      return { store: registryEvidence(client, reference), root: () => client.manifest(reference) };
    },
    cache: await openCache(await mkdtemp(join(area, 'cache-'))),
    clock,
    report: (event) => events.push(event),
  });
  const push = async (images: readonly ForeignImage[]) => {
    for (const image of images) await store.put(image);
    await store.put({ manifest: foreignIndex(images), blobs: [] }, '3.22');
  };
  return { registry, name, store, events, bases, push };
}

/** A view could run for ever before it gives a row. */
const VIEW = await database(
  'CREATE VIEW Packages AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n AS hnum, n AS blob FROM c WHERE n < 0',
);

/** Resolves and opens a one-platform image of these layers. */
async function take(layers: readonly (readonly ForeignEntry[])[]) {
  const stage = await openStage();
  await stage.push([await buildForeignImage({ platform: AMD64, layers })]);
  const locked = await stage.bases.resolve({ reference: `${stage.name}:3.22` }, [AMD64]);
  return { ...stage, locked, base: await stage.bases.open(locked, AMD64) };
}

describe('a base that is an image', () => {
  it('is pinned, platform by platform, with the packages that it lists', async () => {
    const { bases, name, push } = await openStage();
    const images = await Promise.all(
      [AMD64, 'linux/arm64' as const].map((platform) => buildForeignImage({ platform, layers: [BOTTOM] })),
    );
    await push(images);
    const locked = await bases.resolve({ reference: `${name}:3.22` }, [AMD64, 'linux/arm64']);
    expect(locked.digest).toBe(foreignIndex(images).descriptor.digest);
    expect(locked.platforms[AMD64]).toEqual({
      manifest: {
        mediaType: MEDIA_TYPES.manifest,
        digest: images[0]?.manifest.descriptor.digest,
        size: expect.any(Number),
      },
      distribution: { id: 'alpine', versionId: '3.22.1' },
      packages: [
        {
          kind: 'apk',
          name: 'musl',
          version: '1.2.5-r10',
          architecture: 'x86_64',
          source: { name: 'musl', version: '1.2.5-r10' },
        },
      ],
    });
    expect(locked.platforms['linux/arm64']?.manifest.digest).toBe(images[1]?.manifest.descriptor.digest);
  });

  it('keeps its layers to the byte, and lays them over each other for what is in it', async () => {
    const top = [file('etc/.wh.old'), file('etc/new', 'y')];
    const { base, registry } = await take([BOTTOM, top]);
    const image = await buildForeignImage({ platform: AMD64, layers: [BOTTOM, top] });
    expect(base.layers.map(({ digest }) => digest)).toEqual(image.blobs.slice(1).map(({ bytes }) => digestOf(bytes)));
    expect(base.content.files.map(({ path }) => path)).toEqual([
      'etc/new',
      'etc/os-release',
      'lib/apk/db/installed',
      'lib/ld-musl-x86_64.so.1',
    ]);
    expect(base.content.packages).toEqual([
      {
        kind: 'apk',
        name: 'musl',
        version: '1.2.5-r10',
        architecture: 'x86_64',
        source: { name: 'musl', version: '1.2.5-r10' },
        maintainer: 'A <a@example.org>',
        homepage: 'https://musl.libc.org/',
        licenses: [],
        licence: 'MIT',
        commit: '0123456789012345678901234567890123456789',
        files: [{ path: 'lib/ld-musl-x86_64.so.1', digest: digestOf('loader') }],
      },
    ]);
    const blobs = registry.requests.filter((request) => /^GET .*\/blobs\//.test(request));
    expect(new Set(blobs).size).toBe(blobs.length); // each travels once, to resolve and to open
  });

  it('gives how it runs, and what its history says of each layer', async () => {
    const { bases, name, push } = await openStage();
    const run = {
      Env: ['PATH=/opt/bin:/bin', 'LANG=C.UTF-8'],
      Entrypoint: ['/bin/sh'],
      WorkingDir: '/srv',
      Labels: { team: 'a' },
    };
    const history = [
      { created: '2026-01-02T03:04:05Z', created_by: 'ADD rootfs' },
      { created_by: 'ENV LANG', empty_layer: true },
    ];
    await push([await buildForeignImage({ platform: AMD64, layers: [BOTTOM], run, history })]);
    const base = await bases.open(await bases.resolve({ reference: `${name}:3.22` }, [AMD64]), AMD64);
    expect(base.settings).toEqual({
      environment: ['PATH=/opt/bin:/bin', 'LANG=C.UTF-8'],
      workingDirectory: '/srv',
      labels: { team: 'a' },
    });
    expect(base.layers[0]).toMatchObject({ created: '2026-01-02T03:04:05.000Z', createdBy: 'ADD rootfs' });
  });

  it("gives dpkg's packages with files, licences and sources, below usr where folders were merged", async () => {
    const status =
      'Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nSource: glibc\nVersion: 2.41-12\nMaintainer: G <g@example.org>\n';
    const copyright =
      'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: LGPL-2.1+\n';
    const { base } = await take([
      [
        file('usr/lib/os-release', 'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n'),
        file('var/lib/dpkg/status', status),
        file('var/lib/dpkg/info/libc6:amd64.list', '/.\n/lib\n/lib/libc.so.6\n/usr/share/doc/libc6/copyright\n'),
        file('usr/lib/libc.so.6', 'libc'),
        file('usr/share/doc/libc6/copyright', copyright),
        file('usr/local/own', 'nobody says'),
      ],
    ]);
    expect(base.distribution).toEqual({ id: 'debian', versionId: '13', codename: 'trixie' });
    expect(base.content.packages).toMatchObject([
      {
        kind: 'deb',
        source: { name: 'glibc', version: '2.41-12' },
        licenses: ['LGPL-2.1+'],
        copyright: 'usr/share/doc/libc6/copyright',
        files: [{ path: 'usr/lib/libc.so.6' }, { path: 'usr/share/doc/libc6/copyright' }],
      },
    ]);
  });

  it("gives rpm's packages out of its database", async () => {
    const { base } = await take([
      [file('etc/os-release', 'ID="rhel"\nVERSION_ID="9.5"\n'), await rpmDatabase(), file('usr/lib64/libz.so.1', 'z')],
    ]);
    expect(base.content.packages).toMatchObject([
      {
        kind: 'rpm',
        name: 'zlib',
        version: '1.2.11-40.el9',
        epoch: 2,
        source: { name: 'zlib', version: '1.2.11-40.el9' },
        files: [{ path: 'usr/lib64/libz.so.1' }],
      },
    ]);
  });

  it('is told of where it lists no packages', async () => {
    const { events } = await take([[file('app', 'x')]]);
    expect(events).toEqual([
      expect.objectContaining({ kind: 'warning', message: expect.stringContaining('lists no packages') }),
    ]);
  });

  it.each([
    [
      'a link to its list of packages',
      [{ name: 'lib/apk', type: 'symlink', linkname: '../opt/apk' }],
      'BASE_IMAGE_UNREADABLE',
    ],
    ['a database of rpm that is not read', [file('var/lib/rpm/Packages', 'bdb')], 'BASE_IMAGE_UNREADABLE'],
    ['a database of rpm that computes its packages', [VIEW], 'SBOM_CONTENT_INVALID'],
    ['a database of rpm that is none', [file('var/lib/rpm/rpmdb.sqlite', 'x'.repeat(5000))], 'SBOM_CONTENT_INVALID'],
    ['a name that leads out', [file('../x', '')], 'TAR_PATH_ESCAPES'],
    ['a device', [{ name: 'dev/null', type: 'character-device' }], 'TAR_ENTRY_REFUSED'],
  ] as const)('is refused with %s', async (_, entries, code) => {
    await expect(take([BOTTOM, entries])).rejects.toMatchObject({ code });
  });

  it('is refused where it is no image, for another platform, or of foreign layers', async () => {
    const { bases, name, push } = await openStage();
    const resolve = async (change: Partial<Parameters<typeof buildForeignImage>[0]>, platform: Platform = AMD64) => {
      await push([await buildForeignImage({ platform: AMD64, layers: [BOTTOM], ...change })]);
      return bases.resolve({ reference: `${name}:3.22` }, [platform]);
    };
    await expect(resolve({ configType: 'application/vnd.cncf.helm.config.v1+json' })).rejects.toMatchObject({
      code: 'BASE_IMAGE_INVALID',
      message: 'the base is no image but "application/vnd.cncf.helm.config.v1+json"',
    });
    await expect(resolve({}, 'linux/arm64')).rejects.toMatchObject({
      code: 'BASE_IMAGE_PLATFORM',
      hint: expect.stringContaining('It has linux/amd64'),
    });
    await expect(
      resolve({ layerType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }),
    ).rejects.toMatchObject({
      code: 'BASE_IMAGE_FOREIGN',
    });
    const docker = await resolve({ layerType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' });
    expect((await bases.open(docker, AMD64)).layers[0]?.mediaType).toBe(MEDIA_TYPES.layerGzip);
  });
});

describe('a base that must be signed', () => {
  it('is taken with the right signature, and refused with none or another', async () => {
    const { bases, name, push, store } = await openStage();
    const image = await buildForeignImage({ platform: AMD64, layers: [BOTTOM] });
    await push([image]);
    const [ours, others] = [createTestSigner(), createTestSigner()];
    const resolve = async ({ publicKey }: { readonly publicKey: string }) =>
      bases.resolve({ reference: `${name}:3.22`, belief: await beliefIn(publicKey) }, [AMD64]);
    await expect(resolve(ours)).rejects.toMatchObject({ code: 'BASE_IMAGE_UNTRUSTED', family: 'proof' });
    const root = foreignIndex([image]).descriptor;
    const statement = toStatement({ name, digest: root.digest }, PREDICATES.cosignSignature, {});
    const claims = [{ statement, subjects: [root] }];
    await publishEvidence({ store, claims, signer: ours, created: new Date(0) });
    expect((await resolve(ours)).verified).toBe(digestOf(ours.publicKey));
    await expect(resolve(others)).rejects.toMatchObject({ code: 'BASE_IMAGE_UNTRUSTED' });
  });
});

async function beliefIn(publicKey: string): Promise<ImageBelief> {
  const policy = await toFlagPolicy({ keys: ['golden.pub'] }, async () => publicKey);
  return { policy, trust: () => loadTrust(policy), digest: digestOf(publicKey) };
}

async function database(sql: string, header?: Buffer): Promise<ForeignEntry> {
  const path = join(await mkdtemp(join(area, 'rpm-')), 'rpmdb.sqlite');
  const made = new DatabaseSync(path);
  made.exec(sql);
  if (header !== undefined) made.prepare('INSERT INTO Packages (blob) VALUES (?)').run(header);
  made.close();
  return file('var/lib/rpm/rpmdb.sqlite', await readFile(path));
}

function rpmDatabase(): Promise<ForeignEntry> {
  const header = buildRpmHeader({
    1000: 'zlib',
    1001: '1.2.11',
    1002: '40.el9',
    1003: [2],
    1022: 'x86_64',
    1044: 'zlib-1.2.11-40.el9.src.rpm',
    1116: [0],
    1117: ['libz.so.1'],
    1118: ['/usr/lib64/'],
  });
  return database("CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)", header);
}
