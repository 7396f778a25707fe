// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startRegistry } from '#testing';
import { type CliResult, type Outside, PACKAGES, startOutside } from './outside.ts';

const DAY = 86_400_000;

/** What every failure must look like: a sentence for people, the exit code of its family, and no stack trace. */
function expectFailure(result: CliResult, exitCode: number, text: RegExp): void {
  expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({
    exitCode,
    stderr: expect.stringMatching(text),
  });
  expect(result.stderr).toMatch(/^oakum: /m);
  expect(result.stderr).not.toMatch(/^\s+at .*\.ts:\d+/m);
  expect(result.stdout).toBe('');
}

/** What must be the same in two builds: manifests, configs, layers, SBOMs. Provenance holds times, and so an index differs. */
async function contentOf(out: string): Promise<unknown> {
  const document = JSON.parse(await readFile(join(out, 'release.json'), 'utf8'));
  return JSON.parse(
    JSON.stringify(document.channels.distroless, (key, value) =>
      key === 'digest' && typeof value === 'string' ? undefined : value,
    ),
  );
}

describe('the command line', () => {
  let outside: Outside;
  beforeAll(async () => {
    outside = await startOutside();
    const first = await outside.oakum(['release', '2.9.2']);
    expect(first.stderr + first.stdout).toContain('Revision 2.9.2-r0');
  }, 600_000);
  afterAll(() => outside.stop());
  afterEach(async () => {
    outside.proxy.heal();
    await outside.define();
  });

  /** Runs with an empty cache and state, so that everything is asked for again. */
  async function fresh(args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> {
    const folder = await mkdtemp(join(tmpdir(), 'oakum-fresh-'));
    await cp(join(outside.folder, 'distribution.yaml'), join(folder, 'distribution.yaml'));
    await cp(join(outside.folder, 'archive.asc'), join(folder, 'archive.asc'));
    try {
      return await outside.oakum([...args, '--definition', join(folder, 'distribution.yaml')], {
        env: { OAKUM_CACHE: join(folder, 'cache'), OAKUM_DATA: join(folder, 'data'), ...env },
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  it('writes a layout, pins in the exact form, and a release document that says what was built from what', async () => {
    const out = join(outside.folder, 'out');
    const pins = await readFile(join(out, 'images/v2.9.2/oakum-distroless.yaml'), 'utf8');
    expect(pins).toMatch(
      /^images:\n {2}- name: registry\.example\.com\/flux\/distroless\/alpha\n {4}newTag: v1\.9\.3\n {4}digest: sha256:[0-9a-f]{64}\n {2}- name: registry\.example\.com\/flux\/distroless\/beta\n {4}newTag: v1\.2\.3\n {4}digest: sha256:[0-9a-f]{64}\n$/,
    );
    const document = JSON.parse(await readFile(join(out, 'release.json'), 'utf8'));
    const [alpha] = document.channels.distroless.images;
    expect(alpha).toMatchObject({
      component: 'alpha',
      tags: ['v1.9.3-r0', 'v1.9.3'],
      source: {
        path: 'github.com/fluxcd/alpha',
        commit: 'a'.repeat(40),
        proof: { kind: 'checksum-database' },
        nested: [{ folder: 'api' }],
      },
    });
    expect(pins).toContain(alpha.digest);
    expect(document.exemptions).toEqual([expect.objectContaining({ module: 'golang.org/toolchain' })]);
    const index = JSON.parse(await readFile(join(out, 'oci/index.json'), 'utf8'));
    const names = index.manifests.map(
      (one: { annotations: Record<string, string> }) => one.annotations['org.opencontainers.image.ref.name'],
    );
    expect(names.filter((name: string) => name.startsWith('distroless/')).sort()).toEqual([
      'distroless/alpha:v1.9.3',
      'distroless/alpha:v1.9.3-r0',
      'distroless/beta:v1.2.3',
      'distroless/beta:v1.2.3-r0',
    ]);
  });

  it('asks no network the second time and says that all was cached', async () => {
    const before = outside.proxy.requests.length + outside.debian.requests.length;
    const again = await outside.oakum(['release', '2.9.2', '--json'], { env: { GOPROXY: 'off' } });
    expect(again.exitCode).toBe(0);
    const outcome = JSON.parse(again.stdout);
    expect(outcome.images.map((image: { cached: boolean }) => image.cached)).toEqual([true, true]);
    expect(outside.proxy.requests.length + outside.debian.requests.length).toBe(before);
  });

  it('makes the same bytes with another cache and another folder', async () => {
    const out = join(outside.folder, 'elsewhere');
    const other = { OAKUM_CACHE: join(outside.folder, 'other-cache'), OAKUM_DATA: join(outside.folder, 'other-data') };
    expect((await outside.oakum(['release', '2.9.2', '--locked', '--out', out], { env: other })).exitCode).toBe(0);
    expect(await contentOf(out)).toEqual(await contentOf(join(outside.folder, 'out')));
  }, 600_000);

  it('notices a damaged cache entry, makes it anew, and ends with the same digests', async () => {
    const out = join(outside.folder, 'after-damage');
    const blobs = join(outside.folder, 'cache/blobs');
    const files = (await readdir(blobs, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    const sizes = await Promise.all(
      files.map(async (file) => ({
        path: join(file.parentPath, file.name),
        size: (await stat(join(file.parentPath, file.name))).size,
      })),
    );
    const [binary] = sizes.sort((a, b) => b.size - a.size);
    await truncate(binary?.path ?? '', 100);
    await rm(join(outside.folder, 'cache/records/pack-layer'), { recursive: true }); // so that the binary is read again
    const result = await outside.oakum(['release', '2.9.2', '--out', out]);
    expect(result.stderr).toContain('damaged');
    expect(result.exitCode).toBe(0);
    expect(await contentOf(out)).toEqual(await contentOf(join(outside.folder, 'out')));
  }, 600_000);

  it('says what it would do, and changes nothing', async () => {
    const plan = await fresh(['plan', '2.9.2']);
    expect(plan.exitCode).toBe(0);
    expect(plan.stdout).toMatch(
      /compile +alpha linux\/amd64 +github\.com\/fluxcd\/alpha@v1\.9\.3, go[0-9.]+ +to build/,
    );
    expect(plan.stdout).toMatch(/package +tzdata +tzdata_2026a-1_all \(trixie\) +to fetch/);
    const cached = await outside.oakum(['plan', '2.9.2', '--json']);
    expect(JSON.parse(cached.stdout).steps.every((step: { cached: boolean }) => step.cached)).toBe(true);
  });

  describe('given bad input', () => {
    it.each([
      [['release', '2.9.77'], 2, /2\.9\.77.*\n.*2\.9\.2/s],
      [['release', 'latest'], 2, /not a Flux version/],
      [['release', '2.9.2', '--component', 'alfa'], 2, /no component "alfa"; did you mean alpha\?/],
      [['release', '2.9.2', '--channel', 'windows'], 2, /no channel "windows"/],
      [['release', '2.9.2', '--platform', 'linux/s390x'], 2, /no platform "linux\/s390x"/],
      [['release', '2.9.2', '--jobs', 'many'], 2, /--jobs takes a whole number/],
      [['release', '2.9.2', '--definition', 'none.yaml'], 3, /none\.yaml/],
      [['cache', 'prune', '--max-size', 'huge'], 2, /--max-size takes a size/],
    ])('%j: exit code %i', async (args, exitCode, text) => {
      expectFailure(await outside.oakum(args), exitCode, text);
    });

    it('refuses an unknown command and flag with code 2', async () => {
      expect((await outside.oakum(['relaese', '2.9.2'])).exitCode).toBe(2);
      expect(await outside.oakum(['release', '2.9.2', '--colour'])).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('unknown option'),
      });
    });

    it('lists every fault of a definition with its place', async () => {
      await outside.define((text) =>
        text
          .replace('version: 1', 'version: 9')
          .replace('base: debian', 'base: alpine')
          .replace('[linux/amd64]', '[linux/mips]'),
      );
      const result = await outside.oakum(['release', '2.9.2']);
      expectFailure(result, 3, /3 faults/);
      expect(result.stderr.match(/distribution\.yaml:\d+:\d+: /g)).toHaveLength(3);
    });

    it('refuses to go on with --locked when the lock lacks something', async () => {
      expectFailure(
        await fresh(['release', '2.9.2', '--locked']),
        3,
        /the lock lacks Flux 2\.9\.2.*oakum lock 2\.9\.2/s,
      );
    });

    it('says what to set where no proxy is configured and Go is not installed', async () => {
      const node = join(outside.folder, 'bin');
      await mkdir(node, { recursive: true });
      const result = await fresh(['release', '2.9.2'], { GOPROXY: '', GOSUMDB: '', PATH: node });
      expectFailure(result, 2, /GOPROXY and GOSUMDB not set.*go\.dev\/ref\/mod/s);
    });

    it.each([
      ['answers 403', { kind: 'status', status: 403 }, 4],
      ['answers 500', { kind: 'status', status: 500 }, 4],
      ['cuts every answer', { kind: 'cut' }, 4],
      ['serves other bytes', { kind: 'altered' }, 5],
    ] as const)(
      'a proxy that %s for a zip',
      async (_name, fault, exitCode) => {
        outside.proxy.fail({ path: /flux2\/v2\/@v\/v2\.9\.2\.zip$/, ...fault });
        expectFailure(await fresh(['release', '2.9.2']), exitCode, /flux2\/v2/);
      },
      120_000,
    );

    it('a checksum database that lacks a module: exit code 5, and how to exempt it by name', async () => {
      outside.proxy.fail({ path: /lookup\/github\.com\/fluxcd\/beta@/, kind: 'status', status: 404 });
      expectFailure(await fresh(['release', '2.9.2']), 5, /github\.com\/fluxcd\/beta@v1\.2\.3.*exempt/s);
    });

    it('a package index that has expired, and one that was not signed by a pinned key', async () => {
      const date = new Date(Date.now() - 20 * DAY);
      await outside.debian.publish({
        suite: 'expired',
        packages: PACKAGES,
        date,
        validUntil: new Date(Date.now() - DAY),
      });
      await outside.define((text) => text.replace('[trixie]', '[expired]'));
      expectFailure(await fresh(['release', '2.9.2']), 5, /expired/);
      await outside.debian.publish({ suite: 'stranger', packages: PACKAGES, date, wronglySigned: true });
      await outside.define((text) => text.replace('[trixie]', '[stranger]'));
      expectFailure(await fresh(['release', '2.9.2']), 5, /no pinned key/);
    });

    it('a package that differs from its locked hash', async () => {
      outside.debian.fail({ path: /tzdata.*\.deb$/, kind: 'altered', times: 1 });
      expectFailure(await fresh(['fetch', '2.9.2', '--component', 'beta']), 5, /tzdata/);
    }, 120_000);

    it('a disk that is full', async () => {
      const disk = join(outside.folder, 'small-disk');
      await mkdir(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0755', 'none', disk]); // needs root, as CI is
      try {
        expectFailure(
          await fresh(['release', '2.9.2'], { OAKUM_CACHE: join(disk, 'cache') }),
          6,
          /disk is full.*OAKUM_CACHE/s,
        );
      } finally {
        execFileSync('umount', ['-l', disk]);
      }
    });
  });

  describe('publishing to a registry', () => {
    it('pushes content, then immutable tags, then moving tags; the second time nothing', async () => {
      const registry = await startRegistry();
      try {
        expect((await outside.oakum(['release', '2.9.2', '--to', `${registry.host}/flux`])).exitCode).toBe(0);
        const tags = registry.requests.filter((line) => /^PUT .*\/manifests\/v/.test(line));
        expect(tags.map((line) => line.endsWith('-r0'))).toEqual([true, true, false, false]);
        const received = registry.received();
        expect((await outside.oakum(['release', '2.9.2', '--to', `${registry.host}/flux`])).exitCode).toBe(0);
        expect(registry.received()).toBe(received);
        const puts = registry.requests.filter((line) => /^PUT .*\/manifests\/(?!sha256)/.test(line));
        const [immutable, ...moving] = puts.slice(-3).map((line) => line.split('/flux/')[1]);
        expect(immutable).toBe('releases/manifests/2.9.2-r0');
        expect(new Set(moving)).toEqual(new Set(['releases/manifests/2.9', 'releases/manifests/2.9.2']));
        const key = join(outside.folder, 'data/keys/oakum.pub');
        const trusted = await outside.oakum(['verify', 'release', `${registry.host}/flux/releases:2.9`, '--key', key]);
        expect({ exitCode: trusted.exitCode, text: trusted.stdout + trusted.stderr }).toEqual({
          exitCode: 0,
          text: expect.stringMatching(/\(2\.9\.2-r0\): trusted\n$/),
        });
        const catalog = await outside.oakum(['catalog', `${registry.host}/flux/releases`, '--json']);
        expect(JSON.parse(catalog.stdout).lines).toMatchObject([
          { line: '2.9', newest: '2.9.2-r0', revisions: [{ partial: false, findings: { kind: 'not-scanned' } }] },
        ]);
      } finally {
        await registry.stop();
      }
    });

    it('goes on when the connection drops in the middle of a blob', async () => {
      const registry = await startRegistry();
      try {
        registry.fail({ when: /^(PUT|PATCH) .*\/blobs\/uploads\//, times: 2, kind: 'reset', afterBytes: 1000 });
        expect(await outside.oakum(['release', '2.9.2', '--to', `${registry.host}/flux`])).toMatchObject({
          exitCode: 0,
        });
      } finally {
        await registry.stop();
      }
    });

    it('refuses to change a published revision', async () => {
      const registry = await startRegistry();
      try {
        const to = ['--to', `${registry.host}/flux`, '--component', 'beta'];
        await outside.oakum(['release', '2.9.2', ...to]);
        await outside.define((text) => text.replace('vendor: Test', 'vendor: Other'));
        expectFailure(await outside.oakum(['release', '2.9.2', ...to]), 8, /published already.*--revision 1/s);
        expect((await outside.oakum(['release', '2.9.2', ...to, '--revision', '1'])).exitCode).toBe(0);
      } finally {
        await registry.stop();
      }
    });

    it('says that a registry wants credentials, and shows no tag when it refuses', async () => {
      const registry = await startRegistry({ auth: 'basic', users: { robot: 'hunter22' } });
      try {
        expectFailure(
          await outside.oakum(['release', '2.9.2', '--to', `${registry.host}/flux`]),
          8,
          /unauthorized|credentials/i,
        );
        expect(registry.requests.filter((line) => line.startsWith('PUT') && line.includes('/manifests/v'))).toEqual([]);
      } finally {
        await registry.stop();
      }
    });
  });

  describe('stopped in the middle', () => {
    it('by Ctrl-C: ends soon with code 130, leaves no process and no output; the next run goes on', async () => {
      const cache = join(outside.folder, 'stopped-cache');
      const env = { OAKUM_CACHE: cache };
      const out = join(outside.folder, 'stopped');
      let lines = '';
      let pressed = false;
      const result = await outside.oakum(['release', '2.9.2', '--component', 'beta', '--out', out], {
        env,
        onStart: (child) =>
          child.stderr?.on('data', (chunk: Buffer) => {
            lines += chunk.toString();
            // Once: a third signal would meet a process that is already ending, and end it by itself.
            if (!pressed && lines.includes('compile ...')) pressed = child.kill('SIGINT');
          }),
      });
      expect(result.exitCode).toBe(130);
      expect(result.stderr).toContain('stopped');
      expect(await readdir(out).catch(() => [])).toEqual([]);
      expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain(cache);
      expect((await outside.oakum(['release', '2.9.2', '--component', 'beta', '--out', out], { env })).exitCode).toBe(
        0,
      );
    }, 600_000);

    it('by SIGKILL: the next run goes on from what is there', async () => {
      const env = { OAKUM_CACHE: join(outside.folder, 'killed-cache') };
      const out = join(outside.folder, 'killed');
      for (const word of ['fetch ...', 'compile ...']) {
        let lines = '';
        const result = await outside.oakum(['release', '2.9.2', '--component', 'beta', '--out', out], {
          env,
          onStart: (child) =>
            child.stderr?.on('data', (chunk: Buffer) => {
              lines += chunk.toString();
              if (lines.includes(word)) child.kill('SIGKILL');
            }),
        });
        expect(result.exitCode).toBe(null);
      }
      const both = await Promise.all(
        [0, 1].map((n) => outside.oakum(['release', '2.9.2', '--component', 'beta', '--out', `${out}-${n}`], { env })),
      );
      expect(both.map((result) => result.exitCode)).toEqual([0, 0]); // two at once
      const [first, second] = await Promise.all([0, 1].map((n) => contentOf(`${out}-${n}`)));
      expect(first).toEqual(second);
    }, 600_000);
  });

  describe('inspect', () => {
    const image = () => `oci:${join(outside.folder, 'out/oci')}:distroless/alpha:v1.9.3`;

    it('shows what is in an image, who built it and what is attached', async () => {
      const { stdout, exitCode } = await outside.oakum(['inspect', image()]);
      expect({ stdout, exitCode }).toEqual({ exitCode: 0, stdout: expect.stringContaining('linux/') });
      expect(stdout).toMatch(/^ {2}runs +alpha as 65534:65534$/m);
      expect(stdout).toMatch(/^ {2}built by +https:\/\/oakum\.dev\/builders\/local\/v1 /m);
      expect(stdout).toMatch(/^https:\/\/spdx\.dev\/Document +linux\/\w+ +index +-$/m);
    });

    it('prints SBOM and provenance alone, and all of it as JSON', async () => {
      const parse = async (...flags: readonly string[]): Promise<unknown> =>
        JSON.parse((await outside.oakum(['inspect', image(), ...flags])).stdout);
      expect(await parse('--sbom', 'spdx')).toMatchObject({ spdxVersion: 'SPDX-2.3' });
      expect(await parse('--provenance')).toMatchObject({
        buildDefinition: { externalParameters: { component: 'alpha', revision: '2.9.2-r0' } },
      });
      expect(await parse('--json')).toMatchObject({ image: image(), platforms: [{ user: '65534:65534' }] });
    });

    it('says what there is instead of what is not there', async () => {
      expectFailure(
        await outside.oakum(['inspect', image().replace('alpha', 'gamma')]),
        8,
        /It holds distroless\/alpha/,
      );
      expectFailure(await outside.oakum(['inspect', 'oci:out']), 2, /oci:FOLDER:NAME/);
      expectFailure(
        await outside.oakum(['inspect', image(), '--platform', 'linux/s390x']),
        2,
        /It is there for linux\//,
      );
    });
  });

  it('prints its version and help, and shows and prunes its cache', async () => {
    expect(await outside.oakum(['--version'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
    expect((await outside.oakum(['release', '--help'])).stdout).toContain('Examples:');
    expect((await outside.oakum(['cache'])).stdout).toContain('areas/go-build');
    await writeFile(join(outside.folder, 'other-cache/blobs/stray'), 'x');
    const pruned = await outside.oakum(['cache', 'prune', '--all', '--json'], {
      env: { OAKUM_CACHE: join(outside.folder, 'other-cache') },
    });
    expect(JSON.parse(pruned.stdout)).toMatchObject({ keptBytes: 0 });
  });
});
