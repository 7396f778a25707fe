// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { type Http, messageOf, type RunProcess } from '#core';
import { EvidenceError } from '../error.ts';
import { callService, invalidAnswer, parseAnswer, requireSecure } from './service.ts';

/** Where identity tokens come from. */
export interface TokenSource {
  /** For people: `GitHub Actions`, a file's path. */
  readonly description: string;
  /** Gives a token (JWT); a fresh one where the source makes them. */
  token(): Promise<string>;
}

/** The surroundings of a CI job. `readFile` gives undefined for a file that is not there. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly http: Http;
  readonly run: RunProcess;
  readonly readFile: (path: string) => Promise<string | undefined>;
  /** Whom the token is for; `sigstore` by default, which public and most private authorities want. */
  readonly audience?: string;
}

/** Where a token is mounted in Kubernetes (cosign pkg/providers/filesystem). */
const TOKEN_FILE = '/var/run/sigstore/cosign/oidc-token';
const MAX_TOKEN = 32 * 1024;

/**
 * Looks where this job's identity token comes from: `SIGSTORE_ID_TOKEN` (GitLab's `id_tokens`, or by hand), GitHub Actions,
 * Buildkite, a token file (`SIGSTORE_ID_TOKEN_FILE`, or where Kubernetes mounts it). Undefined when there is none. Asks nobody yet.
 */
export async function findTokenSource(around: Surroundings): Promise<TokenSource | undefined> {
  const { env } = around;
  const given = env['SIGSTORE_ID_TOKEN'];
  if (given) return { description: 'SIGSTORE_ID_TOKEN', token: async () => checkToken(given, 'SIGSTORE_ID_TOKEN') };
  if (env['ACTIONS_ID_TOKEN_REQUEST_URL'] && env['ACTIONS_ID_TOKEN_REQUEST_TOKEN']) return githubSource(around);
  if (env['BUILDKITE'] === 'true') return buildkiteSource(around);
  const file = env['SIGSTORE_ID_TOKEN_FILE'] || TOKEN_FILE;
  if ((await around.readFile(file)) === undefined) return undefined;
  return { description: file, token: async () => checkToken((await around.readFile(file)) ?? '', file) };
}

/** Takes a token; gives what its holder proves to have signed: the e-mail address where there is one, else the subject. Throws `TOKEN_INVALID`. */
export function subjectOf(token: string): string {
  const claims = claimsSchema.safeParse(readClaims(token));
  if (!claims.success) throw invalidToken('the identity token names no subject');
  const { email, email_verified: isVerified, sub } = claims.data;
  if (email === undefined || email === '') return sub;
  if (isVerified !== true && isVerified !== 'true')
    throw invalidToken('the e-mail address in the token is not verified');
  return email;
}

const claimsSchema = z.object({
  sub: z.string().min(1),
  email: z.string().optional(),
  email_verified: z.union([z.boolean(), z.string()]).optional(),
});

/** GitHub gives a token to who knows the request token (docs: "OpenID Connect reference", "Methods for requesting the OIDC token"). */
function githubSource({ env, http, audience = 'sigstore' }: Surroundings): TokenSource {
  const name = 'GitHub token service';
  const requestToken = env['ACTIONS_ID_TOKEN_REQUEST_TOKEN'] ?? '';
  return {
    description: 'GitHub Actions',
    token: async () => {
      const base = env['ACTIONS_ID_TOKEN_REQUEST_URL'] ?? '';
      requireSecure(name, base);
      const address = new URL(base);
      address.searchParams.set('audience', audience);
      const { body } = await callService(
        { http, url: address.href },
        {
          name,
          method: 'GET',
          headers: { authorization: `Bearer ${requestToken}` },
          secrets: [requestToken],
          hint: 'Give the job the permission "id-token: write".',
        },
      );
      const answer = z.object({ value: z.string() }).safeParse(parseAnswer(name, base, body));
      if (!answer.success) throw invalidAnswer(name, base, 'it holds no token');
      return checkToken(answer.data.value, name);
    },
  };
}

function buildkiteSource({ env, run, audience = 'sigstore' }: Surroundings): TokenSource {
  const description = 'Buildkite agent';
  return {
    description,
    token: async () => {
      const passed = Object.entries(env).filter(([name]) => /^(BUILDKITE\w*|PATH|HOME)$/.test(name));
      const result = await run({
        argv: ['buildkite-agent', 'oidc', 'request-token', '--audience', audience],
        env: Object.fromEntries(passed.map(([name, value]) => [name, value ?? ''])),
        timeoutMilliseconds: 60_000,
      }).catch((error: unknown) => {
        throw new EvidenceError('TOKEN_MISSING', `the Buildkite agent gave no token: ${messageOf(error)}`);
      });
      if (result.exitCode === 0) return checkToken(result.stdout, description);
      throw new EvidenceError('TOKEN_MISSING', 'the Buildkite agent gave no token', {
        hint: 'Run "buildkite-agent oidc request-token --audience sigstore" in the job to see why.',
      });
    },
  };
}

/** Gives a token without blanks around it once it looks like one (RFC 7519 3.1). The text of a token is in no error. */
function checkToken(text: string, where: string): string {
  const token = text.trim();
  const isToken = token.length <= MAX_TOKEN && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token);
  if (!isToken || readClaims(token) === undefined) throw invalidToken(`what ${where} holds is no identity token`);
  return token;
}

function readClaims(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

function invalidToken(message: string): EvidenceError {
  return new EvidenceError('TOKEN_INVALID', message, {
    hint: 'Give an OpenID Connect identity token (a JWT) for the audience "sigstore".',
  });
}
