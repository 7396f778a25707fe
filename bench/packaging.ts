// SPDX-License-Identifier: Apache-2.0
// From compiled binaries to a finished OCI layout: Oakum against ko, same binaries, same machine, one run.
//
//     node --conditions=oakum-source bench/packaging.ts [--runs N] BINARY...
//
// Ko builds Go and nothing else, so its `go` (KO_GO_PATH) is a script: for `go build -o FILE` it links the finished binary
// to FILE, all else goes to the real one. What is left of ko's time is packaging and `go list`. That rest is measured
// too, with binaries of a few bytes, and taken off ("net"). The base image is one empty folder for both; ko's comes
// from a registry on loopback. Ours starts with the binaries in the cache, where the build step leaves them; the start
// of Node is counted. Runs alternate; the median counts, of times and of each round's ratio.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { judge } from '../test/judges.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '3' }, in: { type: 'string', default: tmpdir() } },
});
const binaries = (positionals.length > 0 ? positionals : [await judge('ko'), await judge('crane')]).map((path) =>
  resolve(path),
);
const folder = mkdtempSync(join(values.in, 'packaging-'));
const [ko, crane] = [await judge('ko'), await judge('crane')];
const runner = fileURLToPath(new URL('./packaging-run.ts', import.meta.url));

/** Lays a Go module with one trivial command per binary, and the script that stands in for `go`. */
function layModule(): void {
  writeFileSync(join(folder, 'go.mod'), 'module bench.test/packaging\n\ngo 1.24\n');
  for (const [index] of binaries.entries()) {
    mkdirSync(join(folder, `cmd/c${index}`), { recursive: true });
    writeFileSync(join(folder, `cmd/c${index}/main.go`), 'package main\n\nfunc main() {}\n');
    writeFileSync(join(folder, `tiny-${index}`), `tiny ${index}`);
  }
  const cases = binaries.map((path, index) => `  */cmd/c${index}) source='${path}'; tiny='${folder}/tiny-${index}';;`);
  const script = `#!/bin/sh
if [ "$1" != build ]; then exec go "$@"; fi
while [ $# -gt 1 ]; do if [ "$1" = -o ]; then file=$2; fi; shift; done
case "$1" in
${cases.join('\n')}
esac
if [ -n "$TINY" ]; then source=$tiny; fi
ln -f "$source" "$file" 2>/dev/null || cp "$source" "$file"
`;
  writeFileSync(join(folder, 'go'), script, { mode: 0o755 });
}

interface Timing {
  readonly seconds: number;
  readonly output: string;
}

function timed(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Timing {
  const start = performance.now();
  const result = spawnSync(file, args, {
    env: { ...process.env, ...env },
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (result.status !== 0) throw new Error(`${file} failed: ${result.stderr}`);
  return { seconds: (performance.now() - start) / 1000, output: result.stdout };
}

function runKo(base: string, tiny: boolean): Timing & { readonly bytes: number } {
  const layout = 'layout'; // relative and lower case, since ko takes it for a repository's name
  const args = [
    'build',
    '--push=false',
    '--sbom=none',
    `--oci-layout-path=${layout}`,
    '--platform=linux/amd64',
    '--insecure-registry',
  ];
  const timing = timed(ko, [...args, ...binaries.map((_, index) => `./cmd/c${index}`)], {
    KO_GO_PATH: join(folder, 'go'),
    KO_DOCKER_REPO: 'bench.test/packaging',
    KO_DEFAULTBASEIMAGE: base,
    TINY: tiny ? '1' : '',
    SOURCE_DATE_EPOCH: '1767225600',
  });
  const blobs = join(folder, layout, 'blobs/sha256');
  const bytes = readdirSync(blobs).reduce((sum, name) => sum + statSync(join(blobs, name)).size, 0);
  rmSync(join(folder, layout), { recursive: true });
  return { ...timing, bytes };
}

function runOurs(compression: string) {
  const area = mkdtempSync(join(folder, 'ours-'));
  const timing = timed(process.execPath, ['--conditions=oakum-source', runner, area, compression, ...binaries], {});
  rmSync(area, { recursive: true });
  const told = JSON.parse(timing.output) as {
    readonly takingSeconds: number;
    readonly bytes: number;
    readonly peakMegabytes: number;
    readonly cpuSeconds: number;
    readonly cores: number;
  };
  return { ...told, seconds: timing.seconds - told.takingSeconds };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((ready) => server.once('listening', ready));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;
}

layModule();
const port = await freePort();
const registry = spawn(crane, ['registry', 'serve', '--address', `127.0.0.1:${port}`], { stdio: 'ignore' });
try {
  await delay(500);
  const base = `127.0.0.1:${port}/base:v1`;
  spawnSync('tar', ['-C', folder, '-czf', join(folder, 'base.tgz'), 'go.mod']);
  timed(crane, ['append', '--oci-empty-base', '-f', join(folder, 'base.tgz'), '-t', base], {});
  timed(crane, ['mutate', '--set-platform=linux/amd64', base, '-t', base], {});
  const input = binaries.reduce((sum, path) => sum + statSync(path).size, 0);
  const runs = Array.from({ length: Number(values.runs) }, () => ({
    tiny: runKo(base, true),
    ko: runKo(base, false),
    gzip: runOurs('gzip'),
    zstd: runOurs('zstd'),
  }));
  const print = (text: string) => process.stdout.write(`${text}\n`);
  const names = binaries.map((path) => basename(path)).join(', ');
  print(`${binaries.length} binaries (${names}), ${(input / 1e6).toFixed(0)} MB; median of ${runs.length}`);
  const tiny = median(runs.map((run) => run.tiny.seconds));
  const whole = median(runs.map((run) => run.ko.seconds));
  const first = runs[0] as (typeof runs)[number];
  print(`ko    ${whole.toFixed(2)} s, its go commands ${tiny.toFixed(2)} s, ${(first.ko.bytes / 1e6).toFixed(1)} MB`);
  for (const kind of ['gzip', 'zstd'] as const) {
    const ratios = runs.map((run) => run[kind].seconds / (run.ko.seconds - run.tiny.seconds));
    const ours = first[kind];
    print(
      `${kind}  ${median(runs.map((run) => run[kind].seconds)).toFixed(2)} s = ${median(ratios).toFixed(2)} of ko without its go commands ` +
        `(${ratios.map((ratio) => ratio.toFixed(2)).join(' ')}), ${(ours.bytes / 1e6).toFixed(1)} MB, ` +
        `peak ${ours.peakMegabytes} MB, ${ours.cpuSeconds.toFixed(1)} CPU s, ${ours.cores} cores`,
    );
  }
} finally {
  registry.kill();
  rmSync(folder, { recursive: true, force: true });
}
