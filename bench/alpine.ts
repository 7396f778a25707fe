// SPDX-License-Identifier: Apache-2.0
// Composing a base from cached Alpine packages, ours beside apko's: `node --conditions=oakum-source bench/alpine.ts [ROUNDS] [MEGABYTES]`.
// The packages are made here, twenty of them, from programs and data of this machine, and served by a mirror on loopback. Ours runs as a
// bundle, as ./oakum does. Each round takes the packages apart and composes once more from what is then there; so does apko, which also fetches them.
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

interface Ran {
  readonly stdout: string;
  readonly seconds: number;
  /** User and system, of the whole process. */
  readonly cpu: number;
  /** The most, in bytes. */
  readonly memory: number;
}

/** Not spawnSync: the mirror must go on answering. */
function run(argv: readonly string[], cwd: string): Promise<Ran> {
  return new Promise((done, fail) => {
    const start = performance.now();
    const child = spawn('/usr/bin/time', ['-f', '%U %S %M', ...argv], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('close', (code) => {
      if (code !== 0) return fail(new Error(stderr));
      const [user = 0, system = 0, kilobytes = 0] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
      done({ stdout, seconds: (performance.now() - start) / 1000, cpu: user + system, memory: kilobytes * 1024 });
    });
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
  const results: (Ran & { readonly layer: string })[] = [];
  const others: Ran[] = [];
  const fresh: Ran[] = [];
  for (let round = 0; round < Number(rounds); round += 1) {
    rmSync(join(folder, 'cache/records/unpack-apk'), { recursive: true, force: true });
    for (const _ of ['taken apart', 'again']) {
      const ran = await run(ours, process.cwd());
      results.push({ ...ran, layer: (JSON.parse(ran.stdout) as { layer: string }).layer });
    }
    rmSync(join(folder, 'apko'), { recursive: true, force: true });
    fresh.push(await run(theirs, folder));
    others.push(await run(theirs, folder));
  }
  const kinds = {
    'apko, its cache filled': others,
    'apko, fetching and taking packages apart': fresh,
    'ours, taking packages apart': results.filter((_, at) => at % 2 === 0),
    'ours, again': results.filter((_, at) => at % 2 === 1),
  };
  for (const [kind, runs] of Object.entries(kinds)) {
    const [seconds, cpu] = [median(runs.map((one) => one.seconds)), median(runs.map((one) => one.cpu))];
    const memory = runs.map((one) => (one.memory / 1e6).toFixed(0)).sort();
    console.log(
      `${kind}: ${seconds.toFixed(2)} s (${(seconds / median(others.map((one) => one.seconds))).toFixed(2)} of apko with its cache filled), CPU ${cpu.toFixed(2)} s, ${memory[0]} to ${memory.at(-1)} MB`,
    );
  }
  console.log(`${new Set(results.map((one) => one.layer)).size} different layers in ${results.length} runs`);
} finally {
  await mirror.stop();
  rmSync(folder, { recursive: true });
  rmSync(bundled, { recursive: true, force: true });
}
