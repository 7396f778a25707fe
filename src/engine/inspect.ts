// SPDX-License-Identifier: Apache-2.0
import { access, constants, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cache, removeTree } from '#cache';
import { messageOf, type RunProcess } from '#core';
import { type Account, chooseAccount } from './account.ts';
import { type CgroupPlace, findCgroupPlace, makeCgroup, sweepCgroups } from './cgroup.ts';
import { runSandboxed, type SandboxSetup } from './sandboxed.ts';
import type { Mount } from './step.ts';

/** One thing about this machine that matters for running steps. `weaker` still works, with less behind it. */
export interface SandboxFact {
  readonly name: 'system' | 'bubblewrap' | 'tools' | 'account' | 'limits' | 'sandbox' | 'throwaway views';
  readonly state: 'ok' | 'weaker' | 'missing';
  readonly sentence: string;
  readonly hint?: string;
}

/** What this machine offers for running steps. */
export interface SandboxReading {
  readonly facts: readonly SandboxFact[];
  readonly verdict:
    | { readonly kind: 'usable'; readonly setup: SandboxSetup }
    | { readonly kind: 'unusable'; readonly reasons: readonly string[]; readonly hints: readonly string[] };
  /** For steps without a sandbox: where setpriv and prlimit are. */
  readonly limiter: { readonly setpriv: string; readonly prlimit: string } | undefined;
}

/** What an inspection needs. `uid`, `gid`, `platform` and `architecture` are those of this process unless told. */
export interface InspectOptions {
  readonly run: RunProcess;
  readonly cache: Cache;
  /** Folders in which programs are looked for, as PATH has them; the usual ones unless told. */
  readonly searchPath?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly platform?: string;
  readonly architecture?: string;
}

type Inspection = InspectOptions & { readonly searchPath: string };

const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const TOOLS = ['sh', 'mount', 'mkdir', 'chown', 'unshare', 'setpriv', 'prlimit'];
const LEAST_VERSION = [0, 8, 0];
const COVERS = ['/mnt', '/media', '/srv', '/opt'];
const HOST_PROGRAMS = ['/usr', '/bin', '/lib', '/lib32', '/lib64', '/nix', '/gnu'];
const PROBE_LIMITS = {
  wallMilliseconds: 20_000,
  memoryBytes: 256 << 20,
  processes: 64,
  fileBytes: 1 << 20,
  outputBytes: 1 << 20,
};

/** Finds out, by trying, what this machine offers for running steps. Changes nothing; takes some 0.1 s; never throws for what is lacking. */
export async function inspectMachine(given: InspectOptions): Promise<SandboxReading> {
  const options: Inspection = { ...given, searchPath: given.searchPath ?? USUAL_PATH };
  const { platform = process.platform, architecture = process.arch } = options;
  const places = await Promise.all(TOOLS.map((tool) => findProgram(tool, options.searchPath)));
  const lacking = TOOLS.filter((_, index) => places[index] === undefined);
  const setpriv = places[TOOLS.indexOf('setpriv')];
  const prlimit = places[TOOLS.indexOf('prlimit')];
  const limiter = setpriv === undefined || prlimit === undefined ? undefined : { setpriv, prlimit };
  const [bubblewrap, account, cover] = await Promise.all([readVersion(options), readAccount(options), readCover()]);
  const facts: SandboxFact[] = [systemFact(platform, architecture), bubblewrap.fact, toolsFact(lacking), account.fact];
  const known = architecture === 'x64' || architecture === 'arm64' ? architecture : undefined;
  const blocked = facts.some((fact) => fact.state === 'missing');
  if (blocked || account.account === undefined || known === undefined)
    return { facts, verdict: verdictOf(facts, undefined), limiter };
  const limits = await readLimits(options, account.account);
  const setup: SandboxSetup = {
    searchPath: options.searchPath,
    bubblewrapVersion: bubblewrap.version,
    architecture: known,
    account: account.account,
    cgroups: limits.place,
    cover,
  };
  facts.push(limits.fact, ...(await trySandbox(options, setup)));
  return { facts, verdict: verdictOf(facts, setup), limiter };
}

function verdictOf(facts: readonly SandboxFact[], setup: SandboxSetup | undefined): SandboxReading['verdict'] {
  const missing = facts.filter((fact) => fact.state === 'missing' && fact.name !== 'throwaway views');
  if (missing.length === 0 && setup !== undefined) return { kind: 'usable', setup };
  return {
    kind: 'unusable',
    reasons: missing.map((fact) => fact.sentence),
    hints: missing.flatMap((fact) => (fact.hint === undefined ? [] : [fact.hint])),
  };
}

