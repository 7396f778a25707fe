// SPDX-License-Identifier: Apache-2.0
// Solving a base against an index of the size of Alpine's main and community together, made here by a fixed pattern:
// `node --conditions=oakum-source bench/apk-solve.ts [PACKAGES] [ROUNDS]`. Times are of this process's processor, so that others on the
// machine do not count. 25,000 packages is what v3.22 has for x86_64.
import { readApkIndex, tarEnd, tarHeader, tarPadding } from '#formats';
import { gzipSync } from 'node:zlib';
import { worldOf } from '../src/bases/alpine/solver/__fixtures__/shelf.ts';
import { solve } from '../src/bases/alpine/solver/solve.ts';

const [count = '25000', rounds = '7'] = process.argv.slice(2);
const size = Number(count);
let seed = 1;

function random(below: number): number {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed % below;
}

/** A third are libraries with so: names, each program needs some of them, every fourth package has documentation that installs itself. */
function entryOf(at: number): string {
  const kind = at % 4 === 3 ? 'doc' : at % 3 === 0 ? 'lib' : 'app';
  const name = kind === 'doc' ? `app${at - 1}-doc` : `${kind}${at}`;
  const needs = ['so:libc.musl-x86_64.so.1', ...Array.from({ length: random(5) }, () => libraryBefore(at))];
  const lines = [
    `C:Q1${Buffer.from(String(at).padStart(20, '0')).toString('base64')}`,
    `P:${name}`,
    `V:${1 + random(9)}.${random(30)}.${random(10)}-r${random(5)}`,
    'A:x86_64',
    `S:${10_000 + random(900_000)}`,
    `I:${50_000 + random(9_000_000)}`,
    `T:A package made for measuring, number ${at}`,
    `U:https://example.org/${name}`,
    'L:MIT',
    `o:${name}`,
    'm:Somebody <somebody@example.org>',
    `t:${1_750_000_000 + at}`,
    'c:0123456789abcdef0123456789abcdef01234567',
  ];
  if (kind === 'doc') lines.push(`i:docs app${at - 1}`);
  else lines.push(`D:${[...new Set(needs)].join(' ')}`);
  if (kind === 'lib') lines.push(`p:so:lib${at}.so.1=1.${random(9)}.0 pc:lib${at}=1.0`);
  if (kind === 'app')
    lines.push(`p:cmd:app${at}=1-r0 ${random(20) === 0 ? `virtual${random(40)}=${random(9)}` : ''}`.trim());
  return `${lines.join('\n')}\n\n`;
}

/** Mostly a library of the neighbourhood, at times one of the few that all use. */
function libraryBefore(at: number): string {
  const near = random(4) === 0 ? random(300) : at - random(Math.min(at + 1, 600));
  const library = Math.max(0, near) - (Math.max(0, near) % 12);
  return library === at || library === 0 ? 'so:libc.musl-x86_64.so.1' : `so:lib${library}.so.1`;
}

async function* once(bytes: Uint8Array) {
  yield bytes;
}

const musl = `C:Q1${'A'.repeat(27)}=\nP:musl\nV:1.2.5-r10\nA:x86_64\nS:400000\nI:600000\np:so:libc.musl-x86_64.so.1=1\n\n`;
const text = Buffer.from(musl + Array.from({ length: size }, (_, at) => entryOf(at)).join(''));
const file = {
  path: 'APKINDEX',
  kind: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: 1_750_000_000,
  size: text.length,
} as const;
const index = gzipSync(Buffer.concat([tarHeader(file), text, tarPadding(text.length), tarEnd()]));
const world = worldOf(
  Array.from({ length: 5 }, (_, at) => `app${Math.floor((size * (at + 1)) / 30 / 12) * 12 + 1}`).join(' '),
);

for (let round = 0; round < Number(rounds); round += 1) {
  const start = process.cpuUsage();
  const { packages } = await readApkIndex(once(index), { where: 'index' });
  const read = process.cpuUsage(start);
  const begun = process.cpuUsage();
  const wall = performance.now();
  const chosen = solve(world, [{ packages }]);
  const solved = process.cpuUsage(begun);
  const passed = (performance.now() - wall).toFixed(0);
  console.log(
    `${packages.length} packages, ${(index.length / 2 ** 20).toFixed(1)} MiB: read ${ms(read)} ms, solved ${ms(solved)} ms (${passed} ms by the clock), ${chosen.length} chosen`,
  );
}

function ms({ user, system }: NodeJS.CpuUsage): string {
  return ((user + system) / 1000).toFixed(0);
}
