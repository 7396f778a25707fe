// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ImageConfig } from '#image';

/** Lays out a root as an image has it, with this machine's shell as its only program. */
export function makeShellRoot(root: string): void {
  const libraries = execFileSync('ldd', ['/bin/sh'], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
  for (const path of ['/bin/sh', ...libraries.filter((one) => !one.endsWith(':'))]) {
    const place = join(root, path);
    mkdirSync(dirname(place), { recursive: true });
    copyFileSync(realpathSync(path), place);
    chmodSync(place, 0o755);
  }
  for (const folder of ['dev', 'etc', 'proc', 'run', 'tmp', 'var']) mkdirSync(join(root, folder), { recursive: true });
  symlinkSync('/run', join(root, 'var/run'));
}

/** Gives the config of an image that runs a script under a user. */
export function shellConfig(script: string, user = '65534:65534'): ImageConfig {
  return {
    architecture: 'amd64',
    os: 'linux',
    config: { User: user, Entrypoint: ['sh', '-c', script, 'sh'], Env: ['PATH=/usr/bin:/bin', 'FROM_IMAGE=yes'] },
    rootfs: { type: 'layers', diff_ids: [] },
  };
}
