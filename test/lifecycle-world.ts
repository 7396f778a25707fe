// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { type FeedServer, startFeedServer } from '#testing';
import { type CliResult, runCli } from './outside.ts';

const DAY = 86_400_000;

/** Gives a day relative to today, since commands have the machine's clock. */
export const inDays = (days: number): string => new Date(Date.now() + days * DAY).toISOString().slice(0, 10);

/** Cycles in the form of endoflife.date's API: name, days until release, until the end of standard, of extended support. */
export type MadeCycle = readonly [cycle: string, released: number, standard: number, extended?: number];

/** Gives such cycles as a file of the API. */
export function apiFile(cycles: readonly MadeCycle[]): string {
  return JSON.stringify(
    cycles.map(([cycle, released, standard, extended]) => ({
      cycle,
      releaseDate: inDays(released),
      eol: inDays(standard),
      ...(extended === undefined ? {} : { extendedSupport: inDays(extended) }),
    })),
  );
}

/** Calendars by their names on endoflife.date: four lines of Flux, seven Kubernetes minors, three providers but GKE. */
export const CALENDARS: Readonly<Record<string, string>> = {
  go: apiFile([['1.27', -50, 300]]),
  'alpine-linux': apiFile([['3.24', -50, 300]]),
  debian: apiFile([['13', -50, 300]]),
  flux: apiFile([
    ['2.9', -10, 900],
    ['2.8', -150, 900],
    ['2.7', -300, 900],
    ['2.6', -450, -10],
  ]),
  kubernetes: apiFile([1, 2, 3, 4, 5, 6, 7].map((n) => [`1.${40 - n}`, n * -120, 400 - n * 120] as const)),
  'amazon-eks': apiFile([
    ['1.39', -60, 300, 700],
    ['1.34', -650, -200, 30],
    ['1.33', -800, -300, 80],
  ]),
  'azure-kubernetes-service': apiFile([['1.39', -60, 300, 700]]),
  'red-hat-openshift': apiFile([['4.21', -500, -5, 200]]),
};

/** A mirror of calendars, and the command line in a folder. */
export interface LifecycleWorld {
  oakum(args: readonly string[], data?: string): Promise<CliResult>;
  /** Publishes these calendars alone and takes them into a data folder. */
  take(calendars: Readonly<Record<string, string>>, data?: string): Promise<CliResult>;
  stop(): Promise<void>;
}

/** Starts a mirror for a folder; `env` is added to what the command line sees. */
export async function startLifecycleWorld(
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<LifecycleWorld> {
  const server: FeedServer = await startFeedServer();
  const oakum = (args: readonly string[], data = 'data') =>
    runCli(args, {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', HOME: folder, OAKUM_DATA: join(folder, data), ...env },
    });
  return {
    oakum,
    take: (calendars, data) => {
      for (const name of Object.keys(CALENDARS)) server.withdraw(`endoflife/${name}.json`);
      for (const [name, text] of Object.entries(calendars)) server.publish(`endoflife/${name}.json`, text);
      return oakum(['feeds', 'update', '--feed', 'endoflife', '--mirror', server.url], data);
    },
    stop: () => server.stop(),
  };
}
