// SPDX-License-Identifier: Apache-2.0
import { goEnvironment, goMounts } from '#build';
import type { Cache } from '#cache';
import type { Platform } from '#core';
import type { Engine } from '#engine';
import { PatchError } from './error.ts';

/** Where a module with a changed go.mod is looked at. All folders are read-only for it. */
export interface ListRequest {
  readonly component: string;
  readonly sourceFolder: string;
  readonly goMod: string;
  readonly goSum: string;
  readonly moduleCache: string;
  readonly toolchainFolder: string;
  readonly platform: Platform;
}

/** A package that is imported, and that no module in go.mod and go.sum gives. */
export interface MissingPackage {
  readonly path: string;
  readonly message: string;
}

const LIMITS = {
  wallMilliseconds: 5 * 60_000,
  memoryBytes: 2 ** 31,
  processes: 1024,
  fileBytes: 2 ** 28,
  outputBytes: 2 ** 30,
};

/** What Go says where go.mod or go.sum lacks what an import needs; its other complaints are the compiler's business. */
const IS_LACKING = /missing go\.sum entry|no required module provides package|is not a known dependency|go\.mod/;

/**
 * Asks Go, in the sandbox and offline, which imports of a module and of its tests nothing provides once its go.mod and go.sum
 * are the given ones: that is what a raised dependency newly needs. Throws `PACKAGES_UNLISTED` where Go refuses to look.
 */
export async function findMissingPackages(
  request: ListRequest,
  tools: { readonly engine: Engine; readonly cache: Cache; readonly signal?: AbortSignal },
): Promise<readonly MissingPackage[]> {
  const outcome = await tools.engine.run({
    argv: [
      '/usr/local/go/bin/go',
      'list',
      '-e',
      '-deps',
      '-test',
      '-mod=readonly',
      '-f',
      '{{with .Error}}{{$.ImportPath}} {{printf "%q" .Err}}{{end}}',
      './...',
    ],
    env: goEnvironment(request),
    cwd: '/src',
    mounts: [
      ...goMounts(request, await tools.cache.area('go-build')),
      { kind: 'data', to: '/src/go.mod', content: request.goMod },
      { kind: 'data', to: '/src/go.sum', content: request.goSum },
    ],
    limits: LIMITS,
    ...(tools.signal === undefined ? {} : { signal: tools.signal }),
  });
  if (outcome.exitCode !== 0)
    throw new PatchError(
      'PACKAGES_UNLISTED',
      `Go can't list the packages:\n${outcome.stderr.trim().slice(-2000) || (outcome.limit ?? 'no message')}`,
      { where: `${request.component} (${request.platform})` },
    );
  return readAnswer(outcome.stdout);
}

/** Lines of `path "message"`; a test's own variant of a package has a space and more in its path. */
function readAnswer(text: string): readonly MissingPackage[] {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, path = '', message = ''] = /^(\S+)(?: \[[^\]]*\])? "(.*)"$/.exec(line.trim()) ?? [];
    if (path !== '' && IS_LACKING.test(message)) found.set(path, message);
  }
  return [...found].map(([path, message]) => ({ path, message }));
}
