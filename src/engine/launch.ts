// SPDX-License-Identifier: Apache-2.0
import type { Account } from './account.ts';

/**
 * The way from the control process to bubblewrap is one process that changes its program a few times (so the process
 * group, the parent's death signal and the control group hold from the first moment on):
 *
 * 1. root only: own mount namespace; join the control groups; bind every mount to a folder that an unprivileged id can
 *    reach, whatever the permissions above it are; drop to that id.
 * 2. own user and mount namespace: lay the overlays of throwaway mounts. Process counts of RLIMIT_NPROC begin at zero here.
 * 3. drop every capability, ask for the parent's death signal, check that the parent still lives, set limits, bubblewrap.
 */
export interface Launch {
  /** A folder of this run alone, holding an empty file `status`, `fstab` ({@link stageTable}), and in `stage` a place for each source and `view`. */
  readonly scratch: string;
  readonly account: Account;
  /** An existing folder reachable by everyone in which no program lies (`/mnt`); covered in the private mount namespace only. */
  readonly cover: string;
  /** The control process, whose death must end the step. */
  readonly parent: number;
  readonly joins: readonly string[];
  /** What is mounted from the machine, in order; {@link stagedPaths} says where bubblewrap finds each. */
  readonly sources: readonly string[];
  /** Indexes of the sources that get an overlay. */
  readonly throwaways: readonly number[];
  readonly temporaryBytes: number;
  readonly prlimits: readonly string[];
  /** bubblewrap's own arguments; its descriptors 3 to 5 come from the control process, 9 is the status file. */
  readonly bubblewrap: readonly string[];
}

/** The descriptor on which bubblewrap writes its status; one digit, as POSIX shells need know only these. */
export const STATUS_DESCRIPTOR = 9;

// Control groups are joined and `status` is opened while that is still allowed; then the binds.
const AS_ROOT = `set -eu
scratch=$1 cover=$2; shift 2
while [ "$1" != -- ]; do echo $$ > "$1"; shift; done; shift
exec ${STATUS_DESCRIPTOR}>>"$scratch/status"
mount --all --fstab "$scratch/fstab"
cd "$cover"
exec setpriv "$@"`;
const DROP = [
  '--clear-groups',
  '--inh-caps=-all',
  '--ambient-caps=-all',
  '--bounding-set=-all',
  '--no-new-privs',
  '--',
];

const AS_USER = `set -eu
scratch=$1; shift
while [ "$1" != -- ]; do echo $$ > "$1"; shift; done; shift
exec ${STATUS_DESCRIPTOR}>>"$scratch/status"
exec "$@"`;

const OVERLAYS = `set -eu
view=$1 size=$2; shift 2
if [ "$1" != -- ]; then
  mount -t tmpfs -o "mode=0755,size=$size" oakum "$view"
  cd "$view"
  n=0
  while [ "$1" != -- ]; do
    mkdir "lower$n" "upper$n" "work$n" "merged$n"
    mount --rbind "$1" "lower$n"
    mount -t overlay -o "lowerdir=lower$n,upperdir=upper$n,workdir=work$n,userxattr" oakum "merged$n"
    n=$((n+1)); shift
  done
fi; shift
cd /
exec setpriv --pdeathsig KILL --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs -- "$@"`;

// The death signal was asked for before; a parent that died earlier than that shows by its id. Oakum survives, the step goes first when memory ends.
const LAST = `[ "$PPID" = "$1" ] || exit 125
shift
echo 500 > /proc/self/oom_score_adj || :
exec "$@"`;

/** Takes a launch; gives the argv that starts it. Nothing in it is read by a shell as code but the texts above. */
export function launchArgv(launch: Launch): readonly [string, ...string[]] {
  const { account, joins, scratch } = launch;
  const last = script(LAST, [
    String(launch.parent),
    'prlimit',
    ...launch.prlimits,
    '--',
    'bwrap',
    ...launch.bubblewrap,
  ]);
  const lowers = launch.throwaways.map((index) => stagedSources(launch)[index] ?? '');
  const overlays = script(OVERLAYS, [viewOf(launch), String(launch.temporaryBytes), ...lowers, '--', ...last]);
  const inner = ['unshare', ...USER_NAMESPACE, ...overlays];
  if (account.kind === 'own') return script(AS_USER, [scratch, ...joins, '--', ...inner]);
  const drop = [`--reuid=${account.uid}`, `--regid=${account.gid}`, ...DROP];
  const root = script(AS_ROOT, [scratch, launch.cover, ...joins, '--', ...drop, ...inner]);
  return ['unshare', ...MOUNT_NAMESPACE, ...root];
}

const MOUNT_NAMESPACE = ['--mount', '--propagation', 'private', '--'];
const USER_NAMESPACE = ['--user', '--map-user=1000', '--map-group=1000', '--keep-caps', ...MOUNT_NAMESPACE];

function script(text: string, args: readonly string[]): [string, ...string[]] {
  return ['sh', '-c', text, 'oakum', ...args];
}

/**
 * Gives fstab(5) for what root binds: each source to its number below `stage` (made before), and the whole to the cover.
 * One program that mounts all of it starts much faster than one for each.
 */
export function stageTable(launch: Pick<Launch, 'cover' | 'scratch' | 'sources'>): string {
  const escape = (path: string) =>
    path.replace(/[\s\\#"]/g, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`);
  const stage = `${launch.scratch}/stage`;
  const pairs = [
    ...launch.sources.map((source, index) => [source, `${stage}/${index}`] as const),
    [stage, launch.cover] as const,
  ];
  return pairs.map(([from, to]) => `${escape(from)} ${escape(to)} none rbind 0 0\n`).join('');
}

/** Gives, for each source, the path by which bubblewrap finds it, overlays included. */
export function stagedPaths(
  launch: Pick<Launch, 'account' | 'cover' | 'scratch' | 'sources' | 'throwaways'>,
): readonly string[] {
  return stagedSources(launch).map((path, index) => {
    const overlay = launch.throwaways.indexOf(index);
    return overlay === -1 ? path : `${viewOf(launch)}/merged${overlay}`;
  });
}

function stagedSources(launch: Pick<Launch, 'account' | 'cover' | 'sources'>): readonly string[] {
  return launch.account.kind === 'own' ? launch.sources : launch.sources.map((_, index) => `${launch.cover}/${index}`);
}

function viewOf(launch: Pick<Launch, 'account' | 'cover' | 'scratch'>): string {
  return launch.account.kind === 'own' ? `${launch.scratch}/stage/view` : `${launch.cover}/view`;
}
