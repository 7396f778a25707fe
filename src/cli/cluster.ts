// SPDX-License-Identifier: Apache-2.0
import { createInterface } from 'node:readline/promises';
import { OakumError, type Report } from '#core';
import { connect } from '#consumers';
import type { World } from './world.ts';

/** Flags that choose a cluster. */
export interface ClusterFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** Flags that say how far a command may go. */
export interface ConsentFlags {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Opens the chosen cluster; what the API server warns of is reported, each warning once. */
export function openChosenCluster(flags: ClusterFlags, world: World, report: Report) {
  const told = new Set<string>();
  const { env, clock, run, signal, version } = world;
  return connect(
    { kubeconfig: flags.kubeconfig, context: flags.context, env },
    {
      clock,
      run,
      signal,
      userAgent: `oakum/${version}`,
      env: definedOf(env),
      httpsProxy: env['HTTPS_PROXY'] ?? env['https_proxy'],
      noProxy: env['NO_PROXY'] ?? env['no_proxy'],
      onWarning: (message) => {
        if (!told.has(message)) report({ kind: 'warning', message: `API server: ${message}` });
        told.add(message);
      },
    },
  );
}

/** Gives the environment as programs get it. */
export function definedOf(env: World['env']): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/**
 * Says whether a plan that was shown is to be carried out: --yes, or an answer at the terminal. Throws `CONSENT_MISSING` where nobody can
 * be asked.
 */
export async function mayGoOn(flags: ConsentFlags, world: World, question: string): Promise<boolean> {
  if (flags.dryRun) return false;
  if (flags.yes) return true;
  if (!process.stdin.isTTY || flags.json) {
    throw new OakumError('usage', 'CONSENT_MISSING', 'nobody can be asked whether to go on, so nothing was changed', {
      hint: 'Look at the plan, then add --yes; --dry-run shows the plan alone.',
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal: world.signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    if (world.signal.aborted) throw world.signal.reason;
    throw error;
  } finally {
    terminal.close();
  }
}
