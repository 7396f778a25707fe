// SPDX-License-Identifier: Apache-2.0
// From a fix that is known to the published revision, for one component on one architecture, warm: `oakum patch` against what it contains,
// run bare one after the other: `go build` of the patched source, upstream's unit tests before and after, govulncheck on the patched source.
//   node --conditions=oakum-source bench/patch.ts --data DIR [--component NAME] [--stage DIR] [--runs N]
// --data is a data folder with feeds. --stage keeps what is prepared (a release, its reachability, the modules of the fixes), so that a second
// bench begins at once. Both sides start from a copy of it, each time.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { writeGoDatabase } from '#vulnerabilities';

const options = {
  data: { type: 'string' },
  component: { type: 'string', default: 'source-watcher' },
  stage: { type: 'string' },
  runs: { type: 'string', default: '1' },
} as const;
const { data, component, runs, ...values } = parseArgs({ options }).values;
if (data === undefined) throw new Error('--data is needed');
const home = resolve(import.meta.dirname, '..');
const work = await mkdtemp(join(tmpdir(), 'oakum-bench-patch-'));
const stage = resolve(values.stage ?? join(work, 'stage'));
const selection = ['--component', component, '--platform', 'linux/amd64'];

/** Runs a command in a folder; gives its seconds by the clock. */
function timed(argv: readonly string[], at: { cwd: string; env: NodeJS.ProcessEnv; good?: readonly number[] }): number {
  const [file = '', ...args] = argv;
  const start = performance.now();
  const result = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...at });
  if (!(at.good ?? [0]).includes(result.status ?? -1))
    throw new Error(`${argv.join(' ')} ended with ${result.status}:\n${result.stderr}${result.stdout}`);
  return (performance.now() - start) / 1000;
}

function oakum(folder: string, args: readonly string[], good: readonly number[] = [0]): number {
  const env = { ...process.env, OAKUM_CACHE: join(folder, 'cache'), OAKUM_DATA: join(folder, 'data'), CI: 'true' };
  return timed([join(home, 'oakum'), ...args, '--quiet'], { cwd: folder, env, good });
}

/** Makes the stage: what a user has who released, scanned and analysed before the fix was known; and, fetched ahead, the fixes' modules. */
async function prepare(): Promise<void> {
  await mkdir(stage, { recursive: true });
  for (const name of ['distribution.yaml', 'oakum.lock', 'keys'])
    await cp(join(home, name), join(stage, name), { recursive: true });
  await cp(resolve(data ?? ''), join(stage, 'data'), { recursive: true });
  oakum(stage, ['release', '2.9.2', ...selection]);
  oakum(stage, ['scan', '2.9.2-r0', '--reachability'], [0, 1, 4]);
  const rehearsal = await copyOf('rehearsal');
  oakum(rehearsal, ['patch', '2.9.2', ...selection]);
  const parts = ['areas/go-modules', 'records/module', 'records/module-info', 'records/prove-module'];
  for (const part of parts) spawnSync('cp', ['-an', join(rehearsal, 'cache', part, '.'), join(stage, 'cache', part)]);
  await writeGoDatabase(join(stage, 'data'), join(stage, 'vulndb'));
  await remove(rehearsal);
}

/** What no run changes in place is linked, not copied. */
async function copyOf(name: string): Promise<string> {
  const folder = join(work, name);
  const linked = ['cache/blobs', 'cache/trees', 'cache/areas/go-modules'];
  await mkdir(join(folder, 'cache/areas'), { recursive: true });
  const parts = [
    ...(await readdir(stage)).filter((one) => one !== 'cache'),
    ...(await readdir(join(stage, 'cache'))).filter((one) => one !== 'areas').map((one) => `cache/${one}`),
    ...(await readdir(join(stage, 'cache/areas'))).map((one) => `cache/areas/${one}`),
  ];
  for (const part of parts) {
    const how = linked.includes(part) ? '-al' : '-a';
    spawnSync('cp', [how, join(stage, part), join(folder, part)]);
  }
  spawnSync('sync');
  return folder;
}

