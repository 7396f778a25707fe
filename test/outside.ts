// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type DebianRepository, type GoProxyServer, startDebianRepository, startGoProxy } from '#testing';

const MAIN = resolve(import.meta.dirname, '../src/cli/main.ts');

/** How a run of the command line ended. */
export interface CliResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A small outside world for the command line: a Go proxy with checksum database and a Debian archive, both on loopback. */
export interface Outside {
  readonly folder: string;
  readonly proxy: GoProxyServer;
  readonly debian: DebianRepository;
  readonly env: Readonly<Record<string, string>>;
  /** Runs `oakum` in the folder. */
  oakum(
    args: readonly string[],
    options?: { env?: Record<string, string>; onStart?: (child: ChildProcess) => void },
  ): Promise<CliResult>;
  /** Writes distribution.yaml, from the usual text. */
  define(change?: (text: string) => string): Promise<void>;
  stop(): Promise<void>;
}

const DAY = 86_400_000;
const MODULE_TIME = '2026-07-13T10:27:39Z';

/** The Debian packages of a root: little, but with the files that every base must have. */
export const PACKAGES = [
  {
    name: 'base-files',
    version: '13.1',
    entries: [{ path: './usr/lib/os-release', content: 'ID=debian\nVERSION_ID="13"\n' }],
  },
  { name: 'tzdata', version: '2026a-1', entries: [{ path: './usr/share/zoneinfo/UTC', content: 'TZif2' }] },
];

/** Starts the world: Flux 2.9.2 with two components, alpha (with a nested api module) and beta. */
export async function startOutside(): Promise<Outside> {
  const folder = await mkdtemp(join(tmpdir(), 'oakum-outside-'));
  await chmod(folder, 0o755);
  const [proxy, debian] = await Promise.all([startGoProxy(), startDebianRepository()]);
  publishFlux(proxy);
  await debian.publish({ suite: 'trixie', packages: PACKAGES, date: new Date(Date.now() - DAY) });
  await writeFile(join(folder, 'archive.asc'), debian.publicKey);
  const goEnv = (name: string) => execFileSync('go', ['env', name], { encoding: 'utf8' }).trim();
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: join(folder, 'home'),
    OAKUM_CACHE: join(folder, 'cache'),
    OAKUM_DATA: join(folder, 'data'),
    CI: 'true',
    // the toolchain is the real one: the database of this world does not know it, and the definition exempts it by name
    GOPROXY: `${proxy.url},${goEnv('GOPROXY')}`,
    GOSUMDB: proxy.log.key,
  };
  await mkdir(env.HOME);
  const outside: Outside = {
    folder,
    proxy,
    debian,
    env,
    oakum: (args, options = {}) =>
      runCli(args, { cwd: folder, env: { ...env, ...options.env }, onStart: options.onStart }),
    define: (change = (text) => text) =>
      writeFile(join(folder, 'distribution.yaml'), change(definitionText(debian.uri, goEnv('GOVERSION')))),
    stop: async () => {
      await Promise.all([proxy.stop(), debian.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
  await outside.define();
  return outside;
}

/** Runs the command line to its end. */
export function runCli(
  args: readonly string[],
  options: { cwd: string; env: Record<string, string>; onStart?: ((child: ChildProcess) => void) | undefined },
): Promise<CliResult> {
  return new Promise((finish, fail) => {
    const child = spawn(process.execPath, ['--conditions=oakum-source', MAIN, ...args], {
      cwd: options.cwd,
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const text = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].on('data', (chunk: Buffer) => (text[name] += chunk.toString()));
    child.on('error', fail);
    child.on('close', (exitCode) => finish({ exitCode, ...text }));
    options.onStart?.(child);
  });
}

function publishFlux(proxy: GoProxyServer): void {
  const url = (name: string, version: string) =>
    `https://github.com/fluxcd/${name}/releases/download/${version}/${name}.crds.yaml`;
  const base = (name: string, version: string) => `resources:\n- ${url(name, version)}\n`;
  proxy.publish({
    path: 'github.com/fluxcd/flux2/v2',
    version: 'v2.9.2',
    time: MODULE_TIME,
    files: {
      'go.mod': 'module github.com/fluxcd/flux2/v2\n',
      'manifests/bases/alpha/kustomization.yaml': base('alpha', 'v1.9.3'),
      'manifests/bases/beta/kustomization.yaml': base('beta', 'v1.2.3'),
    },
  });
  const origin = (name: string, letter: string) => ({
    URL: `https://github.com/fluxcd/${name}`,
    Hash: letter.repeat(40),
  });
  proxy.publish({
    path: 'github.com/fluxcd/alpha/api',
    version: 'v1.9.3',
    time: MODULE_TIME,
    files: {
      'go.mod': 'module github.com/fluxcd/alpha/api\n\ngo 1.21\n',
      'api.go': 'package api\n\nconst Name = "alpha"\n',
    },
  });
  proxy.publish({
    path: 'github.com/fluxcd/alpha',
    version: 'v1.9.3',
    time: MODULE_TIME,
    origin: origin('alpha', 'a'),
    files: {
      'go.mod':
        'module github.com/fluxcd/alpha\n\ngo 1.21\n\nrequire github.com/fluxcd/alpha/api v1.9.3\n\nreplace github.com/fluxcd/alpha/api => ./api\n',
      'main.go': 'package main\n\nimport "github.com/fluxcd/alpha/api"\n\nfunc main() { println(api.Name) }\n',
    },
  });
  proxy.publish({
    path: 'github.com/fluxcd/beta',
    version: 'v1.2.3',
    time: MODULE_TIME,
    origin: origin('beta', 'b'),
    files: {
      'go.mod': 'module github.com/fluxcd/beta\n\ngo 1.21\n',
      'main.go': 'package main\n\nfunc main() { println("beta") }\n',
    },
  });
}

function definitionText(mirror: string, toolchain: string): string {
  return `version: 1
name: test
vendor: Test
registry: registry.example.com/flux
toolchain: ${toolchain}
platforms: [linux/amd64]
components:
  alpha:
    module: github.com/fluxcd/alpha
  beta:
    module: github.com/fluxcd/beta
channels:
  distroless:
    base: debian
bases:
  debian:
    kind: debian
    suites: [trixie]
    packages: [base-files, tzdata]
    mirror: ${mirror}
    keyring: archive.asc
sources:
  exemptions:
    - module: golang.org/toolchain
      reason: the database of the test world does not know it
manifests:
  make: false # what this world's flux2 names has none
`;
}
