// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttp, systemClock } from '#core';
import { PREDICATES, publishEvidence, registryEvidence, toStatement } from '#evidence';
import { openRegistry } from '#image';
import {
  type ApkMirror,
  type ApkSpec,
  buildForeignImage,
  createTestSigner,
  foreignIndex,
  startApkMirror,
} from '#testing';
import { judge } from '../judges.ts';
import { type Outside, startOutside } from '../outside.ts';
import { type RealRegistry, startOlareg } from '../registries.ts';

const SIGNER = createTestSigner();
const DAY = 86_400_000;

const folder = (path: string) => ({ path, kind: 'directory' as const });
const RELEASE = 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.24.1\n';

/** Little, but of the shape of Alpine's own. */
const PACKAGES: readonly ApkSpec[] = [
  {
    name: 'alpine-baselayout-data',
    version: '3.7.0-r0',
    files: [
      folder('etc'),
      { path: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n' },
      { path: 'etc/group', content: 'root:x:0:root\nnobody:x:65534:\n' },
      { path: 'etc/shadow', content: 'root:*::0:::::\n', mode: 0o640 },
    ],
  },
  {
    name: 'alpine-baselayout',
    version: '3.7.0-r0',
    info: { depend: ['alpine-baselayout-data=3.7.0-r0', '/bin/sh'], commit: 'c'.repeat(40) },
    files: [folder('tmp'), folder('etc'), folder('usr'), folder('usr/bin')],
  },
  {
    name: 'alpine-release',
    version: '3.24.1-r0',
    files: [folder('etc'), { path: 'etc/os-release', content: RELEASE }],
  },
  {
    name: 'busybox',
    version: '1.37.0-r20',
    info: {
      depend: 'so:libc.musl-x86_64.so.1',
      license: 'GPL-2.0-only',
      triggers: '/bin /usr/bin',
      provides: 'cmd:busybox=1.37.0-r20',
    },
    scripts: { trigger: '#!/bin/sh\n/bin/busybox --install -s\n' },
    files: [
      { path: 'bin/busybox', content: 'busybox', mode: 0o755 },
      { path: 'etc/busybox-paths.d/busybox', content: 'bin/cat\nusr/bin/env\n' },
    ],
  },
  {
    name: 'busybox-binsh',
    version: '1.37.0-r20',
    info: { depend: 'busybox=1.37.0-r20', provides: '/bin/sh', provider_priority: '100', origin: 'busybox' },
    files: [{ path: 'bin/sh', kind: 'symlink', target: '/bin/busybox' }],
  },
  {
    name: 'musl',
    version: '1.2.5-r21',
    info: { provides: 'so:libc.musl-x86_64.so.1=1' },
    files: [{ path: 'lib/ld-musl-x86_64.so.1', content: 'musl', mode: 0o755 }],
  },
  {
    name: 'ca-certificates',
    version: '20260101-r0',
    files: [{ path: 'usr/share/ca-certificates/mozilla/A.crt', content: '-----BEGIN CERTIFICATE-----\n' }],
  },
  { name: 'tini', version: '0.19.0-r3', files: [{ path: 'sbin/tini', content: 'tini', mode: 0o755 }] },
];

const alpine = (mirror: string) => `    kind: alpine
    branch: v3.24
    repositories: [main]
    mirror: ${mirror}
    keyring: test@example.org-1.rsa.pub
`;
const CHANNELS = (mirror: string, registry: string) => `channels:
  standard:
    base: alpine
    components:
      beta: { base: alpine-tools, entrypoint: [/sbin/tini, --, beta], env: { GNUPGHOME: /tmp } }
  golden:
    base: golden
bases:
  alpine:
    packages: [alpine-baselayout, alpine-release, ca-certificates]
${alpine(mirror)}  alpine-tools:
    packages: [alpine-baselayout, alpine-release, ca-certificates, tini]
${alpine(mirror)}  golden:
    kind: image
    image: ${registry}/golden/alpine:3.22
    verify: { key: golden.pub }
`;

let outside: Outside;
let mirror: ApkMirror;
let registry: RealRegistry;
let crane: string;

beforeAll(async () => {
  [outside, mirror, registry, crane] = await Promise.all([
    startOutside(),
    startApkMirror(),
    startOlareg(),
    judge('crane'),
  ]);
  await mirror.publish({
    repository: 'v3.24/main',
    packages: PACKAGES,
    date: new Date(Date.now() - DAY),
    description: 'v3.24.1-5-g0123abc',
  });
  await writeFile(join(outside.folder, mirror.signer.name), mirror.publicKey);
  await writeFile(join(outside.folder, 'golden.pub'), SIGNER.publicKey);
  await pushGolden('1.2.5-r10');
  await outside.define((text) => text.replace(/channels:[\s\S]*?(?=sources:)/, CHANNELS(mirror.uri, registry.host)));
}, 600_000);
afterAll(async () => {
  await Promise.all([outside?.stop(), mirror?.stop(), registry?.stop()]);
});

/** An image that is not ours, pushed and signed under a tag that moves. */
async function pushGolden(musl: string): Promise<string> {
  const clock = systemClock();
  const client = openRegistry({ http: createHttp({ clock }), clock, credentials: async () => undefined });
  const name = { registry: registry.host, repository: 'golden/alpine' };
  const store = registryEvidence(client, name);
  const installed = `P:musl\nV:${musl}\nA:x86_64\no:musl\nL:MIT\nF:lib\nR:ld-musl-x86_64.so.1\n\n`;
  const image = await buildForeignImage({
    platform: 'linux/amd64',
    layers: [
      [
        { name: 'etc/os-release', content: 'ID=alpine\nVERSION_ID=3.22.1\n' },
        { name: 'etc/secret', content: 'x' },
      ],
      [
        { name: 'lib/apk/db/installed', content: installed },
        { name: 'lib/ld-musl-x86_64.so.1', content: musl, mode: 0o755 },
        { name: 'etc/.wh.secret' },
      ],
    ],
    run: {
      Env: ['PATH=/usr/bin:/bin', 'TEAM=platform'],
      Entrypoint: ['/bin/sh'],
      User: 'root',
      Labels: { team: 'platform' },
    },
  });
  await store.put(image);
  const index = foreignIndex([image]);
  await store.put({ manifest: index, blobs: [] }, '3.22');
  const statement = toStatement({ name: 'golden', digest: index.descriptor.digest }, PREDICATES.cosignSignature, {});
  const claims = [{ statement, subjects: [index.descriptor] }];
  await publishEvidence({ store, claims, signer: SIGNER, created: new Date(0) });
  return index.descriptor.digest;
}

async function oakum(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await outside.oakum(args);
  expect(exitCode, stderr).toBe(0);
  return stdout;
}

const lockOf = async () => JSON.parse(await readFile(join(outside.folder, 'oakum.lock'), 'utf8'));
const config = (name: string) =>
  JSON.parse(execFileSync(crane, ['config', '--insecure', `${registry.host}/flux/${name}`], { encoding: 'utf8' }));
const manifest = (name: string) =>
  JSON.parse(
    execFileSync(crane, ['manifest', '--insecure', '--platform', 'linux/amd64', `${registry.host}/flux/${name}`], {
      encoding: 'utf8',
    }),
  );

describe('a release on Alpine and on an image that is not ours', () => {
  it('is locked, built and published, and valid to crane', async () => {
    const plan = await oakum('lock', '2.9.2');
    expect(plan).toBeDefined();
    const { bases } = await lockOf();
    const names = (base: string) =>
      bases[base].alpine.platforms['linux/amd64'].packages.map((one: { name: string }) => one.name);
    expect(names('alpine')).toEqual(
      expect.arrayContaining(['musl', 'busybox', 'busybox-binsh', 'alpine-baselayout-data']),
    );
    expect(names('alpine')).not.toContain('tini');
    expect(names('alpine-tools')).toContain('tini');
    await oakum('release', '2.9.2', '--to', `${registry.host}/flux`);
    for (const name of ['standard/alpha:v1.9.3', 'standard/beta:v1.2.3', 'golden/alpha:v1.9.3']) {
      const { status, stderr } = spawnSync(
        crane,
        ['validate', '--insecure', '--platform', 'linux/amd64', '--remote', `${registry.host}/flux/${name}`],
        {
          encoding: 'utf8',
        },
      );
      expect(status, stderr).toBe(0);
    }
  }, 600_000);

  it('starts programs as the definition says, with what the base brings', () => {
    expect(config('standard/beta:v1.2.3').config).toMatchObject({
      Entrypoint: ['/sbin/tini', '--', 'beta'],
      User: '65534:65534',
      Env: expect.arrayContaining(['GNUPGHOME=/tmp', 'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt']),
    });
    const golden = config('golden/alpha:v1.9.3').config;
    expect(golden).toMatchObject({ Entrypoint: ['alpha'], User: '65534:65534' });
    expect(golden.Env).toEqual(['PATH=/usr/local/bin:/usr/bin:/bin', 'TEAM=platform']);
    expect(golden.Labels).toMatchObject({ team: 'platform', 'org.opencontainers.image.vendor': 'Test' });
  });

  it("shares an image's layers, and names it", async () => {
    const { bases } = await lockOf();
    const below = JSON.parse(
      execFileSync(
        crane,
        ['manifest', '--insecure', '--platform', 'linux/amd64', `${registry.host}/golden/alpine:3.22`],
        {
          encoding: 'utf8',
        },
      ),
    );
    const above = manifest('golden/alpha:v1.9.3');
    expect(above.layers.slice(0, 2)).toEqual(below.layers);
    expect(above.annotations).toMatchObject({
      'org.opencontainers.image.base.name': `${registry.host}/golden/alpine:3.22`,
      'org.opencontainers.image.base.digest': bases.golden.image.platforms['linux/amd64'].manifest.digest,
    });
  });

  it.each(['standard/alpha:v1.9.3', 'golden/beta:v1.2.3'])(
    'has an SBOM of %s that is true to its layers',
    async (name) => {
      await writeFile(
        join(outside.folder, 'policy.yaml'),
        'version: 1\nidentities: [{ key: oakum.pub }]\nrequire: { sbom: matches, attestations: [provenance] }\n',
      );
      await writeFile(join(outside.folder, 'oakum.pub'), await oakum('key', 'public'));
      const verdict = await oakum('verify', `${registry.host}/flux/${name}`, '--policy', 'policy.yaml');
      expect(verdict).toContain('equals what the layers hold');
    },
  );

  it('holds to syft what it holds to us', async () => {
    const syft = await judge('syft');
    for (const [name, expected] of [
      ['standard/alpha:v1.9.3', ['alpine-baselayout', 'busybox', 'musl']],
      ['golden/alpha:v1.9.3', ['musl']],
    ] as const) {
      const sbom = JSON.parse(
        execFileSync(syft, ['scan', `registry:${registry.host}/flux/${name}`, '-q', '-o', 'syft-json'], {
          encoding: 'utf8',
          maxBuffer: 1 << 28,
          env: { ...process.env, SYFT_REGISTRY_INSECURE_USE_HTTP: 'true', SYFT_CHECK_FOR_APP_UPDATE: 'false' },
        }),
      );
      const apks = sbom.artifacts
        .filter((one: { type: string }) => one.type === 'apk')
        .map((one: { name: string }) => one.name);
      expect(apks).toEqual(expect.arrayContaining([...expected]));
      expect(sbom.distro.id).toBe('alpine');
    }
  }, 900_000);

  it('is the same again, and follows the tag of its image only when told', async () => {
    const before = (await lockOf()).bases.golden.image.digest;
    const second = await outside.oakum(['release', '2.9.2', '--locked', '--out', 'again']);
    expect(second.stderr).not.toContain('compile ...');
    const moved = await pushGolden('1.2.5-r11');
    await oakum('lock', '2.9.2');
    expect((await lockOf()).bases.golden.image.digest).toBe(before);
    await oakum('lock', '2.9.2', '--refresh', 'bases');
    const { image } = (await lockOf()).bases.golden;
    expect([image.digest, image.platforms['linux/amd64'].packages[0].version]).toEqual([moved, '1.2.5-r11']);
  }, 300_000);

  it('is refused with an unsigned image', async () => {
    await writeFile(join(outside.folder, 'golden.pub'), createTestSigner().publicKey);
    const { exitCode, stderr } = await outside.oakum(['lock', '2.9.2']);
    expect(stderr).toContain('the base image is not signed as `verify` demands');
    expect(exitCode).toBe(5);
  });
});
