// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { Clock, RunProcess } from '#core';
import { CompatibilityError } from '../../error.ts';
import type { Files } from '../content/archive.ts';

/** How git is run. */
export interface GitTools {
  readonly run: RunProcess;
  /** Where git is looked for, as PATH has it. */
  readonly searchPath: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Bare repositories in a folder, `NAME.git` each. */
export interface Repositories {
  readonly folder: string;
  /** All that a child process of git gets as environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Makes a repository whose branch `main` has one commit of these files. */
  create(name: string, files: Files): Promise<void>;
  /** Adds a commit to `main` after which it holds just these files; gives its hash. */
  commit(name: string, files: Files, message: string): Promise<string>;
  /** Gives what a git command on a repository prints. */
  git(name: string, ...args: readonly string[]): Promise<string>;
}

/** Opens a folder, which must be there, for repositories. */
export function openRepositories(folder: string, tools: GitTools): Repositories {
  const environment = {
    PATH: tools.searchPath,
    HOME: folder,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
  };
  const git = async (argv: readonly [string, ...string[]], stdin = ''): Promise<string> => {
    const { exitCode, stdout, stderr } = await tools.run({
      argv,
      env: environment,
      stdin: Buffer.from(stdin),
      signal: tools.signal,
      timeoutMilliseconds: 60_000,
    });
    if (exitCode === 0) return stdout.trim();
    throw new CompatibilityError('PROGRAM_FAILED', `git failed: ${stderr.trim()}`, { where: argv.join(' ') });
  };
  const at = (name: string) => `--git-dir=${join(folder, `${name}.git`)}`;
  async function commit(name: string, files: Files, message: string): Promise<string> {
    const head = await git(['git', at(name), 'rev-parse', '--verify', '--quiet', 'main']).catch(() => undefined);
    await git(
      ['git', at(name), 'fast-import', '--quiet'],
      formatCommit({ files, message, head, now: tools.clock.now() }),
    );
    return git(['git', at(name), 'rev-parse', 'main']);
  }
  return {
    folder,
    environment,
    commit,
    git: (name, ...args) => git(['git', at(name), ...args]),
    async create(name, files) {
      await git(['git', 'init', '--quiet', '--bare', '--initial-branch=main', join(folder, `${name}.git`)]);
      await git(['git', at(name), 'config', 'http.receivepack', 'true']);
      await commit(name, files, 'Start');
    },
  };
}

interface CommitDraft {
  readonly files: Files;
  readonly message: string;
  readonly head: string | undefined;
  readonly now: Date;
}

/** The language of git-fast-import: one commit, all its files in line. */
function formatCommit({ files, message, head, now }: CommitDraft): string {
  const data = (text: string) => `data ${Buffer.byteLength(text)}\n${text}\n`;
  const seconds = Math.floor(now.getTime() / 1000);
  return [
    'commit refs/heads/main\n',
    `committer Oakum <oakum@scenario.test> ${seconds} +0000\n`,
    data(message),
    ...(head === undefined ? [] : [`from ${head}\n`]),
    'deleteall\n',
    ...Object.entries(files).map(([path, text]) => `M 100644 inline ${path}\n${data(text)}`),
  ].join('');
}
