// SPDX-License-Identifier: Apache-2.0
// The main job on real input: Flux 2.9.2 as the lock pins it, made twice with nothing shared, judged by tools we did not write.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '#core';
import { openLayout, unpackImage, parseIndex, readContent } from '#image';
import { putChangedImage } from './changed-image.ts';
import { debianJudge, judge } from '../judges.ts';
import { type CliResult, runCli } from '../outside.ts';
import { type RealRegistry, startGoRegistry } from '../registries.ts';

const COMPONENTS = [
  'source-controller',
  'kustomize-controller',
  'helm-controller',
  'notification-controller',
  'image-reflector-controller',
  'image-automation-controller',
  'source-watcher',
];
const PINS = 'images/v2.9.2/oakum-distroless.yaml';
const DEFINITION = resolve(import.meta.dirname, '../../distribution.yaml');

/** Runs a judge beside a registry whose output this process drains: never synchronously. Gives stdout. */
async function run(file: string, args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(file, args, { encoding: 'utf8', maxBuffer: 1 << 28 })).stdout;
}

let folder: string;
/** Roots of the seven unpacked images, by component. */
const roots = new Map<string, string>();

function release(name: string, args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> {
  return oakum([...args, '--definition', DEFINITION, '--locked'], name, env);
}

function oakum(args: readonly string[], name = 'one', env: Record<string, string> = {}): Promise<CliResult> {
  const base = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', CI: 'true', ...goSettings() };
  return runCli(args, {
    cwd: folder,
    env: { ...base, OAKUM_CACHE: join(folder, `cache-${name}`), OAKUM_DATA: join(folder, `data-${name}`), ...env },
  });
}

function goSettings(): Record<string, string> {
  return Object.fromEntries(
    ['GOPROXY', 'GOSUMDB'].flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  );
}

/**
 * What must be the same in two builds: manifests, configs, layers, SBOMs. Provenance holds times, and so an index differs;
 * how steps were held differs between machines, and what holds for one publication alone.
 */
async function contentOf(out: string): Promise<unknown> {
  const text = await readFile(join(folder, out, 'release.json'), 'utf8');
  const {
    channels,
    publication: _published,
    manifests: _pinning,
    ...rest
  } = JSON.parse(text, (key, value) => (key === 'isolation' ? undefined : value));
  const { base, images } = channels.distroless;
  return { ...rest, base, images: images.map(({ digest: _, ...image }: { digest: string }) => image) };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-release-'));
  const first = await release('one', ['release', '2.9.2', '--out', 'out', '--platform', 'linux/amd64']);
  expect(first.stderr + first.stdout).toContain('Revision 2.9.2-r0');
  const layout = await openLayout(join(folder, 'out/oci'));
  for (const [name, descriptor] of await layout.references()) {
    const [, component] = /^distroless\/([a-z-]+):v[0-9.]+$/.exec(name) ?? [];
    if (component === undefined || !COMPONENTS.includes(component)) continue; // a channel also holds its manifests
    const index = parseIndex(await readContent(layout, descriptor, 1 << 20), name);
    const manifest = index.manifests.find((one) => one.platform?.architecture === 'amd64');
    const root = join(folder, 'roots', component);
    await mkdir(root, { recursive: true });
    if (manifest !== undefined) await unpackImage(layout, manifest, root, { owners: true });
    roots.set(component, root);
  }
}, 40 * 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a release of Flux 2.9.2', () => {
  it('holds the seven controllers', () => {
    expect([...roots.keys()].sort()).toEqual([...COMPONENTS].sort());
  });

  it('can be installed: manifests that run these images, as a file and as artifacts, are in its document', async () => {
    const document = JSON.parse(await readFile(join(folder, 'out/release.json'), 'utf8'));
    const kinds = document.manifests.map(({ kind }: { kind: string }) => kind);
    expect(kinds).toEqual(['install', 'flux-manifests', 'operator']);
    const text = await readFile(join(folder, 'out/manifests/v2.9.2/install-distroless.yaml'), 'utf8');
    expect(document.manifests[0]).toMatchObject({ digest: digestOf(text), size: text.length });
    for (const { name, version, digest } of document.channels.distroless.images)
      expect(text).toContain(`        image: ${name}:${version}@${digest}\n`);
    const references = await (await openLayout(join(folder, 'out/oci'))).references();
    for (const name of ['flux-manifests', 'flux-operator-manifests']) {
      const [first, moving] = ['v2.9.2-r0', 'v2.9.2'].map((tag) => references.get(`distroless/${name}:${tag}`)?.digest);
      expect(document.manifests.map((one: { digest: string }) => one.digest)).toContain(first);
      expect(moving).toBe(first);
    }
  });

  it('has roots without shell, package manager, set-id file, device or writable system file', async () => {
    for (const root of roots.values()) {
      const found = execFileSync('find', [root, '-printf', '%P %y %m %U\n'], { encoding: 'utf8' }).trim().split('\n');
      expect(found.length).toBeGreaterThan(500);
      const names = found.filter((line) => / [fl] /.test(line)).map((line) => line.split(' ')[0] ?? ''); // folders run nothing
      expect(
        names.filter((name) => /(^|\/)(sh|bash|dash|busybox|apt|apt-get|dpkg|apk|rpm|perl|python3?)$/.test(name)),
      ).toEqual([]);
      expect(found.filter((line) => / [bcps] /.test(line))).toEqual([]);
      expect(found.filter((line) => / f [0-7]*[4-7][0-7]{3} /.test(line) || / f [0-7]{2}[2367] /.test(line))).toEqual(
        [],
      );
      const programs = found.filter((line) => / f 7[0-7]{2} /.test(line));
      expect(programs).toHaveLength(1);
      expect(programs[0]).toMatch(/^usr\/local\/bin\/[a-z-]+ f 755 0$/);
      expect(await readFile(join(root, 'etc/passwd'), 'utf8')).toMatch(/^nonroot:x:65532:65532:/m);
      expect(await readFile(join(root, 'etc/ssl/certs/ca-certificates.crt'), 'utf8')).toContain('BEGIN CERTIFICATE');
      expect(
        (await readdir(join(root, 'var/lib/dpkg/status.d'))).filter((name) => !name.endsWith('.md5sums')).sort(),
      ).toEqual(['base-files', 'ca-certificates', 'media-types', 'netbase', 'tzdata']);
    }
  });

  it('holds programs that say of themselves what was asked: Go, no cgo, trimmed paths', () => {
    for (const [component, root] of roots) {
      const said = execFileSync('go', ['version', '-m', join(root, 'usr/local/bin', component)], { encoding: 'utf8' });
      expect(said).toMatch(/: go1\.27\.3-X:nojsonv2\n/);
      expect(said).toMatch(/\tbuild\tCGO_ENABLED=0\n/);
      expect(said).toMatch(/\tbuild\t-trimpath=true\n/);
      // go prints the file's own path before the colon; neither the rest nor the program itself may name the build's folder
      expect(said.slice(said.indexOf(': go'))).not.toContain(folder);
      expect(spawnSync('grep', ['-c', '-a', '-F', folder, join(root, 'usr/local/bin', component)]).status).toBe(1);
    }
  });

  it('has entrypoints that start in their own root, as their own user, without network', () => {
    for (const [component, root] of roots) {
      const sandbox = [
        '--unshare-all',
        '--uid',
        '65534',
        '--gid',
        '65534',
        '--ro-bind',
        root,
        '/',
        '--proc',
        '/proc',
        '--dev',
        '/dev',
        '--tmpfs',
        '/tmp',
      ];
      const result = spawnSync(
        'bwrap',
        [...sandbox, '--clearenv', '--setenv', 'PATH', '/usr/local/bin:/usr/bin', '--', component, '--help'],
        {
          encoding: 'utf8',
        },
      );
      expect(`${result.stdout}${result.stderr}`).toMatch(/--(log-level|watch-all-namespaces|metrics-addr)/);
    }
  });

  it('is pushed where crane validates it, exports it, and skopeo copies it from the layout', async () => {
    const crane = await judge('crane');
    const registry = await startGoRegistry();
    try {
      const pushed = await release('one', [
        'release',
        '2.9.2',
        '--to',
        `${registry.host}/flux`,
        '--platform',
        'linux/amd64',
        '--out',
        'pushed',
      ]);
      expect(pushed).toMatchObject({ exitCode: 0 });
      expect(
        (await readFile(join(folder, 'pushed', PINS), 'utf8')).replaceAll(registry.host, 'registry.example.com'),
      ).toBe(await readFile(join(folder, 'out', PINS), 'utf8'));
      for (const line of (await readFile(join(folder, 'pushed', PINS), 'utf8')).matchAll(
        /name: (\S+)\n +newTag: (\S+)\n +digest: (\S+)/g,
      )) {
        const [, name = '', tag = '', digest = ''] = line;
        expect((await run(crane, ['digest', `${name}:${tag}`])).trim()).toBe(digest);
        await run(crane, ['validate', '--remote', `${name}@${digest}`, '--platform', 'linux/amd64']);
      }
      const tree = await run('sh', [
        '-c',
        '"$0" export "$1" - | tar -t',
        crane,
        `${registry.host}/flux/distroless/source-watcher:v2.2.2`,
      ]);
      expect(tree).toContain('usr/local/bin/source-watcher');
    } finally {
      await registry.stop();
    }
    const copy = [
      'copy',
      '-q',
      `oci:${join(folder, 'out/oci')}:distroless/source-watcher:v2.2.2`,
      `dir:${join(folder, 'skopeo')}`,
    ];
    expect(spawnSync('skopeo', copy, { encoding: 'utf8' })).toMatchObject({ status: 0 });
  });

  it(
    'is the same, to the bit, from an empty cache in another folder, on another day, with another home, umask and time zone',
    async () => {
      const other = { HOME: join(folder, 'home'), TZ: 'Pacific/Kiritimati', LC_ALL: 'C' };
      await mkdir(other.HOME);
      expect(await release('two', ['fetch', '2.9.2', '--platform', 'linux/amd64'], other)).toMatchObject({
        exitCode: 0,
      });
      const later = spawnSync('faketime', ['+40 days', 'printenv', 'LD_PRELOAD', 'FAKETIME'], { encoding: 'utf8' })
        .stdout.trim()
        .split('\n');
      const [preload = '', faketime = ''] = later;
      expect(preload).toContain('faketime');
      const mask = process.umask(0o077);
      try {
        const again = await release('two', ['release', '2.9.2', '--platform', 'linux/amd64', '--out', 'deep/er/out'], {
          ...other,
          LD_PRELOAD: preload,
          FAKETIME: faketime,
        });
        expect(again.stderr + again.stdout).toContain('Revision 2.9.2-r0');
      } finally {
        process.umask(mask);
      }
      expect(await contentOf('deep/er/out')).toEqual(await contentOf('out'));
    },
    40 * 60_000,
  );

  it(
    'builds for arm64 on this machine',
    async () => {
      const built = await release('one', [
        'release',
        '2.9.2',
        '--platform',
        'linux/arm64',
        '--component',
        'source-watcher',
        '--out',
        'arm',
      ]);
      expect(built).toMatchObject({ exitCode: 0 });
      const layout = await openLayout(join(folder, 'arm/oci'));
      const reference = [...(await layout.references())].find(([name]) => name.startsWith('distroless/'));
      const index = parseIndex(await readContent(layout, reference?.[1] ?? (undefined as never), 1 << 20), 'arm');
      const root = join(folder, 'arm-root');
      await mkdir(root);
      await unpackImage(layout, index.manifests[0] ?? (undefined as never), root, {});
      expect(
        execFileSync('go', ['version', '-m', join(root, 'usr/local/bin/source-watcher')], { encoding: 'utf8' }),
      ).toContain('GOARCH=arm64');
    },
    20 * 60_000,
  );
});

