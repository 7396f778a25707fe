// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { messageOf } from '#core';
import { parse } from 'yaml';
import { z } from 'zod';
import { KubernetesError } from './error.ts';

const text = z.string();
const clusterSchema = z.looseObject({
  server: z.url({ protocol: /^https?$/ }),
  'certificate-authority': text.optional(),
  'certificate-authority-data': text.optional(),
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': text.optional(),
  'proxy-url': text.optional(),
});
const execSchema = z.looseObject({
  apiVersion: text,
  command: text.min(1),
  args: z.array(text).nullish(),
  env: z.array(z.looseObject({ name: text, value: text })).nullish(),
  provideClusterInfo: z.boolean().optional(),
  installHint: text.optional(),
});
const userSchema = z.looseObject({
  'client-certificate': text.optional(),
  'client-certificate-data': text.optional(),
  'client-key': text.optional(),
  'client-key-data': text.optional(),
  token: text.optional(),
  tokenFile: text.optional(),
  username: text.optional(),
  password: text.optional(),
  as: text.optional(),
  exec: execSchema.optional(),
  'auth-provider': z.unknown().optional(),
});
const contextSchema = z.looseObject({ cluster: text, user: text.optional(), namespace: text.optional() });
const fileSchema = z.looseObject({
  clusters: z.array(z.looseObject({ name: text, cluster: clusterSchema })).nullish(),
  users: z.array(z.looseObject({ name: text, user: userSchema.nullish() })).nullish(),
  contexts: z.array(z.looseObject({ name: text, context: contextSchema })).nullish(),
  'current-context': text.nullish(),
});

type KubeconfigFile = z.infer<typeof fileSchema> & { readonly path: string };

/** A program that gives credentials (client.authentication.k8s.io). */
export type ExecCredential = z.infer<typeof execSchema>;

/** One cluster and who we are there, all files read. */
export interface ClusterTarget {
  readonly context: string;
  readonly server: string;
  readonly namespace: string;
  readonly ca: string | undefined;
  readonly insecure: boolean;
  readonly serverName: string | undefined;
  readonly proxy: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly token: string | undefined;
  /** Read before each connection, since such tokens are renewed in place. */
  readonly tokenFile: string | undefined;
  readonly basic: string | undefined;
  readonly impersonate: string | undefined;
  readonly exec: ExecCredential | undefined;
}

/** Where the kubeconfig is looked for. */
export interface KubeconfigChoice {
  /** Paths, of which the first that names something wins, as in KUBECONFIG; files that are missing are passed over, but not all. */
  readonly files: readonly string[];
  /** Which context; the current one by default. */
  readonly context?: string | undefined;
}

/**
 * Reads kubeconfig files and the keys they name; gives the chosen cluster. Throws `KUBECONFIG_MISSING`, `KUBECONFIG_INVALID` and
 * `KUBECONFIG_CONTEXT_UNKNOWN`.
 */
export async function readKubeconfig({ files, context }: KubeconfigChoice): Promise<ClusterTarget> {
  const read = (await Promise.all(files.map(readOne))).filter((file) => file !== undefined);
  if (read.length === 0) {
    throw new KubernetesError('KUBECONFIG_MISSING', 'there is no kubeconfig, so no cluster is known', {
      where: files.join(', '),
      hint: 'Name one with --kubeconfig or KUBECONFIG, or make one with the tool that made the cluster.',
    });
  }
  const name = context ?? read.map((file) => file['current-context']).find((current) => current);
  const chosen = find(read, (file) => file.contexts?.find((one) => one.name === name));
  if (name === undefined || name === null || chosen === undefined) throw unknownContext(read, name ?? undefined);
  const where = `${chosen.path}, context ${name}`;
  const cluster = find(read, (file) => file.clusters?.find((one) => one.name === chosen.found.context.cluster));
  const user = find(read, (file) => file.users?.find((one) => one.name === chosen.found.context.user));
  if (cluster === undefined || (user === undefined && chosen.found.context.user)) {
    const missing =
      cluster === undefined ? `cluster ${chosen.found.context.cluster}` : `user ${chosen.found.context.user}`;
    throw new KubernetesError('KUBECONFIG_INVALID', `the context names the ${missing}, which is not there`, {
      where,
      hint: 'See `kubectl config view`; choose another context with --context.',
    });
  }
  return {
    context: name,
    namespace: chosen.found.context.namespace || 'default',
    ...(await readCluster(cluster.found.cluster, cluster.path)),
    ...(await readUser(user?.found.user ?? {}, user?.path ?? cluster.path)),
  };
}