function systemFact(platform: string, architecture: string): SandboxFact {
  const known = platform === 'linux' && (architecture === 'x64' || architecture === 'arm64');
  if (known) return { name: 'system', state: 'ok', sentence: `Linux on ${architecture}` };
  return {
    name: 'system',
    state: 'missing',
    sentence: `sandboxed steps run on Linux (x64, arm64) only, and this is ${platform} on ${architecture}`,
    hint: 'Use a Linux machine or a Linux virtual machine.',
  };
}

async function readVersion(options: Inspection): Promise<{ version: string; fact: SandboxFact }> {
  const hint =
    'Install bubblewrap 0.8 or newer (`apt-get install bubblewrap`, `dnf install bubblewrap`, `apk add bubblewrap`).';
  const answer = await options
    .run({ argv: ['bwrap', '--version'], env: { PATH: options.searchPath, LC_ALL: 'C' }, timeoutMilliseconds: 10_000 })
    .catch(() => undefined);
  const version = /^bubblewrap (\d+\.\d+(?:\.\d+)?)/.exec(answer?.stdout ?? '')?.[1];
  if (version === undefined) {
    return {
      version: '',
      fact: { name: 'bubblewrap', state: 'missing', sentence: 'bubblewrap is not installed', hint },
    };
  }
  if (isOlder(version.split('.').map(Number), LEAST_VERSION)) {
    return {
      version,
      fact: { name: 'bubblewrap', state: 'missing', sentence: `bubblewrap ${version} is too old`, hint },
    };
  }
  return { version, fact: { name: 'bubblewrap', state: 'ok', sentence: `bubblewrap ${version}` } };
}

function isOlder(version: readonly number[], least: readonly number[]): boolean {
  const at = least.findIndex((part, index) => (version[index] ?? 0) !== part);
  return at !== -1 && (version[at] ?? 0) < (least[at] ?? 0);
}

function toolsFact(lacking: readonly string[]): SandboxFact {
  if (lacking.length === 0)
    return { name: 'tools', state: 'ok', sentence: 'sh, mount, unshare, setpriv and prlimit are there' };
  return {
    name: 'tools',
    state: 'missing',
    sentence: `not found on PATH: ${lacking.join(', ')}`,
    hint: 'Install util-linux 2.38 or newer and coreutils.',
  };
}

async function readAccount(options: Inspection): Promise<{ account: Account | undefined; fact: SandboxFact }> {
  const { uid = process.getuid?.() ?? 0, gid = process.getgid?.() ?? 0 } = options;
  const account = await chooseAccount({ uid, gid });
  if (account === undefined) {
    return {
      account,
      fact: {
        name: 'account',
        state: 'missing',
        sentence: 'started as root, and no unprivileged user id is free to run steps under',
        hint: 'Start Oakum as an ordinary user.',
      },
    };
  }
  const sentence =
    account.kind === 'dropped'
      ? `started as root; steps run under the unused id ${account.uid}`
      : `steps run under your own id ${account.uid}, in a user namespace of their own`;
  return { account, fact: { name: 'account', state: 'ok', sentence } };
}

async function readLimits(
  options: Inspection,
  account: Account,
): Promise<{ place: CgroupPlace | undefined; fact: SandboxFact }> {
  const found = await findCgroupPlace();
  const place = found === undefined ? undefined : await tryCgroups(options, found);
  if (place !== undefined) await sweepCgroups(place);
  if (place?.memory !== undefined && place.pids !== undefined) {
    return {
      place,
      fact: {
        name: 'limits',
        state: 'ok',
        sentence: `memory and processes are limited by control groups (v${place.version})`,
      },
    };
  }
  const lacking =
    place?.memory === undefined ? (place?.pids === undefined ? 'memory and processes' : 'memory') : 'processes';
  return {
    place,
    fact: {
      name: 'limits',
      state: 'weaker',
      sentence: `control groups are not ours to use; ${lacking} are limited for each process (rlimits) and summed by sampling`,
      hint:
        account.kind === 'own'
          ? 'For a hard limit start Oakum as root, or in a delegated group: `systemd-run --user --scope -p Delegate=yes oakum ...`.'
          : 'In a container, pass a writable control group file system.',
    },
  };
}

