// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, type RunProcess } from '#core';
import { parseIfJson } from '#formats';
import { ImageError } from '../error.ts';
import type { RepositoryName } from './reference.ts';

/** What proves who we are to a registry. `from` says in words where it was found, for messages; nothing else of it is ever shown. */
export type Credential = { readonly from: string } & (
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, for the registry's token service. */
  | { readonly kind: 'identity-token'; readonly token: string }
  /** A bearer token for the registry itself. */
  | { readonly kind: 'registry-token'; readonly token: string }
);

/** Finds the credential for a repository; undefined means none is known. Asked only once a registry wants one. */
export type CredentialSource = (name: RepositoryName) => Promise<Credential | undefined>;

/** Where credentials come from. `files` in order of preference; `env` is all a credential helper gets (PATH, HOME ...). */
export interface DockerCredentialOptions {
  readonly files: readonly string[];
  readonly run: RunProcess;
  readonly env: Readonly<Record<string, string>>;
}

const entrySchema = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
});
const configSchema = z.object({
  auths: z.record(z.string(), entrySchema).nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: z.string().nullish(),
});
const answerSchema = z.object({ Username: z.string(), Secret: z.string() });

type Entry = z.infer<typeof entrySchema>;
type Config = z.infer<typeof configSchema>;

// Docker's own registry is known to config.json by an older address than its API's.
const HUB = 'docker.io';
const HUB_KEYS = [`https://index.${HUB}/v1/`, `index.${HUB}`, HUB];
const HELPER_MILLISECONDS = 60_000;

/** Takes an environment and the home folder; gives the files that Docker, Podman and others keep credentials in, the most explicit first. */
export function dockerConfigFiles(env: Readonly<Record<string, string | undefined>>, home: string): readonly string[] {
  const explicit = env['REGISTRY_AUTH_FILE'];
  const runtime = env['XDG_RUNTIME_DIR'];
  return [
    ...(explicit ? [explicit] : []),
    join(env['DOCKER_CONFIG'] || join(home, '.docker'), 'config.json'),
    ...(runtime ? [join(runtime, 'containers/auth.json')] : []),
  ];
}

/**
 * Gives credentials from Docker's config.json: `credHelpers`, then `credsStore`, then `auths` of the first file that knows
 * the registry; an absent file is passed over. Files are read on the first call and helpers run once per registry.
 * Calls throw `CREDENTIALS_INVALID` when a file or a helper's answer is malformed, never with what it held.
 */
