// SPDX-License-Identifier: Apache-2.0

/** An entry that no package ships: what its maintainer script or an installer would have made. */
export type SkeletonEntry = Readonly<
  { path: string; reason: string } & (
    | { kind: 'directory'; mode: number; owner?: number }
    | { kind: 'file'; text: string }
    | { kind: 'symlink'; target: string }
  )
>;

/** The user that images made with this base may run as, beside 65534. */
const NONROOT = 65532;

const PASSWD = `root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
nonroot:x:${NONROOT}:${NONROOT}:nonroot:/home/nonroot:/sbin/nologin
`;

const GROUP = `root:x:0:
nobody:x:65534:
nonroot:x:${NONROOT}:
`;

const NSSWITCH = `passwd: files
group: files
shadow: files
hosts: files dns
networks: files
protocols: files
services: files
ethers: files
rpc: files
`;

/** Laid over what the packages ship: a file or link here takes the place of theirs, a folder here sets mode and owner. */
export const SKELETON: readonly SkeletonEntry[] = [
  { path: 'etc/passwd', kind: 'file', text: PASSWD, reason: 'base-passwd makes it in a script; no login shell exists' },
  { path: 'etc/group', kind: 'file', text: GROUP, reason: 'as passwd' },
  {
    path: 'etc/nsswitch.conf',
    kind: 'file',
    text: NSSWITCH,
    reason: 'resolvers look at /etc/hosts first only if told',
  },
  { path: 'home/nonroot', kind: 'directory', mode: 0o700, owner: NONROOT, reason: 'the home of nonroot' },
  { path: 'root', kind: 'directory', mode: 0o700, reason: 'the home of root, nobody else looks in' },
  { path: 'tmp', kind: 'directory', mode: 0o1777, reason: 'programs may write here' },
  { path: 'var/tmp', kind: 'directory', mode: 0o1777, reason: 'programs may write here' },
  { path: 'run/lock', kind: 'directory', mode: 0o1777, reason: 'base-files makes it in its script' },
  {
    path: 'var/run',
    kind: 'symlink',
    target: '../run',
    reason: 'base-files turns the folder into a link in its script',
  },
  { path: 'var/lock', kind: 'symlink', target: '../run/lock', reason: 'as var/run' },
  { path: 'usr/bin', kind: 'directory', mode: 0o755, reason: 'the link /bin points here' },
  { path: 'usr/sbin', kind: 'directory', mode: 0o755, reason: 'the link /sbin points here' },
  { path: 'usr/lib', kind: 'directory', mode: 0o755, reason: 'the link /lib points here' },
];
