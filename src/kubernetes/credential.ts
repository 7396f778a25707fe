// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { messageOf, type ProcessResult, type RunProcess } from '#core';
import { z } from 'zod';
import { KubernetesError } from './error.ts';
import type { ClusterTarget, ExecCredential } from './kubeconfig.ts';

/** Who we are, ready for use; `expires` is when to ask again. */
export interface Credential {
  readonly headers: Readonly<Record<string, string>>;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly expires: Date | undefined;
  /** Whether asking again may give another one. */
  readonly renewable: boolean;
}

/** What reading a credential needs of the world; `env` is what the plugin gets besides what the kubeconfig names. */
export interface CredentialWorld {
  readonly run: RunProcess;
  readonly env: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

const PLUGIN_MILLISECONDS = 60_000;

const execAnswer = z.looseObject({
  status: z.looseObject({
    token: z.string().optional(),
    clientCertificateData: z.string().optional(),
    clientKeyData: z.string().optional(),
    expirationTimestamp: z.iso.datetime({ offset: true }).optional(),
  }),
});

/** Reads the credential of a cluster, running the plugin where one is named. Throws `CREDENTIAL_UNUSABLE`. */
export async function readCredential(target: ClusterTarget, world: CredentialWorld): Promise<Credential> {
  const impersonation = target.impersonate === undefined ? {} : { 'impersonate-user': target.impersonate };
  const given = { certificate: target.certificate, key: target.key };
  if (target.exec !== undefined) {
    const { status } = await runPlugin(target.exec, target, world);
    return {
      headers: { ...(status.token === undefined ? {} : bearer(status.token)), ...impersonation },
      certificate: status.clientCertificateData ?? given.certificate,
      key: status.clientKeyData ?? given.key,
      expires: status.expirationTimestamp === undefined ? undefined : new Date(status.expirationTimestamp),
      renewable: true,
    };
  }
  const token = target.tokenFile === undefined ? target.token : await readToken(target.tokenFile);
  const basic =
    target.basic === undefined ? {} : { authorization: `Basic ${Buffer.from(target.basic).toString('base64')}` };
  return {
    headers: { ...(token === undefined ? basic : bearer(token)), ...impersonation },
    ...given,
    expires: undefined,
    renewable: target.tokenFile !== undefined,
  };
}

function bearer(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}` };
}

async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw unusable(`the token can't be read: ${messageOf(error)}`, file, 'Mend the kubeconfig (tokenFile).', error);
  }
}

async function runPlugin(exec: ExecCredential, target: ClusterTarget, world: CredentialWorld) {
  const where = `${[exec.command, ...(exec.args ?? [])].join(' ')} (context ${target.context})`;
  const hint = exec.installHint ?? 'Run this program by hand to see what it lacks; log in with the tool of your cloud.';
  const info = {
    apiVersion: exec.apiVersion,
    kind: 'ExecCredential',
    spec: {
      interactive: false,
      ...(exec.provideClusterInfo
        ? {
            cluster: {
              server: target.server,
              'certificate-authority-data':
                target.ca === undefined ? undefined : Buffer.from(target.ca).toString('base64'),
            },
          }
        : {}),
    },
  };
  const own = Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value]));
  let result: ProcessResult;
  try {
    result = await world.run({
      argv: [exec.command, ...(exec.args ?? [])],
      env: { ...world.env, ...own, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
      timeoutMilliseconds: PLUGIN_MILLISECONDS,
      ...(world.signal === undefined ? {} : { signal: world.signal }),
    });
  } catch (error) {
    if (world.signal?.aborted) throw world.signal.reason;
    throw unusable(`the plugin for credentials did not start: ${messageOf(error)}`, where, hint, error);
  }
  if (result.exitCode !== 0) {
    const why = result.timedOut ? 'no end within a minute' : result.stderr.trim().split('\n').slice(-3).join(' ');
    throw unusable(`the plugin for credentials failed: ${why || `exit code ${result.exitCode}`}`, where, hint);
  }
  try {
    return execAnswer.parse(JSON.parse(result.stdout));
  } catch {
    // What it printed may be a credential: it is not shown.
    throw unusable('the plugin for credentials gave no ExecCredential', where, hint);
  }
}

function unusable(message: string, where: string, hint: string, cause?: unknown): KubernetesError {
  return new KubernetesError('CREDENTIAL_UNUSABLE', message, { where, hint, cause });
}
