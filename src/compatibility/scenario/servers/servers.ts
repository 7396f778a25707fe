// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createServerIdentity, type ServerIdentity } from './authority.ts';
import { type BucketServer, startBucket } from './bucket.ts';
import { type FileServer, startFileServer } from './files.ts';
import { startGitHttps } from './git-https.ts';
import { type GitSshServer, startGitSsh } from './git-ssh.ts';
import type { Login, RunningServer } from './https.ts';
import { type ArtifactRegistry, startArtifactRegistry } from './registry.ts';
import { type GitTools, openRepositories, type Repositories } from './repositories.ts';
import type { AwsCredential } from './aws-signature.ts';
import { type AlertSink, startAlertSink } from './sink.ts';

/** All that the controllers speak with beside the API server. */
export interface ScenarioServers {
  readonly identity: ServerIdentity;
  /** Who is let in by Git, the registry and the Helm repository. */
  readonly login: Login;
  readonly repositories: Repositories;
  readonly gitHttps: RunningServer;
  readonly gitSsh: GitSshServer;
  readonly registry: ArtifactRegistry;
  readonly charts: FileServer;
  readonly bucket: BucketServer & { readonly credential: AwsCredential };
  readonly sink: AlertSink & { readonly secret: string };
  stop(): Promise<void>;
}

/** What lies in the bucket. */
export const BUCKET_OBJECTS = {
  'deploy/settings.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-bucket}\ndata: {hello: bucket}\n',
  'notes with blanks & more.txt': 'a key that must be escaped\n',
} as const;

/** Starts all servers of the scenario; repositories lie in `folder`. Secrets are made anew each time. */
export async function startServers(folder: string, tools: GitTools): Promise<ScenarioServers> {
  const identity = createServerIdentity(tools.clock);
  const login = { username: 'oakum', password: secretText() };
  const root = join(folder, 'git');
  await mkdir(root, { recursive: true });
  const repositories = openRepositories(root, tools);
  const credential = { accessKey: 'OAKUMSCENARIO', secretKey: secretText() };
  const secret = secretText();
  const started: RunningServer[] = [];
  const stop = async () => void (await Promise.all(started.map((server) => server.stop())));
  const keep = async <Server extends RunningServer>(starting: Promise<Server>): Promise<Server> => {
    const server = await starting;
    started.push(server);
    return server;
  };
  try {
    return {
      identity,
      login,
      repositories,
      gitHttps: await keep(startGitHttps(identity, login, repositories)),
      gitSsh: await keep(startGitSsh(repositories)),
      registry: await keep(startArtifactRegistry(identity, login)),
      charts: await keep(startFileServer(identity, login)),
      bucket: {
        ...(await keep(
          startBucket(identity, { bucket: 'oakum', credential, objects: BUCKET_OBJECTS, made: tools.clock.now() }),
        )),
        credential,
      },
      sink: { ...(await keep(startAlertSink(identity, secret))), secret },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function secretText(): string {
  return randomBytes(18).toString('base64url');
}
