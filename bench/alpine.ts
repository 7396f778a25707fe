// SPDX-License-Identifier: Apache-2.0
// Composing a base from cached Alpine packages, ours beside apko's: `node --conditions=oakum-source bench/alpine.ts [ROUNDS] [MEGABYTES]`.
// Ours runs as a bundle, as ./oakum does and as apko is compiled. The packages are made here, twenty of them, from programs and data of this machine, and served by a mirror on loopback.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';
import { type ApkFile, type ApkSpec, startApkMirror } from '#testing';
import { judge } from '../test/judges.ts';

const [rounds = '5', megabytes = '60'] = process.argv.slice(2);
const PACKAGES = 20;
const SOURCES = ['/usr/bin', '/usr/lib', '/usr/share'];

/** Links are not followed: some lead round in circles. */
function filesBelow(folder: string): readonly string[] {
  const found = execFileSync('find', [folder, '-xdev', '-type', 'f', '-size', '-4096k'], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return found
    .split('\n')
    .filter((path) => path !== '')
    .sort();
}

/** Gives files of this machine, up to so many bytes, in the mix of sizes that they have. */
function collectFiles(bytes: number): readonly ApkFile[] {
  const files: ApkFile[] = [];
  let left = bytes;
  for (const source of SOURCES) {
    const share = left - (bytes * (SOURCES.length - 1 - SOURCES.indexOf(source))) / SOURCES.length;
    const until = left - share;
    for (const path of filesBelow(source)) {
      const { size, mode } = statSync(path);
      if (size > 4 << 20 || left - size < until || !/^[\x21-\x7e]+$/.test(path)) continue;
      files.push({ path: path.slice(1), content: readFileSync(path), mode: mode & 0o777 });
      left -= size;
    }
  }
  return files;
}

function toPackages(files: readonly ApkFile[]): readonly ApkSpec[] {
  return Array.from({ length: PACKAGES }, (_, number): ApkSpec => {
    const own = files.filter((__, at) => at % PACKAGES === number);
    const folders = new Set(own.flatMap(({ path }) => parentsOf(path)));
    const info = number === 0 ? {} : { depend: `p${number - 1}` };
    return {
      name: `p${number}`,
      version: '1.0-r0',
      info,
      files: [...[...folders].sort().map((path): ApkFile => ({ path, kind: 'directory' })), ...own],
    };
  });
}

function parentsOf(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'));
}

/** Not spawnSync: the mirror must go on answering. */
function run(argv: readonly string[], cwd: string): Promise<{ stdout: string; seconds: number }> {
  return new Promise((done, fail) => {
    const start = performance.now();
    const child = spawn(argv[0] ?? '', argv.slice(1), { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('close', (code) =>
      code === 0 ? done({ stdout, seconds: (performance.now() - start) / 1000 }) : fail(new Error(stderr)),
    );
  });
}

/** Bundles alpine-run.ts two folders below the root, as scripts/bundle.ts does with the program; packages are loaded from node_modules. */
async function bundleRun(folder: string): Promise<string> {
  const build = await rolldown({
    input: join(import.meta.dirname, 'alpine-run.ts'),
    platform: 'node',
    external: (id) => /^[a-z@]/.test(id),
    resolve: { conditionNames: ['oakum-source', 'node', 'import', 'default'] },
    treeshake: { moduleSideEffects: [{ test: /\/src\/.*\.ts$/, sideEffects: false }] },
  });
  await build.write({ dir: folder, format: 'esm', entryFileNames: '[name].js' });
  await build.close();
  return join(folder, 'alpine-run.js');
}

interface Composed {
  readonly seconds: number;
  readonly layer: string;
  readonly memory: number;
  readonly cpu: number;
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const apko = await judge('apko');
const bundled = resolve(import.meta.dirname, `../.oakum/bench-${process.pid}`);
const folder = mkdtempSync(join(tmpdir(), 'oakum-bench-alpine-'));
const mirror = await startApkMirror();
try {
  const files = collectFiles(Number(megabytes) << 20);
  const built = await mirror.publish({ repository: 'v3.24/main', packages: toPackages(files), date: new Date() });
  const packed = built.reduce((sum, { bytes }) => sum + bytes.length, 0);
  console.log(`${PACKAGES} packages, ${files.length} files, ${megabytes} MiB, ${(packed / 1e6).toFixed(1)} MB packed`);
  const key = join(folder, mirror.signer.name);
  writeFileSync(key, mirror.publicKey);
  const last = `p${PACKAGES - 1}`;
  const contents = { keyring: [key], repositories: [`${mirror.uri}/v3.24/main`], packages: [last] };
  writeFileSync(join(folder, 'apko.yaml'), JSON.stringify({ contents, archs: ['x86_64'] }));
  const theirs = [
    apko,
    'build',
    '--sbom=false',
    '--cache-dir',
    join(folder, 'apko'),
    'apko.yaml',
    'bench:1',
    'out.tar',
  ];
  const ours = [process.execPath, await bundleRun(bundled), folder, mirror.uri, last];
  writeFileSync(join(folder, 'lock.json'), JSON.stringify(JSON.parse((await run(ours, process.cwd())).stdout).lock));
  await run(theirs, folder);
  const results = [];
  const times: number[] = [];
  for (let round = 0; round < Number(rounds); round += 1) {
    const { stdout, seconds } = await run(ours, process.cwd());
    results.push({ ...(JSON.parse(stdout) as Composed), whole: seconds });
    times.push((await run(theirs, folder)).seconds);
  }
  const [first, ...again] = results;
  const whole = median(again.map((one) => one.whole));
  console.log(
    `first, taking the packages apart: ${first?.whole.toFixed(2)} s, ${((first?.memory ?? 0) / 1e6).toFixed(0)} MB`,
  );
  console.log(
    `again: ${whole.toFixed(2)} s, of which composing and packing ${median(again.map((one) => one.seconds)).toFixed(2)} s`,
  );
  console.log(`peak memory ${(Math.max(...results.map((one) => one.memory)) / 1e6).toFixed(0)} MB`);
  console.log(
    `apko ${median(times).toFixed(2)} s; ours is ${(whole / median(times)).toFixed(2)} of it, the first time ${((first?.whole ?? 0) / median(times)).toFixed(2)}`,
  );
  console.log(`${new Set(results.map((one) => one.layer)).size} different layers in ${results.length} runs`);
} finally {
  await mirror.stop();
  rmSync(folder, { recursive: true });
  rmSync(bundled, { recursive: true, force: true });
}
