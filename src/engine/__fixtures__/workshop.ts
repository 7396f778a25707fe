// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { openCache, removeTree } from '#cache';
import { runProcess } from '#core';
import { inspectMachine } from '../inspect.ts';
import { openEngine } from '../engine.ts';
import type { Limits, Mount, SandboxStep } from '../step.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Limits that no honest probe meets. */
const LIMITS: Limits = {
  wallMilliseconds: 30_000,
  memoryBytes: 256 << 20,
  processes: 64,
  fileBytes: 8 << 20,
  outputBytes: 32 << 20,
  temporaryBytes: 16 << 20,
};

/** Builds the hostile program below a folder with the machine's own Go and gives its path. */
function buildHostile(folder: string, env: Environment): string {
  const path = join(folder, 'hostile');
  execFileSync('go', ['build', '-trimpath', '-o', path, '.'], {
    cwd: join(import.meta.dirname, 'hostile'),
    env: { ...env, CGO_ENABLED: '0', GOPROXY: 'off', GOFLAGS: '', GOWORK: 'off' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return path;
}

/** A closed folder (0700, like root's home; not below /tmp, which steps have for themselves) with cache, both engines and the hostile program. */
export async function openWorkshop(env: Environment) {
  const folder = mkdtempSync('/var/tmp/oakum-engine-');
  chmodSync(folder, 0o700);
  const hostile = buildHostile(folder, env);
  const cache = await openCache(join(folder, 'cache'));
  const reading = await inspectMachine({ run: runProcess, cache, searchPath: env['PATH'] ?? '' });
  const engine = openEngine({ run: runProcess, cache, reading });
  const bare = openEngine({ run: runProcess, cache, reading, unsandboxed: true });
  let made = 0;
  return {
    folder,
    hostile,
    cache,
    reading,
    engine,
    bare,
    /** Makes an empty folder. */
    makeFolder(): string {
      made += 1;
      const path = join(folder, `made-${made}`);
      mkdirSync(path);
      return path;
    },
    close: () => removeTree(folder),
  };
}

/** A step that runs probes of the hostile program. */
export function probing(
  hostile: string,
  probes: readonly string[],
  more: { readonly mounts?: readonly Mount[]; readonly limits?: Partial<Limits>; readonly signal?: AbortSignal } = {},
): SandboxStep {
  return {
    argv: ['/bin/hostile', ...probes],
    env: { HOME: '/tmp' },
    cwd: '/tmp',
    mounts: [{ kind: 'read', from: hostile, to: '/bin/hostile' }, ...(more.mounts ?? [])],
    limits: { ...LIMITS, ...more.limits },
    ...(more.signal === undefined ? {} : { signal: more.signal }),
  };
}

/** Takes the hostile program's output; gives `reached` or `refused` by probe. */
export function readProbes(stdout: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    stdout.split('\n').flatMap((line) => {
      const match = /^(\S+) (reached|refused)/.exec(line);
      return match?.[1] === undefined ? [] : [[match[1], match[2] ?? '']];
    }),
  );
}
