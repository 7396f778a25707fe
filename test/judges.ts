// SPDX-License-Identifier: Apache-2.0
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { mirrorsOf, parseAptSources } from '#bases';
import { digestOf } from '#core';

/** The field's own tools that judge ours, as Go packages at pinned versions; `binary` is what `go install` names the result. */
const JUDGES = {
  crane: { module: 'github.com/google/go-containerregistry/cmd/crane', version: 'v0.22.1', binary: 'crane' },
  registry: { module: 'github.com/google/go-containerregistry/cmd/registry', version: 'v0.22.1', binary: 'registry' },
  govulncheck: { module: 'golang.org/x/vuln/cmd/govulncheck', version: 'v1.9.0', binary: 'govulncheck' },
  // About as long as cosign.
  'osv-scanner': {
    module: 'github.com/google/osv-scanner/v2/cmd/osv-scanner',
    version: 'v2.6.0',
    binary: 'osv-scanner',
  },
  // Its go.mod has what `go install` refuses, so it is built as a tool of an empty module.
  olareg: { module: 'github.com/olareg/olareg/cmd/olareg', version: 'v0.1.2', binary: 'olareg', asTool: true },
  ko: { module: 'github.com/google/ko', version: 'v0.19.1', binary: 'ko' },
  // About two minutes of CPU, once.
  apko: { module: 'chainguard.dev/apko', version: 'v1.2.9', binary: 'apko', asTool: true },
  // About five minutes of CPU, once.
  cosign: { module: 'github.com/sigstore/cosign/v3/cmd/cosign', version: 'v3.1.3', binary: 'cosign' },
  // The version in kustomize-controller of Flux 2.9.
  sops: { module: 'github.com/getsops/sops/v3/cmd/sops', version: 'v3.13.2', binary: 'sops' },
  // About as long as cosign.
  syft: { module: 'github.com/anchore/syft/cmd/syft', version: 'v1.57.0', binary: 'syft' },
  'slsa-verifier': {
    module: 'github.com/slsa-framework/slsa-verifier/v2/cli/slsa-verifier',
    version: 'v2.7.1',
    binary: 'slsa-verifier',
    asTool: true, // its list of versions, which `go install` reads, is not everywhere served
  },
} as const satisfies Record<string, Judge>;

/** A Go package to build, and how. */
interface Judge {
  readonly module: string;
  readonly version: string;
  readonly binary: string;
  readonly asTool?: boolean;
}

/** The name of a tool that {@link judge} can build. */
export type JudgeName = keyof typeof JUDGES;

const WAIT = 15 * 60_000;

/**
 * Gives the path of a judge, built once with the machine's Go (proxy and checksum database as `go env` names them)
 * into OAKUM_JUDGES, else the user's cache folder. Tests that run at once share one build. Throws with Go's own words
 * when it can't be built.
 */
export async function judge(name: JudgeName): Promise<string> {
  const found: Judge = JUDGES[name];
  return made(`${name}@${found.version}`, found.binary, (draft) => build(found, draft));
}

/**
 * Gives the path of a program out of a Debian package, fetched as apt is configured here and unpacked beside the other
 * judges, not installed: that would start its service. With `suite`, from that Debian release, of the mirrors that apt is
 * configured with, and an apt root of its own. Undefined where there is no apt. Throws with apt's own words.
 */
export async function debianJudge(name: string, path: string, suite?: string): Promise<string | undefined> {
  if (spawnSync('apt-get', ['--version']).status !== 0) return undefined;
  const fill = (draft: string) => {
    const options = suite === undefined ? [] : aptRoot(suite, draft);
    run('apt-get', [...options, 'download', '-q', name], draft);
    const file = readdirSync(draft).find((entry) => entry.endsWith('.deb')) ?? '';
    run('dpkg', ['-x', file, '.'], draft);
    rmSync(join(draft, file));
    rmSync(join(draft, 'apt'), { recursive: true, force: true });
  };
  return made(suite === undefined ? `debian-${name}` : `debian-${suite}-${name}`, path, fill);
}