/** Makes, joins and removes a group, since only doing it shows that it may be done. */
async function tryCgroups(options: Inspection, place: CgroupPlace): Promise<CgroupPlace | undefined> {
  const works = async (part: CgroupPlace): Promise<boolean> => {
    const group = await makeCgroup(part, PROBE_LIMITS).catch(() => undefined);
    if (group === undefined) return false;
    const joined = await options.run({
      argv: ['sh', '-c', 'for f in "$@"; do echo $$ > "$f" || exit 1; done', 'sh', ...group.joins],
      env: { PATH: options.searchPath, LC_ALL: 'C' },
    });
    await group.remove();
    return joined.exitCode === 0;
  };
  if (await works(place)) return place;
  if (place.version === 2) return undefined;
  const memory = place.memory !== undefined && (await works({ ...place, pids: undefined }));
  const pids = place.pids !== undefined && (await works({ ...place, memory: undefined }));
  if (!memory && !pids) return undefined;
  return { version: 1, memory: memory ? place.memory : undefined, pids: pids ? place.pids : undefined };
}

/** Starts the machine's shell in the very sandbox that steps get, with a throwaway view, then without. */
async function trySandbox(options: Inspection, setup: SandboxSetup): Promise<readonly SandboxFact[]> {
  const lower = options.cache.temporary();
  await mkdir(lower, { recursive: true });
  try {
    const withView = await probe(options, setup, [{ kind: 'throwaway', from: lower, to: '/view' }]);
    const plain = withView === undefined ? undefined : await probe(options, setup, []);
    if (plain !== undefined) {
      return [
        {
          name: 'sandbox',
          state: 'missing',
          sentence: `a sandbox could not be started: ${plain}`,
          hint: await namespaceHint(),
        },
      ];
    }
    const sandbox: SandboxFact = {
      name: 'sandbox',
      state: 'ok',
      sentence: 'a step was started in its own namespaces under a seccomp filter',
    };
    if (withView === undefined) {
      return [
        sandbox,
        { name: 'throwaway views', state: 'ok', sentence: 'folders can be given copy-on-write (overlayfs)' },
      ];
    }
    const sentence = `no overlay could be mounted: ${withView}`;
    return [
      sandbox,
      {
        name: 'throwaway views',
        state: 'missing',
        sentence,
        hint: 'Steps that run foreign code need Linux 5.11 or newer with overlayfs.',
      },
    ];
  } finally {
    await removeTree(lower);
  }
}

async function probe(options: Inspection, setup: SandboxSetup, more: readonly Mount[]): Promise<string | undefined> {
  const programs: Mount[] = [];
  for (const path of HOST_PROGRAMS) {
    if ((await stat(path).catch(() => undefined))?.isDirectory()) programs.push({ kind: 'read', from: path, to: path });
  }
  try {
    const outcome = await runSandboxed(
      { argv: ['/bin/sh', '-c', ':'], env: {}, cwd: '/', mounts: [...programs, ...more], limits: PROBE_LIMITS },
      { run: options.run, cache: options.cache, setup },
    );
    if (outcome.exitCode === 0) return undefined;
    return outcome.stderr.trim().split('\n').at(-1) || `exit code ${outcome.exitCode ?? outcome.signal}`;
  } catch (error) {
    return messageOf(error);
  }
}

/** Which of the kernel's switches, known by experience, stands in the way. */
async function namespaceHint(): Promise<string> {
  const read = async (name: string) => (await readFile(`/proc/sys/${name}`, 'utf8').catch(() => '')).trim();
  if ((await read('kernel/apparmor_restrict_unprivileged_userns')) === '1') {
    return 'AppArmor holds back user namespaces: `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`, or a profile that allows bwrap and unshare.';
  }
  if ((await read('kernel/unprivileged_userns_clone')) === '0') {
    return 'User namespaces are switched off for users: `sudo sysctl -w kernel.unprivileged_userns_clone=1`.';
  }
  if ((await read('user/max_user_namespaces')) === '0') {
    return 'User namespaces are switched off: `sudo sysctl -w user.max_user_namespaces=15000`.';
  }
  return 'In a container, allow user namespaces and mounts (Docker: `--security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined`).';
}

async function readCover(): Promise<string> {
  for (const path of COVERS) if ((await stat(path).catch(() => undefined))?.isDirectory()) return path;
  return COVERS[0] as string;
}

async function findProgram(name: string, searchPath: string): Promise<string | undefined> {
  for (const folder of searchPath.split(':').filter(Boolean)) {
    const path = join(folder, name);
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return undefined;
}
