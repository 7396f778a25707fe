// SPDX-License-Identifier: Apache-2.0
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';

const root = resolve(import.meta.dirname, '..');
const source = (file: string) => join(root, 'src', file);

/** How the program is bundled. */
export interface BundleOptions {
  /** Packages that become part of the bundle; whatever else lies in node_modules is loaded from there. */
  readonly packages: readonly string[];
}

/**
 * Bundles the program into `folder`, two folders below the root, since src/cli is: `main.cjs`, what each command adds to it, and the
 * worker. Loading a few files takes a fraction of the time of loading hundreds. CommonJS, since an ES module that imports
 * `node:fs` makes Node evaluate all that it exports.
 */
export async function bundle(folder: string, { packages }: BundleOptions): Promise<void> {
  const isOurs = (id: string) => packages.some((name) => id === name || id.startsWith(`${name}/`));
  const build = await rolldown({
    input: { main: source('cli/main.ts'), 'unpack-worker': source('sources/unpack-worker.ts') },
    cwd: root,
    platform: 'node',
    logLevel: 'warn',
    external: (id) => /^[a-z@]/.test(id) && !isOurs(id), // neither a path nor a room (`#core`)
    resolve: { conditionNames: ['oakum-source', 'node', 'import', 'default'] },
    // A room's door names all that is in the room: what a command does not use of it is not loaded with it.
    treeshake: { moduleSideEffects: [{ test: /\/src\/.*\.ts$/, sideEffects: false }] },
  });
  try {
    await build.write({
      dir: folder,
      format: 'cjs',
      entryFileNames: '[name].cjs',
      chunkFileNames: '[name]-[hash].cjs',
      comments: { legal: true, jsdoc: false, annotation: false },
    });
  } finally {
    await build.close();
  }
}
