// SPDX-License-Identifier: Apache-2.0
// SBOM to findings for one image, whole process against whole process: `./oakum scan` beside osv-scanner offline, on the same SBOM
// with the same advisories (the Go database alone), without a store, as osv-scanner has none. In turn, each warm; also with what was
// found left for the store, and all images of the release in one process.
//   node --conditions=oakum-source bench/scan.ts --release DIR --data DIR [--rounds N]
// DIR of --release holds what `oakum release` has written; --data is a data folder with feeds.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { judge } from '../test/judges.ts';
import { stageScan } from '../test/scan-stage.ts';

const options = { release: { type: 'string' }, data: { type: 'string' }, rounds: { type: 'string' } } as const;
const { release, data, rounds = '15' } = parseArgs({ options }).values;
if (release === undefined || data === undefined) throw new Error('--release and --data are needed');

/** What one process took. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
  readonly megabytes: number;
}

const folder = await mkdtemp(join(tmpdir(), 'oakum-bench-scan-'));
const home = resolve(import.meta.dirname, '..');
const stage = await stageScan(join(folder, 'stage'), { release: resolve(release), data: resolve(data) });
const env = {
  ...process.env,
  OSV_SCANNER_LOCAL_DB_CACHE_DIRECTORY: stage.osvDatabase,
  OAKUM_DATA: join(folder, 'data'),
};
const osvScanner = await judge('osv-scanner');

/** Bash tells times to the millisecond, of the process and its children; GNU time the memory. */
const TIMED = 'TIMEFORMAT="%3R %3U %3S"; time /usr/bin/time -o "$0" -f %M "$@"';

/** Runs a command; both end with 1 where something is found. */
function run(command: readonly string[]): Cost {
  const memory = join(folder, 'memory');
  const result = spawnSync('bash', ['-c', TIMED, memory, ...command], { encoding: 'utf8', env, cwd: folder });
  if (result.status !== 1) throw new Error(`${command.join(' ')} ended with ${result.status}:\n${result.stderr}`);
  const times = (result.stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  const [wall = 0, user = 0, system = 0] = times;
  const kilobytes = Number(readFileSync(memory, 'utf8').trim().split('\n').at(-1)); // a first line tells the exit code
  return { wall, cpu: user + system, megabytes: kilobytes / 1024 };
}

const oakum = (...args: readonly string[]) =>
  [join(home, 'oakum'), 'scan', '--feeds', resolve(data), '--json'].concat(args);
const osv = (sbom: string) => [
  osvScanner,
  'scan',
  'source',
  '-L',
  sbom,
  '--offline',
  '--offline-vulnerabilities',
  '--format',
  'json',
];
const one = stage.images.find(({ component }) => component === 'source-controller') ?? stage.images[0];
if (one === undefined) throw new Error('the release has no image');
const commands = {
  oakum: oakum('--no-store', one.sbom),
  'oakum, kept': oakum(one.sbom),
  'osv-scanner': osv(one.sbom),
  'oakum, all images': oakum('--no-store', ...stage.images.map(({ sbom }) => sbom)),
};
const costs = new Map<string, Cost[]>(Object.keys(commands).map((name) => [name, []]));
for (const command of Object.values(commands)) for (let warm = 0; warm < 2; warm += 1) run(command);
for (let round = 0; round < Number(rounds); round += 1)
  for (const [name, command] of Object.entries(commands)) costs.get(name)?.push(run(command));

const sorted = (name: string, of: keyof Cost) => (costs.get(name) ?? []).map((cost) => cost[of]).sort((a, b) => a - b);
const least = (name: string, of: keyof Cost) => sorted(name, of)[0] ?? Number.NaN;
const median = (name: string, of: keyof Cost) => sorted(name, of)[sorted(name, of).length >> 1] ?? Number.NaN;
const shown = (name: string, of: keyof Cost) =>
  `${median(name, of).toFixed(3)} s (least ${least(name, of).toFixed(3)})`;
console.log(`${one.component} ${stage.revision}, ${rounds} rounds, load ${loadavg()[0]?.toFixed(1)}`);
for (const name of Object.keys(commands))
  console.log(
    `${name.padEnd(18)} wall ${shown(name, 'wall')}, CPU ${shown(name, 'cpu')}, ${median(name, 'megabytes').toFixed(0)} MB`,
  );
for (const kind of ['wall', 'cpu'] as const) {
  const ratio = (pick: typeof least) => (pick('osv-scanner', kind) / pick('oakum', kind)).toFixed(2);
  console.log(`ratio by ${kind.padEnd(4)}      ${ratio(median)} of medians, ${ratio(least)} of the least (goal: 3)`);
}
await rm(folder, { recursive: true });
