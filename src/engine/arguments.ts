// SPDX-License-Identifier: Apache-2.0
import type { Limits, SandboxStep } from './step.ts';

/** What bubblewrap is told, and what it reads on descriptors 3, 4, ... */
export interface BubblewrapCall {
  readonly argv: readonly string[];
  readonly descriptors: readonly Uint8Array[];
}

/** The one user that a step sees, whatever id it has on the machine. */
const PASSWD = 'build:x:1000:1000::/tmp:/sbin/nologin\n';
const SHARED_MEMORY_BYTES = 64 << 20;
const OPEN_FILES = 16_384;

const NAMESPACES = words(
  '--unshare-user --disable-userns --unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup-try',
);
const INSIDE = words(
  '--uid 1000 --gid 1000 --hostname build --new-session --die-with-parent --cap-drop ALL --clearenv',
);
// bubblewrap's /dev and /dev/shm are one tmpfs without a limit: /dev becomes read-only, /dev/shm small.
const SYSTEM_FOLDERS = words(
  `--proc /proc --ro-bind /proc/sys /proc/sys --dev /dev --perms 1777 --size ${SHARED_MEMORY_BYTES} --tmpfs /dev/shm --remount-ro /dev`,
);

/**
 * Takes a step, where each of its mounts is found (in order), a seccomp program and the descriptor for the status;
 * gives bubblewrap's arguments. Nearly all go through a descriptor, so that other users of the machine see no environment in /proc.
 */
export function bubblewrapCall(
  step: SandboxStep,
  options: { readonly sources: readonly string[]; readonly filter: Uint8Array; readonly statusDescriptor: number },
): BubblewrapCall {
  const mounts = step.mounts.flatMap((mount, index) => [
    mount.kind === 'read' || mount.kind === 'data' ? '--ro-bind' : '--bind',
    options.sources[index] ?? '',
    mount.to,
  ]);
  const ownTmp = step.mounts.some((mount) => mount.to === '/tmp');
  const temporaryBytes = String(step.limits.temporaryBytes ?? step.limits.memoryBytes);
  const args = [
    ...NAMESPACES,
    ...INSIDE,
    ...SYSTEM_FOLDERS,
    ...words('--ro-bind-data 5 /etc/passwd'),
    ...(ownTmp ? [] : words(`--perms 1777 --size ${temporaryBytes} --tmpfs /tmp`)),
    ...mounts,
    ...words('--remount-ro / --chdir'),
    step.cwd,
    ...Object.entries(step.env).flatMap(([name, value]) => ['--setenv', name, value]),
  ];
  return {
    argv: ['--args', '3', '--seccomp', '4', '--json-status-fd', String(options.statusDescriptor), '--', ...step.argv],
    descriptors: [Buffer.from(args.map((arg) => `${arg}\0`).join('')), options.filter, Buffer.from(PASSWD)],
  };
}

/** Takes limits; gives prlimit(1)'s options. `whole` adds the ones that stand in for control groups where there are none. */
export function prlimitArguments(
  limits: Limits,
  whole: { readonly memory: boolean; readonly processes: boolean },
): readonly string[] {
  return [
    '--core=0',
    `--nofile=${OPEN_FILES}`,
    `--fsize=${limits.fileBytes}`,
    ...(limits.cpuSeconds === undefined ? [] : [`--cpu=${limits.cpuSeconds}:${limits.cpuSeconds + 1}`]),
    ...(whole.memory ? [`--data=${limits.memoryBytes}`] : []),
    ...(whole.processes ? [`--nproc=${limits.processes}`] : []),
  ];
}

function words(text: string): readonly string[] {
  return text.split(' ');
}
