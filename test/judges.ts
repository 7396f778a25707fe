// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** The field's own tools that judge ours, as Go packages at pinned versions; `binary` is what `go install` names the result. */
const JUDGES = {
  crane: { module: 'github.com/google/go-containerregistry/cmd/crane', version: 'v0.22.1', binary: 'crane' },
  registry: { module: 'github.com/google/go-containerregistry/cmd/registry', version: 'v0.22.1', binary: 'registry' },
  ko: { module: 'github.com/google/ko', version: 'v0.19.1', binary: 'ko' },
} as const;

/** The name of a tool that {@link judge} can build. */
export type JudgeName = keyof typeof JUDGES;

const WAIT = 15 * 60_000;

/**
 * Gives the path of a judge, built once with the machine's Go (proxy and checksum database as `go env` names them)
 * into OAKUM_JUDGES, else the user's cache folder. Tests that run at once share one build. Throws with Go's own words
 * when it can't be built.
 */
export async function judge(name: JudgeName): Promise<string> {
  const { module, version, binary } = JUDGES[name];
  const folder = join(judgesFolder(), `${name}@${version}`);
  const path = join(folder, binary);
  const lock = `${folder}.lock`;
  for (const end = Date.now() + WAIT; !existsSync(path); ) {
    if (take(lock)) {
      try {
        if (!existsSync(path)) build(`${module}@${version}`, folder);
      } finally {
        rmSync(lock, { force: true });
      }
    } else if (Date.now() > end) {
      throw new Error(`another run has been building ${name} for too long; remove ${lock}`);
    } else await delay(300);
  }
  return path;
}

/** Gives the folder of all built judges. */
function judgesFolder(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const folder = process.env['OAKUM_JUDGES'] ?? join(cache, 'oakum', 'judges');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Takes the lock for this process; one whose process is gone is taken over. */
function take(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    const owner = Number(existsSync(lock) ? readFileSync(lock, 'utf8') : process.pid);
    if (owner > 0 && !isRunning(owner)) rmSync(lock, { force: true });
    return false;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function build(target: string, folder: string): void {
  const draft = mkdtempSync(`${folder}.draft-`);
  const { GOFLAGS: _, ...env } = process.env;
  const result = spawnSync('go', ['install', '-trimpath', target], {
    env: { ...env, GOBIN: draft, CGO_ENABLED: '0' },
    cwd: draft,
    encoding: 'utf8',
  });
  if (result.status !== 0) {
    rmSync(draft, { recursive: true, force: true });
    throw new Error(`go install ${target}: ${result.error?.message ?? result.stderr}`);
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(draft, folder);
}
