// SPDX-License-Identifier: Apache-2.0
import { chown, lstat, mkdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageConfig } from '#image';
import { CompatibilityError } from '../error.ts';

/** A container to run on this machine, without a container runtime. */
export interface ContainerRequest {
  readonly name: string;
  /** The image's root, unpacked for this run alone: what a mount needs is made in it. */
  readonly root: string;
  readonly config: ImageConfig;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Folders inside, and where they are on this machine; written to. */
  readonly writable: Readonly<Record<string, string>>;
  /** Folders inside, away from the root, and where they are on this machine; read only. */
  readonly readable?: Readonly<Record<string, string>>;
  /** What is found where pods find their service account. */
  readonly account: string;
  /** Whether this process is root's. */
  readonly privileged: boolean;
}

const ACCOUNT_PLACE = 'secrets/kubernetes.io/serviceaccount';
const HOSTS = '127.0.0.1 localhost\n';
const NAMESPACES = words(
  '--unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup-try --disable-userns',
);
const GUARDS = words('--as-pid-1 --die-with-parent --new-session --cap-drop ALL --clearenv');
const SYSTEM_FOLDERS = words('--proc /proc --ro-bind /proc/sys /proc/sys --dev /dev');

/**
 * Gives the command that runs a container as its pod would: the image's own root, read-only, under the image's user, without
 * capabilities, in namespaces of its own. Only the network is the machine's, of which manifests here name loopback. Root takes the
 * image's user before anything else; who is not root has that user inside alone.
 */
export async function containerCommand(request: ContainerRequest): Promise<readonly [string, ...string[]]> {
  const { name, root, config, args, env, writable, readable = {}, account, privileged } = request;
  const { uid, gid } = userOf(name, config);
  await placeMountPoint(root, 'etc/hosts', 'file');
  for (const [inside, outside] of Object.entries(writable)) {
    await placeMountPoint(root, inside.slice(1), 'folder');
    if (privileged) await chown(outside, uid, gid);
  }
  const hosts = `${root}.hosts`;
  await writeFile(hosts, HOSTS, { mode: 0o644 });
  const mounts = [
    ['--ro-bind', account, `${await runFolder(root)}/${ACCOUNT_PLACE}`],
    ['--ro-bind', hosts, '/etc/hosts'],
    ...Object.entries(readable).map(([inside, outside]) => ['--ro-bind', outside, inside]),
    ...Object.entries(writable).map(([inside, outside]) => ['--bind', outside, inside]),
  ];
  const environment = { ...imageEnvironment(config), HOSTNAME: name, ...env };
  const drop = [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--inh-caps=-all',
    '--bounding-set=-all',
    '--no-new-privs',
    '--',
  ];
  return [
    // The death signal is asked for again: a change of user takes it away.
    ...(privileged
      ? (['setpriv', '--pdeathsig', 'KILL', ...drop] as const)
      : (['setpriv', '--no-new-privs', '--'] as const)),
    'bwrap',
    ...NAMESPACES,
    ...GUARDS,
    ...words(`--uid ${uid} --gid ${gid} --hostname ${name}`),
    '--ro-bind',
    root,
    '/',
    ...SYSTEM_FOLDERS,
    ...words('--perms 0755 --tmpfs /run'),
    ...mounts.flat(),
    '--chdir',
    config.config?.WorkingDir || '/',
    ...Object.entries(environment).flatMap(([key, value]) => ['--setenv', key, value]),
    '--',
    ...(config.config?.Entrypoint ?? []),
    ...args,
  ];
}

/** Gives the program in the sandbox that bubblewrap, a process of ours, has started: the only child of it. */
export async function programIn(bubblewrap: number): Promise<number | undefined> {
  const children = await readFile(`/proc/${bubblewrap}/task/${bubblewrap}/children`, 'utf8').catch(() => '');
  const child = Number(children.trim().split(' ', 1)[0]);
  return child > 0 ? child : undefined;
}

function userOf(name: string, { config }: ImageConfig): { readonly uid: number; readonly gid: number } {
  const [, uid, gid] = /^([1-9]\d*):([1-9]\d*)$/.exec(config?.User ?? '') ?? [];
  if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  throw new CompatibilityError(
    'IMAGE_UNUSABLE',
    `the image of ${name} does not name its user by number, or runs as root`,
    {
      where: config?.User ?? '',
      hint: 'Pod Security `restricted` refuses such an image; build it with `user: 65534:65534`.',
    },
  );
}

/** Says whether an image's search path leads to a program. Links are not followed: they are the image's, and would lead about this machine. */
export async function hasProgram(root: string, config: ImageConfig, program: string): Promise<boolean> {
  const folders = (imageEnvironment(config)['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'));
  const found = await Promise.all(folders.map((folder) => lstat(join(root, folder, program)).catch(() => undefined)));
  return found.some((one) => one !== undefined && !one.isDirectory());
}

function imageEnvironment({ config }: ImageConfig): Readonly<Record<string, string>> {
  return Object.fromEntries(
    (config?.Env ?? []).map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)] as const),
  );
}

/** Where `/run` is: most images have `/var/run` as a link to it, by which programs look there. */
async function runFolder(root: string): Promise<string> {
  const link = await readlink(join(root, 'var/run')).catch(() => '');
  if (/^(?:\/|\.\.\/)?run\/?$/.test(link)) return '/run';
  throw new CompatibilityError('IMAGE_UNUSABLE', 'the image has no link from /var/run to /run', { where: root });
}

/** Makes what is mounted over, as container runtimes do; never through a link, which the image could lead elsewhere. */
async function placeMountPoint(root: string, path: string, kind: 'file' | 'folder'): Promise<void> {
  const parts = path.split('/');
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const here = join(root, ...parts.slice(0, depth));
    const found = await lstat(here).catch(() => undefined);
    const isLast = depth === parts.length;
    if (found === undefined) await (isLast && kind === 'file' ? writeFile(here, '') : mkdir(here, { mode: 0o755 }));
    else if (isLast && kind === 'file' ? !found.isFile() : !found.isDirectory())
      throw new CompatibilityError(
        'IMAGE_UNUSABLE',
        `nothing can be mounted at /${path}: the image has something else there`,
        {
          where: here,
        },
      );
  }
}

function words(text: string): readonly string[] {
  return text.split(' ');
}