/** Folders of modules can't be written; that of their links must stay so. */
async function remove(folder: string): Promise<void> {
  spawnSync('find', [folder, '-type', 'd', '-exec', 'chmod', 'u+w', '{}', '+']);
  await rm(folder, { recursive: true, force: true });
}

/** The one folder of a kind of tree whose file holds a text. */
async function treeOf(cache: string, kind: string, [file, text]: readonly [string, string]): Promise<string> {
  for (const name of await readdir(join(cache, 'trees', kind))) {
    const found = join(cache, 'trees', kind, name);
    if ((await readFile(join(found, file), 'utf8').catch(() => '')).includes(text)) return found;
  }
  throw new Error(`no ${kind} holds ${file} with ${text}`);
}

/** The packages that were tested, as the comparison on Oakum's side names them. */
async function testedPackages(cache: string): Promise<readonly string[]> {
  const folder = join(cache, 'records/compare-tests');
  const [name = ''] = await readdir(folder);
  const record = JSON.parse(await readFile(join(folder, name), 'utf8')) as {
    value: { before: { packages: { path: string }[] } };
  };
  return record.value.before.packages.map(({ path }) => path);
}

/** Runs what a patch contains, bare, from the stage's own build cache; gives the seconds of each. */
async function bare(patched: string, folder: string): Promise<Readonly<Record<string, number>>> {
  const cache = join(patched, 'cache');
  const goroot = await treeOf(cache, 'toolchain', ['VERSION', 'go1.']);
  const before = await treeOf(cache, 'compose-source', ['go.mod', `/${component}`]);
  const after = await treeOf(cache, 'derive-source', ['go.mod', `/${component}`]);
  const tool = join(await treeOf(cache, 'place-program', ['govulncheck', 'ELF']), 'govulncheck');
  const env = {
    PATH: `${goroot}/bin:/usr/bin:/bin`,
    HOME: folder,
    GOROOT: goroot,
    GOCACHE: join(folder, 'cache/areas/go-build'),
    GOMODCACHE: join(cache, 'areas/go-modules'),
    GOFLAGS: '-mod=readonly -buildvcs=false',
    GOPROXY: 'off',
    GOTOOLCHAIN: 'local',
    CGO_ENABLED: '0',
  };
  const main = (await readdir(after)).includes('main.go') ? '.' : './cmd';
  const packages = await testedPackages(cache);
  const test = ['go', 'test', '-short', '-count=1', '-vet=off', '-trimpath', ...packages];
  const go = (argv: readonly string[], cwd: string, good = [0]) =>
    timed(argv[0] === 'go' ? [`${goroot}/bin/go`, ...argv.slice(1)] : argv, { cwd, env, good });
  return {
    'go build': go(['go', 'build', '-trimpath', '-ldflags=-s -w', '-o', join(folder, 'program'), main], after),
    'go test, before': go(test, before, [0, 1]),
    'go test, after': go(test, after, [0, 1]),
    govulncheck: go([tool, '-mode=source', '-scan=symbol', '-format=json', `-db=file://${stage}/vulndb`, main], after),
  };
}

if (!existsSync(join(stage, 'vulndb'))) await prepare();
const ratios: number[] = [];
for (let run = 1; run <= Number(runs); run += 1) {
  const patched = await copyOf('patched');
  const whole = oakum(patched, ['patch', '2.9.2', ...selection]);
  const plain = await copyOf('plain');
  const parts = await bare(patched, plain);
  const sum = Object.values(parts).reduce((total, seconds) => total + seconds, 0);
  ratios.push(whole / sum);
  const detail = Object.entries(parts).map(([name, seconds]) => `${name} ${seconds.toFixed(1)} s`);
  console.log(
    `oakum patch ${whole.toFixed(1)} s; bare ${sum.toFixed(1)} s (${detail.join(', ')}): ${(whole / sum).toFixed(2)}`,
  );
  await remove(patched);
  await remove(plain);
}
const median = ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)] ?? 0;
console.log(`ratio ${median.toFixed(2)} (at most 1.15)`);
await remove(work);
