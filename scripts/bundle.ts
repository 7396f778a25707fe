// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type OutputOptions, rolldown, type RolldownBuild } from 'rolldown';

const root = resolve(import.meta.dirname, '..');
const source = (file: string) => join(root, 'src', file);

/** How the program is bundled. */
export interface BundleOptions {
  /**
   * `cjs` starts quicker, since an ES module that imports `node:fs` makes Node evaluate all that it exports; but it has no default
   * imports of ES modules that are not bundled too.
   */
  readonly format: 'cjs' | 'esm';
  /** Packages that become part of the bundle; whatever else lies in node_modules is loaded from there. */
  readonly packages: readonly string[];
}

/** What `./oakum` runs. Bundled too are packages that quick commands need, and ES modules with default exports. */
export const IN_A_CLONE: BundleOptions = {
  format: 'cjs',
  packages: ['commander', 'zod', '@sigstore', 'p-limit', 'yocto-queue'],
};

/** What the published package runs; npm installs its dependencies. */
export const IN_A_PACKAGE: BundleOptions = { format: 'esm', packages: [] };

/**
 * Bundles the program into `folder`, two folders below the root as src/cli is: `main`, what each command adds to it, and the worker.
 * Loading a few files takes a fraction of the time of loading hundreds.
 */
export async function bundle(folder: string, { format, packages }: BundleOptions): Promise<void> {
  const isOurs = (id: string) => packages.some((name) => id === name || id.startsWith(`${name}/`));
  const extension = format === 'cjs' ? 'cjs' : 'js';
  const build = await rolldown({
    input: { main: source('cli/main.ts'), 'unpack-worker': source('sources/unpack-worker.ts') },
    cwd: root,
    platform: 'node',
    logLevel: 'warn',
    external: (id) => /^[a-z@]/.test(id) && !isOurs(id), // neither a path nor a room (`#core`)
    preserveEntrySignatures: 'allow-extension', // which grouping needs
    resolve: { conditionNames: ['oakum-source', 'node', 'import', 'default'] },
    // A room's door names all that is in the room: what a command does not use of it is not loaded with it.
    treeshake: { moduleSideEffects: [{ test: /\/src\/.*\.ts$/, sideEffects: false }] },
    plugins:
      format === 'cjs' ? [{ name: 'default-imports', transform: { filter: { id: /\/src\// }, handler: check } }] : [],
  });
  function check(code: string, id: string): void {
    for (const name of defaultImports(code)) {
      if (isOurs(name) || !isEsModule(name)) continue;
      throw new Error(`${id}: ${name} is an ES module with a default export: it must be bundled too`);
    }
  }
  try {
    const output: OutputOptions = {
      dir: folder,
      format,
      entryFileNames: `[name].${extension}`,
      chunkFileNames: `[name]-[hash].${extension}`,
      minify: { mangle: false, compress: false, codegen: { removeWhitespace: true } }, // less to read; the names stay
      comments: { legal: true, jsdoc: false, annotation: false },
    };
    await build.write({ ...output, codeSplitting: await groupModules(build, output) });
  } finally {
    await build.close();
  }
}

/** The command that is to be the quickest after `--version` and `--help`. */
const QUICK = source('cli/commands/scan.ts');

/**
 * A module that several commands use becomes a file of its own, and opening thirty of them takes a tenth of a scan's time. So what a scan uses is
 * one file, and what every start uses is part of `main`. What that is, a first bundling tells: of a room's door only what is used.
 */
async function groupModules(
  build: RolldownBuild,
  output: OutputOptions,
): Promise<NonNullable<OutputOptions['codeSplitting']>> {
  const chunks = (await build.generate(output)).output.filter((file) => file.type === 'chunk');
  const usedBy = (start: (typeof chunks)[number] | undefined) => {
    const files = new Set(start === undefined ? [] : [start.fileName]);
    for (const file of files)
      for (const other of chunks.find(({ fileName }) => fileName === file)?.imports ?? []) files.add(other);
    return new Set(chunks.filter(({ fileName }) => files.has(fileName)).flatMap(({ moduleIds }) => moduleIds));
  };
  const start = usedBy(chunks.find(({ name }) => name === 'main'));
  const quick = usedBy(chunks.find(({ facadeModuleId }) => facadeModuleId === QUICK));
  return {
    includeDependenciesRecursively: false,
    groups: [
      { name: 'start', test: (id) => start.has(id), priority: 2 },
      { name: 'scanning', test: (id) => quick.has(id), priority: 1 },
    ],
  };
}

/** Packages whose default export a module imports. */
function defaultImports(code: string): readonly string[] {
  const statics = [...code.matchAll(/^import (?!type )\w+(?:, \{[^}]*\})? from ["']([a-z@][^"':]*)["']/gm)];
  const lazy = [...code.matchAll(/\bdefault\b[^;]*(?<!typeof )import\(["']([a-z@][^"':]*)["']\)/g)];
  return [...statics, ...lazy].flatMap(([, name]) => name ?? []);
}

function isEsModule(name: string): boolean {
  const at = join(root, 'node_modules', name, 'package.json');
  return existsSync(at) && (JSON.parse(readFileSync(at, 'utf8')) as { type?: string }).type === 'module';
}