export function readDockerCredentials(options: DockerCredentialOptions): CredentialSource {
  let configs: Promise<readonly { path: string; config: Config }[]> | undefined;
  const helped = new Map<string, Promise<Credential | undefined>>();
  const ask = (helper: string, server: string) => {
    const key = `${helper} ${server}`;
    const known = helped.get(key) ?? runHelper(options, helper, server);
    helped.set(key, known);
    return known;
  };
  return async (name) => {
    configs ??= readConfigs(options.files);
    for (const { path, config } of await configs) {
      const found = await findCredential(config, path, name, ask);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

async function findCredential(
  config: Config,
  path: string,
  name: RepositoryName,
  ask: (helper: string, server: string) => Promise<Credential | undefined>,
): Promise<Credential | undefined> {
  const server = name.registry === HUB ? (HUB_KEYS[0] ?? HUB) : name.registry;
  const own = lookUp(config.credHelpers ?? {}, name);
  if (own !== undefined) return ask(own, server);
  if (config.credsStore) {
    const stored = await ask(config.credsStore, server);
    if (stored !== undefined) return stored;
  }
  const entry = lookUp(config.auths ?? {}, name);
  return entry === undefined ? undefined : toCredential(entry, path, name.registry);
}

/** Finds the most specific key: `host/path` as Podman writes it, else `host`, with or without a scheme as Docker does. */
function lookUp<T>(table: Readonly<Record<string, T>>, name: RepositoryName): T | undefined {
  const keys = new Map(Object.entries(table).map(([key, value]) => [toHostKey(key), value]));
  const segments = name.repository.split('/');
  const candidates = segments.map((_, index) =>
    [name.registry, ...segments.slice(0, segments.length - index)].join('/'),
  );
  const hosts = name.registry === HUB ? HUB_KEYS.map(toHostKey) : [name.registry];
  const key = [...candidates, ...hosts].find((candidate) => keys.has(candidate));
  return key === undefined ? undefined : keys.get(key);
}

function toHostKey(key: string): string {
  return key
    .replace(/^https?:\/\//i, '')
    .replace(/\/v[12]\/?$/, '')
    .replace(/\/+$/, '')
    .toLowerCase();
}

function toCredential(entry: Entry, path: string, registry: string): Credential | undefined {
  const from = path;
  if (entry.registrytoken) return { kind: 'registry-token', token: entry.registrytoken, from };
  if (entry.identitytoken) return { kind: 'identity-token', token: entry.identitytoken, from };
  if (entry.username && entry.password !== undefined) {
    return { kind: 'password', username: entry.username, password: entry.password, from };
  }
  if (!entry.auth) return undefined; // Docker leaves {} behind where a helper holds the secret
  const text = Buffer.from(entry.auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) throw invalid(path, `the entry for ${registry} does not hold user:password in base64`);
  return {
    kind: 'password',
    username: text.slice(0, colon),
    password: text.slice(colon + 1).replace(/\0+$/, ''), // Docker pads with zero bytes
    from,
  };
}

async function readConfigs(files: readonly string[]): Promise<readonly { path: string; config: Config }[]> {
  const configs: { path: string; config: Config }[] = [];
  for (const path of files) {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw invalid(path, `it can't be read: ${messageOf(error)}`);
    });
    if (text === undefined || text.trim() === '') continue;
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      throw invalid(path, 'it is not JSON'); // JSON.parse's own message would quote the file
    }
    const config = configSchema.safeParse(json);
    if (!config.success) throw invalid(path, `${config.error.issues[0]?.path.join('.') ?? 'it'} is of the wrong type`);
    configs.push({ path, config: config.data });
  }
  return configs;
}

/** Runs `docker-credential-NAME get`, the server on stdin. Its output is secret, so no message quotes it. */
async function runHelper(
  options: DockerCredentialOptions,
  helper: string,
  server: string,
): Promise<Credential | undefined> {
  const program = `docker-credential-${helper}`;
  const fail = (what: string, cause?: unknown) =>
    new ImageError('CREDENTIALS_INVALID', `the credential helper ${program} ${what}`, {
      where: server,
      hint: `Try: echo ${server} | ${program} get`,
      ...(cause === undefined ? {} : { cause }),
    });
  if (!/^[A-Za-z0-9_.-]+$/.test(helper)) throw fail('has a name that is not allowed');
  const result = await options
    .run({
      argv: [program, 'get'],
      env: options.env,
      stdin: Buffer.from(server),
      timeoutMilliseconds: HELPER_MILLISECONDS,
    })
    .catch((error: unknown) => {
      throw fail('could not be started', error);
    });
  if (result.timedOut) throw fail(`did not answer within ${HELPER_MILLISECONDS / 1000} s`);
  if (result.exitCode !== 0) {
    // The protocol's own words for "none": anything else is trouble.
    if (/credentials not found|no credentials/i.test(result.stdout)) return undefined;
    throw fail(`failed with exit code ${result.exitCode ?? result.signal}`);
  }
  const answer = answerSchema.safeParse(parseIfJson(result.stdout));
  if (!answer.success) throw fail('did not answer with JSON holding Username and Secret');
  const { Username: username, Secret: secret } = answer.data;
  if (secret === '') return undefined;
  return username === '<token>'
    ? { kind: 'identity-token', token: secret, from: program }
    : { kind: 'password', username, password: secret, from: program };
}

function invalid(path: string, what: string): ImageError {
  return new ImageError('CREDENTIALS_INVALID', `the registry credentials can't be used: ${what}`, {
    where: path,
    hint: 'Repair the file, or log in again (docker login, crane auth login, podman login).',
  });
}
