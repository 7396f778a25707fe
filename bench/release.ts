// SPDX-License-Identifier: Apache-2.0
// A cold release of all seven controllers against a bare `go build` of the same seven: same sources, same module cache, same
// toolchain, each with an empty build cache. Downloads are made before, by `oakum fetch`, and count for neither.
//   node --conditions=oakum-source bench/release.ts [--folder DIR]
// Also: a second, unchanged run, and the start of the command line.
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { folder: { type: 'string' }, component: { type: 'string' } } });
const home = resolve(import.meta.dirname, '..');
const folder = values.folder ?? (await mkdtemp(join(tmpdir(), 'oakum-bench-')));
await mkdir(folder, { recursive: true });
const selection = values.component === undefined ? [] : ['--component', values.component];
const env = { ...process.env, OAKUM_CACHE: join(folder, 'cache'), OAKUM_DATA: join(folder, 'data'), CI: 'true' };

/** Runs a command; gives its seconds by the clock. CPU time would leave out what ran in a sandbox, which is no child of ours. */
function timed(
  [file, ...args]: readonly [string, ...string[]],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): number {
  const start = performance.now();
  const result = spawnSync(file, args, { encoding: 'utf8', env, cwd: folder, ...options });
  if (result.status !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${result.status}:\n${result.stderr}`);
  return (performance.now() - start) / 1000;
}

const oakum = (...args: string[]): number =>
  timed([join(home, 'oakum'), ...args, '--definition', join(home, 'distribution.yaml')]);
const shown = (seconds: number): string => `${seconds.toFixed(1)} s`;

await rm(join(folder, 'cache/records/compile'), { recursive: true, force: true });
await rm(join(folder, 'cache/areas/go-build'), { recursive: true, force: true });
const fetching = oakum('fetch', '2.9.2', '--locked', '--platform', 'linux/amd64', ...selection);
const cold = oakum('release', '2.9.2', '--locked', '--platform', 'linux/amd64', ...selection);
const again = [1, 2, 3].map(() => oakum('release', '2.9.2', '--locked', '--platform', 'linux/amd64', ...selection));

const bare = await bareBuild();
const starts = ['--version', '--help'].map((flag) =>
  Math.min(...[1, 2, 3, 4, 5].map(() => timed([join(home, 'oakum'), flag]))),
);

console.log(`fetch                     ${shown(fetching)} (counted apart)`);
console.log(`cold release              ${shown(cold)}`);
console.log(`bare go build             ${shown(bare)}`);
console.log(`ratio                     ${(cold / bare).toFixed(2)} (at most 1.05)`);
console.log(`second, unchanged run     ${Math.min(...again).toFixed(2)} s (below 1)`);
console.log(
  `oakum --version, --help   ${starts.map((seconds) => `${Math.round(seconds * 1000)} ms`).join(', ')} (below 150)`,
);
if (values.folder === undefined) await rm(folder, { recursive: true, force: true });

/** Builds each composed source in turn, as a person would, with all cores. */
async function bareBuild(): Promise<number> {
  const document = JSON.parse(await readFile(join(folder, 'out/release.json'), 'utf8'));
  const trees = (name: string) => join(folder, 'cache/trees', name);
  const sources = spawnSync('ls', [trees('compose-source')], { encoding: 'utf8' })
    .stdout.trim()
    .split('\n');
  const [toolchain = ''] = spawnSync('ls', [trees('toolchain')], { encoding: 'utf8' })
    .stdout.trim()
    .split('\n');
  const goroot = join(trees('toolchain'), toolchain);
  const components: { component: string }[] = document.channels.distroless.images;
  if (sources.length < components.length) throw new Error('the cache holds fewer sources than the release has images');
  const build = {
    PATH: `${goroot}/bin:/usr/bin:/bin`,
    HOME: folder,
    GOROOT: goroot,
    GOCACHE: join(folder, 'bare-cache'),
    GOMODCACHE: join(folder, 'cache/areas/go-modules'),
    GOPROXY: 'off',
    GOTOOLCHAIN: 'local',
    CGO_ENABLED: '0',
  };
  await rm(build.GOCACHE, { recursive: true, force: true });
  let total = 0;
  for (const source of sources) {
    const cwd = join(trees('compose-source'), source);
    const main = (await readFile(join(cwd, 'go.mod'), 'utf8')).includes('/source-watcher/') ? './cmd' : '.';
    const argv = [
      `${goroot}/bin/go`,
      'build',
      '-trimpath',
      '-buildvcs=false',
      '-mod=readonly',
      '-ldflags=-s -w',
      '-o',
      join(folder, 'bare'),
      main,
    ] as const;
    total += timed([...argv], { cwd, env: build });
  }
  return total;
}