describe('the evidence of a release, for two platforms in a plain registry', () => {
  let registry: RealRegistry;
  let reference: string;
  let key: string;
  beforeAll(async () => {
    registry = await startGoRegistry();
    const to = [
      '--to',
      `${registry.host}/flux`,
      '--cosign-v2-tags',
      '--out',
      'evidence',
      '--component',
      'source-watcher',
    ];
    expect(await release('one', ['release', '2.9.2', ...to])).toMatchObject({ exitCode: 0 });
    const words =
      'vex add CVE-2026-12345 --status not_affected --justification vulnerable_code_not_present --author test';
    const about = ['--reason', 'A decision of this test.', '--package', 'pkg:golang/golang.org/x/net'];
    const decision = [...words.split(' '), ...about];
    expect(await oakum([...decision, '--definition', DEFINITION])).toMatchObject({ exitCode: 0 });
    const attach = ['vex', 'attach', 'evidence', '--to', `${registry.host}/flux`, '--cosign-v2-tags'];
    expect(await oakum([...attach, '--definition', DEFINITION])).toMatchObject({ exitCode: 0 });
    reference = `${registry.host}/flux/distroless/source-watcher:v2.2.2`;
    key = join(folder, 'data-one/keys/oakum.pub');
  });
  afterAll(() => registry.stop());

  it.each([
    ['verify'],
    ['verify-attestation', '--type', 'slsaprovenance'],
    ['verify-attestation', '--type', 'slsaprovenance1'],
    ['verify-attestation', '--type', 'spdxjson'],
    ['verify-attestation', '--type', 'cyclonedx'],
    ['verify-attestation', '--type', 'openvex'],
  ])('cosign 3 and cosign 2 accept: %s %s %s', async (...words) => {
    const command = words.filter((word) => word !== undefined);
    await run(await judge('cosign'), [...command, '--key', key, '--private-infrastructure', reference]);
    const old = await debianJudge('cosign', 'usr/bin/cosign', 'trixie');
    if (old !== undefined) await run(old, [...command, '--key', key, '--insecure-ignore-tlog', reference]);
  });

  it('is built again from its provenance alone, to the bit', async () => {
    const again = await oakum([
      'reproduce',
      reference,
      '--platform',
      'linux/arm64',
      '--json',
      '--definition',
      DEFINITION,
    ]);
    expect(JSON.parse(again.stdout)).toMatchObject({ identical: true, differences: [], component: 'source-watcher' });
  }, 900_000);

  it('is told apart from an image with another program', async () => {
    const names = { of: 'distroless/source-watcher:v2.2.2', as: 'changed:v1' };
    await putChangedImage(await openLayout(join(folder, 'out/oci')), names, join(folder, 'changed-cache'));
    const command = ['reproduce', 'oci:out/oci:changed:v1', '--platform', 'linux/amd64', '--warm', '--json'];
    const again = await oakum([...command, '--definition', DEFINITION]);
    expect(again.exitCode).toBe(1);
    const { differences } = JSON.parse(again.stdout) as { differences: { what: string; name: string }[] };
    expect(differences).toContainEqual(
      expect.objectContaining({ what: 'file', name: '/usr/local/bin/source-watcher' }),
    );
  });

  it('docker buildx prints the SBOM and the provenance of each platform', async () => {
    const buildx = await debianJudge('docker-buildx', 'usr/libexec/docker/cli-plugins/docker-buildx', 'trixie');
    if (buildx === undefined)
      return expect(spawnSync('apt-get', ['--version']).status, 'no apt, no Debian judge').not.toBe(0);
    for (const platform of ['linux/amd64', 'linux/arm64']) {
      const inspect = (format: string) => run(buildx, ['imagetools', 'inspect', reference, '--format', format]);
      const sbom = JSON.parse(await inspect(`{{ json (index .SBOM "${platform}").SPDX}}`));
      expect(sbom.packages.map((one: { name: string }) => one.name)).toContain('tzdata');
      const provenance = JSON.parse(await inspect(`{{ json (index .Provenance "${platform}").SLSA}}`));
      expect(JSON.stringify(provenance.materials)).toContain('fluxcd/source-watcher');
    }
  });

  it('oakum verifies all of it, and tells another key no', async () => {
    const policy = join(folder, 'policy.yaml');
    await writeFile(
      policy,
      `version: 1\nidentities:\n  - key: ${key}\nrequire:\n  signature: each\n  attestations: [slsaprovenance, slsaprovenance1, spdxjson, cyclonedx]\n  sbom: matches\n  slsa:\n    builders: [{ id: 'https://oakum.dev/builders/local/v1', level: 1 }]\n    source: { repository: 'https://github.com/fluxcd/source-watcher' }\n`,
    );
    const trusted = await oakum(['verify', reference, '--policy', policy, '--json']);
    expect({ exitCode: trusted.exitCode, text: trusted.stdout + trusted.stderr }).toMatchObject({ exitCode: 0 });
    const other = join(folder, 'other.pub');
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(other, publicKey.export({ type: 'spki', format: 'pem' }));
    expect(await oakum(['verify', reference, '--key', other])).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('NOT TRUSTED'),
    });
  });

  it('stays as it is when the same revision is published again', async () => {
    const crane = await judge('crane');
    const digest = () => run(crane, ['digest', reference]);
    const [before, tags] = [
      await digest(),
      await run(crane, ['ls', `${registry.host}/flux/distroless/source-watcher`]),
    ];
    const to = [
      '--to',
      `${registry.host}/flux`,
      '--cosign-v2-tags',
      '--out',
      'evidence',
      '--component',
      'source-watcher',
    ];
    expect(await release('one', ['release', '2.9.2', ...to])).toMatchObject({ exitCode: 0 });
    expect([await digest(), await run(crane, ['ls', `${registry.host}/flux/distroless/source-watcher`])]).toEqual([
      before,
      tags,
    ]);
  });
});