/** Makes apt folders for one suite alone below a draft and updates them; gives the options that make apt use them. */
function aptRoot(suite: string, draft: string): readonly string[] {
  const folder = '/etc/apt/sources.list.d';
  const parts = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  const files = ['/etc/apt/sources.list', ...parts.filter((name) => /\.(?:list|sources)$/.test(name))];
  const sources = files.filter((name) => existsSync(name)).map((name) => ({ name, text: readFileSync(name, 'utf8') }));
  const [mirror] = mirrorsOf(parseAptSources(sources)).main;
  if (mirror === undefined) throw new Error('apt is configured with no Debian mirror');
  const apt = join(draft, 'apt');
  for (const part of ['state/lists/partial', 'cache/archives/partial', 'parts'])
    mkdirSync(join(apt, part), { recursive: true });
  const list = join(apt, 'sources.list');
  writeFileSync(list, `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror} ${suite} main\n`);
  const options = [
    `Dir::Etc::sourcelist=${list}`,
    `Dir::Etc::sourceparts=${join(apt, 'parts')}`,
    `Dir::State=${join(apt, 'state')}`,
    `Dir::Cache=${join(apt, 'cache')}`,
    'Acquire::Languages=none',
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  run('apt-get', [...options, 'update', '-q'], draft);
  return options;
}

/**
 * Gives the path of a Go program of ours around libraries that have no program of their own, built once. Each library is
 * `package@version`; the first names the judge. Throws with Go's own words when it can't be built.
 */
export async function goJudge(name: string, library: string | readonly string[], source: string): Promise<string> {
  const [first = '', ...others] = [library].flat();
  const digest = digestOf([source, ...others].join('\n')).slice(7, 19);
  return made(`go-${name}-${first.split('@')[1]}-${digest}`, name, (draft) => {
    writeFileSync(join(draft, 'main.go'), source);
    run('go', ['mod', 'init', `${name}.test`], draft);
    run('go', ['get', first, ...others], draft);
    run('go', ['build', '-trimpath', '-o', name, '.'], draft);
  });
}

/** A Go program of ours inside another's module, whose packages nobody else may import. */
export interface InnerJudge {
  readonly name: string;
  readonly version: string;
  /** The module's source. */
  readonly folder: string;
  /** The Go that the module asks for. */
  readonly go: string;
  /** The program's only file; it lies in `cmd/judge`. */
  readonly source: string;
}

/** Gives the path of a program built in a copy of a module, once. Throws with Go's own words when it can't be built. */
export async function innerJudge({ name, version, folder, go, source }: InnerJudge): Promise<string> {
  return made(`inner-${name}-${version}-${digestOf(source).slice(7, 19)}`, name, (draft) => {
    const copy = join(draft, 'module');
    cpSync(folder, copy, { recursive: true });
    mkdirSync(join(copy, 'cmd/judge'), { recursive: true });
    writeFileSync(join(copy, 'cmd/judge/main.go'), source);
    run(go, ['build', '-mod=mod', '-trimpath', '-o', join(draft, name), './cmd/judge'], copy);
    rmSync(copy, { recursive: true, force: true });
  });
}

/**
 * Gives a Python interpreter that has packages (`name==version`), installed once as pip is configured here into an environment of their
 * own beside the other judges. Undefined where there is no Python. Throws with pip's own words.
 */
export async function pythonWith(name: string, packages: readonly string[]): Promise<string | undefined> {
  if (spawnSync('python3', ['-c', 'import venv, ensurepip']).status !== 0) return undefined;
  return made(`python-${name}`, 'bin/python', (draft) => {
    run('python3', ['-m', 'venv', '.'], draft);
    run('bin/python', ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', ...packages], draft);
  });
}

/** Gives a function that runs a program out of Python packages; undefined where there is no Python. Throws with pip's own words. */
export async function pythonJudge(
  name: string,
  packages: readonly string[],
): Promise<((program: string, args: readonly string[]) => SpawnSyncReturns<string>) | undefined> {
  const python = await pythonWith(name, packages);
  if (python === undefined) return undefined;
  // Programs name the folder they were installed in, which was a draft then; so they are run by their interpreter.
  return (program, args) => spawnSync(python, [resolve(dirname(python), program), ...args], { encoding: 'utf8' });
}

/** Makes a folder once, also where several runs want it at once: `fill` fills a draft, which is then renamed. Gives the path of a file in it. */
async function made(name: string, file: string, fill: (draft: string) => void): Promise<string> {
  const folder = join(judgesFolder(), name);
  const path = join(folder, file);
  const lock = `${folder}.lock`;
  for (const end = Date.now() + WAIT; !existsSync(path); ) {
    if (!take(lock)) {
      if (Date.now() > end) throw new Error(`another run has been making ${name} for too long; remove ${lock}`);
      await delay(300);
      continue;
    }
    const draft = mkdtempSync(`${folder}.draft-`);
    try {
      if (existsSync(path)) break;
      fill(draft);
      rmSync(folder, { recursive: true, force: true });
      renameSync(draft, folder);
      if (!existsSync(path)) throw new Error(`${name} holds no ${file}`);
    } finally {
      rmSync(draft, { recursive: true, force: true });
      rmSync(lock, { force: true });
    }
  }
  return path;
}

/** Gives the folder of all built judges. */
function judgesFolder(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const folder = process.env['OAKUM_JUDGES'] ?? join(cache, 'oakum', 'judges');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Takes the lock for this process; one whose process is gone is taken over. */
function take(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    const owner = Number(existsSync(lock) ? readFileSync(lock, 'utf8') : process.pid);
    if (owner > 0 && !isRunning(owner)) rmSync(lock, { force: true });
    return false;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function build({ module, version, asTool = false }: Judge, draft: string): void {
  const target = `${module}@${version}`;
  if (!asTool) return run('go', ['install', '-trimpath', target], draft);
  const work = mkdtempSync(`${draft}-module-`);
  try {
    run('go', ['mod', 'init', 'judge.test'], work, draft);
    run('go', ['get', '-tool', target], work, draft);
    run('go', ['install', '-trimpath', module], work, draft);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function run(program: string, args: readonly string[], folder: string, binaries = folder): void {
  const { GOFLAGS: _, ...env } = process.env;
  const result = spawnSync(program, args, {
    env: { ...env, GOBIN: binaries, CGO_ENABLED: '0' },
    cwd: folder,
    encoding: 'utf8',
  });
  if (result.status === 0) return;
  throw new Error(`${program} ${args.join(' ')}: ${result.error?.message ?? result.stderr}`);
}

/** Has cosign verify a blob's attestation in a bundle, with the key in `oakum.pub` of a folder and without a transparency log. */
export async function cosignVerifyBlob(
  blob: string,
  { bundle, type, folder }: { readonly bundle: string; readonly type: string; readonly folder: string },
): Promise<SpawnSyncReturns<string>> {
  const args = ['--key', 'oakum.pub', '--insecure-ignore-tlog', '--bundle', bundle, '--type', type, blob];
  return spawnSync(await judge('cosign'), ['verify-blob-attestation', ...args], { cwd: folder, encoding: 'utf8' });
}
