// SPDX-License-Identifier: Apache-2.0
import { type CallNumbers, type FilterArchitecture, JUDGED, REFUSED, UNKNOWN } from './syscalls.ts';

// linux/bpf_common.h and linux/seccomp.h
const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_ABOVE = 0x35;
const JUMP_BITS = 0x45;
const AND = 0x54;
const RETURN = 0x06;
const KILL_PROCESS = 0x80000000;
const ALLOW = 0x7fff0000;
const ERRNO = 0x00050000;

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

// struct seccomp_data: nr, arch, instruction pointer, six 64-bit arguments; low halves first on both architectures.
const NUMBER = 0;
const ARCHITECTURE = 4;
const argument = (index: number): number => 16 + index * 8;

const AUDIT: Readonly<Record<FilterArchitecture, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };
const X32_BIT = 0x40000000;
/** Every CLONE_NEW* flag that clone(2) takes: mount, cgroup, uts, ipc, user, pid, net (linux/sched.h). */
const NEW_NAMESPACES = 0x7e020000;
/** O_CREAT and __O_TMPFILE: only then does open(2) look at its mode. */
const CREATES = 0o20000100;
const SET_ID_BITS = 0o6000;
const TYPE_BITS = 0o170000;
const DEVICES = [0o020000, 0o060000];
/** Terminal input faking: TIOCSTI, TIOCLINUX. */
const TERMINAL_INPUT = [0x5412, 0x541c];
/** unix, inet, inet6, netlink. Notably not vsock, which network namespaces do not hold back on many kernels. */
const FAMILIES = [1, 2, 10, 16];
/** The plain Linux personality, and the question which one is set. */
const PERSONALITIES = [0, 0xffffffff];

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

/**
 * Takes the machine's architecture (Node's name); gives a classic BPF program for `bwrap --seccomp` (seccomp(2), SECCOMP_SET_MODE_FILTER).
 * Refused calls answer EPERM; clone3 and openat2 answer ENOSYS; a call of a foreign architecture kills the process.
 */
export function seccompFilter(architecture: FilterArchitecture): Uint8Array {
  const number = (calls: CallNumbers): number | undefined => calls[architecture === 'x64' ? 0 : 1];
  const program: Instruction[] = [
    [LOAD, 0, 0, ARCHITECTURE],
    [JUMP_EQUAL, 1, 0, AUDIT[architecture]],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD, 0, 0, NUMBER],
  ];
  if (architecture === 'x64') program.push([JUMP_ABOVE, 0, 1, X32_BIT], [RETURN, 0, 0, KILL_PROCESS]);
  for (const [call, body] of judgements()) {
    const nr = number(JUDGED[call]);
    if (nr !== undefined) program.push([JUMP_EQUAL, 0, body.length, nr], ...body);
  }
  for (const [calls, errno] of [[UNKNOWN, ENOSYS] as const, [REFUSED, EPERM] as const]) {
    for (const nr of Object.values(calls).map(number)) {
      if (nr !== undefined) program.push([JUMP_EQUAL, 0, 1, nr], [RETURN, 0, 0, ERRNO | errno]);
    }
  }
  program.push([RETURN, 0, 0, ALLOW]);
  return assemble(program);
}

/** Each judged call with instructions that always end in a return. */
function judgements(): (readonly [keyof typeof JUDGED, readonly Instruction[]])[] {
  const setId = (index: number) => refuseBits(index, SET_ID_BITS);
  const devices = (index: number) => [
    [LOAD, 0, 0, argument(index)] as const,
    [AND, 0, 0, TYPE_BITS] as const,
    ...DEVICES.flatMap((type) => [[JUMP_EQUAL, 0, 1, type] as const, [RETURN, 0, 0, ERRNO | EPERM] as const]),
    ...setId(index),
  ];
  return [
    ['open', [...onlyWith(1, CREATES), ...setId(2)]],
    ['openat', [...onlyWith(2, CREATES), ...setId(3)]],
    ['creat', setId(1)],
    ['chmod', setId(1)],
    ['fchmod', setId(1)],
    ['fchmodat', setId(2)],
    ['fchmodat2', setId(2)],
    ['mknod', devices(1)],
    ['mknodat', devices(2)],
    ['clone', refuseBits(0, NEW_NAMESPACES)],
    ['ioctl', oneOf(1, TERMINAL_INPUT, { found: ERRNO | EPERM, other: ALLOW })],
    ['socket', oneOf(0, FAMILIES, { found: ALLOW, other: ERRNO | EAFNOSUPPORT })],
    ['personality', oneOf(0, PERSONALITIES, { found: ALLOW, other: ERRNO | EPERM })],
  ];
}

function onlyWith(index: number, bits: number): readonly Instruction[] {
  return [
    [LOAD, 0, 0, argument(index)],
    [JUMP_BITS, 1, 0, bits],
    [RETURN, 0, 0, ALLOW],
  ];
}

function refuseBits(index: number, bits: number): readonly Instruction[] {
  return [
    [LOAD, 0, 0, argument(index)],
    [JUMP_BITS, 0, 1, bits],
    [RETURN, 0, 0, ERRNO | EPERM],
    [RETURN, 0, 0, ALLOW],
  ];
}

function oneOf(
  index: number,
  values: readonly number[],
  verdict: { found: number; other: number },
): readonly Instruction[] {
  return [
    [LOAD, 0, 0, argument(index)],
    ...values.flatMap((value) => [[JUMP_EQUAL, 0, 1, value] as const, [RETURN, 0, 0, verdict.found] as const]),
    [RETURN, 0, 0, verdict.other],
  ];
}

/** struct sock_filter: u16 code, u8 jt, u8 jf, u32 k; both architectures are little-endian. */
function assemble(program: readonly Instruction[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(program.length * 8));
  program.forEach(([code, ifTrue, ifFalse, value], index) => {
    bytes.setUint16(index * 8, code, true);
    bytes.setUint8(index * 8 + 2, ifTrue);
    bytes.setUint8(index * 8 + 3, ifFalse);
    bytes.setUint32(index * 8 + 4, value >>> 0, true);
  });
  return new Uint8Array(bytes.buffer);
}
