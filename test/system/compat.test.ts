// SPDX-License-Identifier: Apache-2.0
// Compatibility on real API servers: the oldest, the newest and the usual of the six minors. It uses the machine's own cache, since an API
// server takes minutes to compile the first time; `oakum compat test` without --kubernetes runs all six.
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '#core';
import { cosignVerifyBlob } from '../judges.ts';
import { type CliResult, runCli } from '../outside.ts';

const MINORS = ['1.32', '1.36', '1.37'];
const DEFINITION = resolve(import.meta.dirname, '../../distribution.yaml');
const PROGRAMS = /^(?:kube-apiserver|etcd|bwrap|[a-z-]+-controller|source-watcher)$/;

/** A cell as `--json` prints it. */
interface Cell {
  readonly kubernetes: string;
  readonly verdict: string;
  readonly digest: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly images: Readonly<Record<string, string>>;
  readonly steps: readonly { readonly name: string; readonly verdict: string; readonly detail?: string }[];
  readonly logs: Readonly<Record<string, string>>;
  readonly fresh: boolean;
  readonly stale: readonly string[];
}

let folder: string;
const cellOf = (minor: string) => join(folder, 'out/compatibility/2.9.2-r0/distroless', minor);

function oakum(args: readonly string[], options: Partial<Parameters<typeof runCli>[1]> = {}): Promise<CliResult> {
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value ? [[name, value]] : [])),
  );
  const takesDefinition = args[0] === 'release' || args[0] === 'compat';
  return runCli(takesDefinition ? [...args, '--definition', join(folder, 'distribution.yaml')] : args, {
    cwd: folder,
    ...options,
    env: { ...env, CI: 'true', OAKUM_DATA: join(folder, 'data'), ...options.env },
  });
}

/** Names the programs of tests that run below a folder: what was started with a path of it, or works in it. */
function running(below: string): readonly string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
      const isOurs = command.includes(below) || readlinkSync(`/proc/${pid}/cwd`).startsWith(below);
      return isOurs && PROGRAMS.test(name) ? [`${pid} ${command}`] : [];
    } catch {
      return []; // it has ended meanwhile, or is a kernel thread
    }
  });
}

/** The start of the paths of a run's scratch, which its processes name; the cache may serve other runs at the same time. */
const scratchOf = (pid: number | undefined) => join(process.env['OAKUM_CACHE'] ?? '/var/cache/oakum', 'tmp', `${pid}-`);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-compat-'));
  await writeFile(join(folder, 'distribution.yaml'), await readFile(DEFINITION));
  await writeFile(join(folder, 'oakum.lock'), await readFile(join(DEFINITION, '../oakum.lock')));
  const released = await oakum(['release', '2.9.2', '--platform', 'linux/amd64', '--locked']);
  expect(released.stderr + released.stdout).toContain('Revision 2.9.2-r0');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('oakum compat test', () => {
  it('passes on real API servers of the oldest, the usual and the newest minor', { timeout: 60 * 60_000 }, async () => {
    let pid: number | undefined;
    const done = await oakum(['compat', 'test', '2.9.2', '--kubernetes', MINORS.join(','), '--json', '--attach'], {
      onStart: (child) => (pid = child.pid),
    });
    const cells = JSON.parse(done.stdout || '[]') as readonly Cell[];
    const bad = cells.flatMap(({ kubernetes, steps }) =>
      steps.filter(({ verdict }) => verdict === 'failed').map((step) => ({ kubernetes, ...step })),
    );
    expect(bad).toEqual([]);
    expect(done).toMatchObject({ exitCode: 0 });
    expect(cells.map(({ kubernetes }) => kubernetes)).toEqual(MINORS);
    for (const { kubernetes, versions, steps, logs, fresh, stale } of cells) {
      expect(versions['kubernetes']?.startsWith(`${kubernetes}.`)).toBe(true);
      expect(steps.length).toBeGreaterThan(12);
      expect({ fresh, stale }).toEqual({ fresh: true, stale: [] });
      for (const [name, digest] of Object.entries(logs))
        expect(digestOf(readFileSync(join(cellOf(kubernetes), name)))).toBe(digest);
      expect(readFileSync(join(cellOf(kubernetes), 'source-controller.log'), 'utf8')).toContain('"level":"info"');
    }
    expect(running(scratchOf(pid))).toEqual([]);
  });

  it('leaves out what holds, and shows it', async () => {
    const again = await oakum(['compat', 'test', '2.9.2', '--kubernetes', MINORS.join(','), '--json', '--only-stale']);
    const cells = JSON.parse(again.stdout) as readonly Cell[];
    expect(cells.map(({ fresh, verdict }) => ({ fresh, verdict }))).toEqual(
      MINORS.map(() => ({ fresh: false, verdict: 'passed' })),
    );
    const shown = await oakum(['compat', 'test', '2.9.2', '--kubernetes', '1.37', '--only-stale', '--quiet']);
    expect(shown.stdout).toMatch(/^1\.37 .* distroless .* passed /m);
  });

  it('signs what cosign believes, about each image', async () => {
    const key = await oakum(['key', 'public']);
    await writeFile(join(folder, 'oakum.pub'), key.stdout);
    const bundle = join(cellOf('1.37'), 'attestation.sigstore.json');
    const cell = JSON.parse(await readFile(join(cellOf('1.37'), 'cell.json'), 'utf8')) as Cell;
    expect(digestOf(await readFile(bundle))).toBe(cell.digest);
    const type = 'https://in-toto.io/attestation/test-result/v0.1';
    const verify = (blob: string) => cosignVerifyBlob(blob, { bundle, type, folder });
    for (const digest of Object.values(cell.images)) {
      const { status, stderr } = await verify(join(folder, 'out/oci/blobs/sha256', digest.slice('sha256:'.length)));
      expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining('Verified OK') });
    }
    expect((await verify(bundle)).status).not.toBe(0);
    const attached = await oakum(['inspect', 'oci:out/oci:distroless/source-controller:v1.9.3-r0', '--json']);
    expect(attached.stdout).toContain(type);
  });

  it.each(['SIGINT', 'SIGKILL'] as const)('leaves nothing running after %s', async (signal) => {
    let own = '';
    const stopped = await oakum(['compat', 'test', '2.9.2', '--kubernetes', '1.37', '--out', 'stopped'], {
      onStart: (child) => {
        own = scratchOf(child.pid);
        const timer = setInterval(() => {
          const started = running(own).some((one) => one.includes('source-controller --'));
          if (child.exitCode !== null || started) clearInterval(timer);
          if (started) child.kill(signal);
        }, 100);
      },
    });
    expect(stopped.exitCode).toBe(signal === 'SIGINT' ? 130 : null);
    for (let wait = 0; wait < 100 && running(own).length > 0; wait += 1) await delay(100);
    expect(running(own)).toEqual([]);
    expect(readdirSync(folder)).not.toContain('stopped');
  });

  it('says which package has etcd where there is none', async () => {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    const seen = new Set(['etcd']);
    for (const place of (process.env['PATH'] ?? '').split(delimiter).filter((path) => existsSync(path)))
      for (const name of readdirSync(place))
        if (!seen.has(name)) {
          seen.add(name);
          symlinkSync(join(place, name), join(bin, name));
        }
    const refused = await oakum(['compat', 'test', '2.9.2', '--kubernetes', '1.37'], { env: { PATH: bin } });
    expect(refused).toMatchObject({ exitCode: 6, stderr: expect.stringContaining('apt-get install etcd-server') });
  });
});
