// SPDX-License-Identifier: Apache-2.0
// npm run check: everything that needs no run of the program. Each check runs; one failure fails the whole.
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const bin = (name: string) => join(root, 'node_modules/.bin', name);

const CHECKS: readonly (readonly [string, ...string[]])[] = [
  [bin('tsc'), '-p', '.'],
  [bin('oxlint'), '--type-aware', '--quiet'],
  [bin('biome'), 'format', '.'],
  [bin('knip')],
  [process.execPath, '--conditions=oakum-source', join(root, 'scripts/generate.ts'), '--check'],
];

let failed = 0;
for (const [command, ...args] of CHECKS) {
  const shown = [command.split('/').at(-1), ...args].join(' ').replaceAll(`${root}/`, '');
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${shown}`);
  if (status !== 0) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
