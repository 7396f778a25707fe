// SPDX-License-Identifier: Apache-2.0

/** The machine architectures for which a filter can be written; names are Node's. */
export type FilterArchitecture = 'x64' | 'arm64';

/** A system call's numbers; `undefined` where the architecture has no such call. Sources: asm/unistd_64.h, asm-generic/unistd.h. */
export type CallNumbers = readonly [x64: number | undefined, arm64: number | undefined];

/**
 * Calls that no compiler, linker or test needs and that look at, change or attack something beyond the step:
 * other processes, mounts, namespaces, the kernel's keys, clocks, modules and its lesser-trodden interfaces.
 */
export const REFUSED: Readonly<Record<string, CallNumbers>> = {
  _sysctl: [156, undefined],
  acct: [163, 89],
  add_key: [248, 217],
  adjtimex: [159, 171],
  bpf: [321, 280],
  chroot: [161, 51],
  clock_adjtime: [305, 266],
  clock_settime: [227, 112],
  create_module: [174, undefined],
  delete_module: [176, 106],
  fanotify_init: [300, 262],
  finit_module: [313, 273],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fsopen: [430, 430],
  fspick: [433, 433],
  init_module: [175, 105],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  io_uring_setup: [425, 425],
  ioperm: [173, undefined],
  iopl: [172, undefined],
  kcmp: [312, 272],
  kexec_file_load: [320, 294],
  kexec_load: [246, 104],
  keyctl: [250, 219],
  lookup_dcookie: [212, 18],
  mbind: [237, 235],
  migrate_pages: [256, 238],
  modify_ldt: [154, undefined],
  mount: [165, 40],
  mount_setattr: [442, 442],
  move_mount: [429, 429],
  move_pages: [279, 239],
  name_to_handle_at: [303, 264],
  nfsservctl: [180, 42],
  open_by_handle_at: [304, 265],
  open_tree: [428, 428],
  open_tree_attr: [467, 467],
  perf_event_open: [298, 241],
  pidfd_getfd: [438, 438],
  pivot_root: [155, 41],
  process_madvise: [440, 440],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  ptrace: [101, 117],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  reboot: [169, 142],
  request_key: [249, 218],
  setdomainname: [171, 162],
  sethostname: [170, 161],
  setns: [308, 268],
  settimeofday: [164, 170],
  swapoff: [168, 225],
  swapon: [167, 224],
  syslog: [103, 116],
  umount2: [166, 39],
  unshare: [272, 97],
  uselib: [134, undefined],
  userfaultfd: [323, 282],
  vhangup: [153, 58],
};

/** Calls whose flags lie behind a pointer, where a filter cannot look: "no such call" makes callers use the older one. */
export const UNKNOWN: Readonly<Record<string, CallNumbers>> = {
  clone3: [435, 435],
  openat2: [437, 437],
};

/** Calls that are looked at by their arguments. */
export const JUDGED = {
  chmod: [90, undefined],
  clone: [56, 220],
  creat: [85, undefined],
  fchmod: [91, 52],
  fchmodat: [268, 53],
  fchmodat2: [452, 452],
  ioctl: [16, 29],
  mknod: [133, undefined],
  mknodat: [259, 33],
  open: [2, undefined],
  openat: [257, 56],
  personality: [135, 92],
  socket: [41, 198],
} as const satisfies Readonly<Record<string, CallNumbers>>;