/** The first file that has it wins. */
function find<T>(files: readonly KubeconfigFile[], pick: (file: KubeconfigFile) => T | undefined) {
  for (const file of files) {
    const found = pick(file);
    if (found !== undefined) return { found, path: file.path };
  }
  return undefined;
}

async function readOne(path: string): Promise<KubeconfigFile | undefined> {
  let content: string;
  try {
    content = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw invalid(path, messageOf(error), error);
  }
  let value: unknown;
  try {
    value = parse(content, { logLevel: 'error' }) ?? {}; // kubectl takes an empty file too
  } catch (error) {
    throw invalid(path, messageOf(error), error);
  }
  const parsed = fileSchema.safeParse(value);
  if (parsed.success) return { ...parsed.data, path };
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the whole'}: ${issue.message}`);
  throw invalid(path, faults.join('; '), parsed.error);
}

function invalid(where: string, reason: string, cause: unknown): KubernetesError {
  return new KubernetesError('KUBECONFIG_INVALID', `the kubeconfig can't be used: ${reason}`, {
    where,
    cause,
    hint: 'Mend the file, or name another with --kubeconfig.',
  });
}

function unknownContext(files: readonly KubeconfigFile[], name: string | undefined): KubernetesError {
  const known = [...new Set(files.flatMap((file) => file.contexts?.map((one) => one.name) ?? []))];
  const what = name === undefined ? 'no context is chosen' : `there is no context "${name}"`;
  return new KubernetesError('KUBECONFIG_CONTEXT_UNKNOWN', what, {
    where: files.map((file) => file.path).join(', '),
    hint: known.length === 0 ? 'The kubeconfig names none.' : `Choose one with --context: ${known.join(', ')}.`,
  });
}

/** Paths in a kubeconfig start at its folder. */
async function material(data: string | undefined, path: string | undefined, from: string): Promise<string | undefined> {
  if (data !== undefined && data !== '') return Buffer.from(data, 'base64').toString('utf8');
  if (path === undefined || path === '') return undefined;
  const file = resolve(dirname(from), path);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw invalid(from, `${file}: ${messageOf(error)}`, error);
  }
}

async function readCluster(cluster: z.infer<typeof clusterSchema>, path: string) {
  return {
    server: cluster.server.replace(/\/+$/, ''),
    ca: await material(cluster['certificate-authority-data'], cluster['certificate-authority'], path),
    insecure: cluster['insecure-skip-tls-verify'] ?? false,
    serverName: cluster['tls-server-name'],
    proxy: cluster['proxy-url'] || undefined,
  };
}

async function readUser(user: z.infer<typeof userSchema>, path: string) {
  if (user['auth-provider'] !== undefined && user.exec === undefined) {
    throw new KubernetesError(
      'CREDENTIAL_UNUSABLE',
      'the kubeconfig uses an auth-provider, which Kubernetes dropped in 1.26',
      {
        where: path,
        hint: 'Renew the kubeconfig with the tool of your cloud: it writes an exec plugin instead.',
      },
    );
  }
  return {
    certificate: await material(user['client-certificate-data'], user['client-certificate'], path),
    key: await material(user['client-key-data'], user['client-key'], path),
    token: user.token || undefined,
    tokenFile: user.tokenFile ? resolve(dirname(path), user.tokenFile) : undefined,
    basic: user.username === undefined ? undefined : `${user.username}:${user.password ?? ''}`,
    impersonate: user.as,
    exec: user.exec,
  };
}
