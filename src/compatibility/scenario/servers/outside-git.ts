// SPDX-License-Identifier: Apache-2.0
import type { Outside } from '../../outside.ts';
import { startGitHttps } from './git-https.ts';
import type { RunningServer } from './https.ts';
import type { ScenarioServers } from './servers.ts';

/** The name of a Git server that only git itself speaks with, in the image of kustomize-controller. */
export const OUTSIDE_GIT = 'git.scenario.test';

/** Serves the scenario's repositories under that name too, with a certificate that git trusts without being told by a Secret. */
export async function startOutsideGit(
  outside: Pick<Outside, 'authority' | 'lead'>,
  { login, repositories }: Pick<ScenarioServers, 'login' | 'repositories'>,
): Promise<RunningServer> {
  const holder = { kind: 'server', name: OUTSIDE_GIT, names: [OUTSIDE_GIT], addresses: [] } as const;
  const server = await startGitHttps(outside.authority.issue(holder), login, repositories);
  outside.lead(`${OUTSIDE_GIT}:443`, server.host);
  return server;
}
