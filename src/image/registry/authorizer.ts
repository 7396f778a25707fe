// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { type Clock, type Http, type HttpRequest, type HttpResponse, readBody } from '#core';
import { parseIfJson } from '#formats';
import { ImageError } from '../error.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { Credential, CredentialSource } from './credentials.ts';
import { toRefusal } from './failure.ts';
import { ATTEMPTS, sendPatiently } from './patience.ts';

/** A right on a repository, as token services know it (Docker token scope documentation: `repository:NAME:ACTIONS`). */
export interface Scope {
  readonly repository: string;
  readonly actions: 'pull' | 'pull,push';
}

/** Knows how one registry wants to be convinced. */
export interface Authorizer {
  /** Gives the Authorization header for these rights, from what earlier answers taught; undefined when nothing is known. */
  header(scopes: readonly Scope[]): Promise<string | undefined>;
  /**
   * Takes a 401 and the header that was sent; gives another header worth trying, or undefined when there is none.
   * Throws when credentials are malformed or the token service refuses.
   */
  answer(response: HttpResponse, scopes: readonly Scope[], sent: string | undefined): Promise<string | undefined>;
  /** Where the credentials for this repository came from, once asked for. */
  credentialsFrom(repository: string): string | undefined;
}

/** What {@link createAuthorizer} needs. `origin` is the registry's, to judge where a secret may go. */
export interface AuthorizerOptions {
  readonly http: Http;
  readonly clock: Clock;
  readonly credentials: CredentialSource;
  readonly registry: string;
  readonly origin: string;
  readonly signal?: AbortSignal;
}

interface Token {
  readonly scopes: readonly Scope[];
  readonly header: string;
  /** Milliseconds since 1970. */
  readonly freshUntil: number;
}

const MAX_TOKEN_ANSWER = 1 << 20;
const CLIENT_ID = 'oakum';
const DEFAULT_SECONDS = 60; // Docker token specification: "expires_in ... default to 60 seconds"

const tokenSchema = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  expires_in: z.number().positive().max(1e9).nullish(),
});

/**
 * Gives the {@link Authorizer} of one registry: basic (RFC 7617), or bearer by the Docker token specification with a GET
 * (password or anonymous) or an OAuth2 POST (identity token). Tokens are kept per set of scopes until a tenth of their
 * life is left; one that covers more than is needed serves too. Two who need one at once share the request.
 */
export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  let challenge: Challenge | undefined;
  const tokens = new Map<string, Promise<Token>>();
  const found = new Map<string, Credential | undefined>();

  async function credentialOf(repository: string): Promise<Credential | undefined> {
    if (!found.has(repository)) {
      found.set(repository, await options.credentials({ registry: options.registry, repository }));
    }
    return found.get(repository);
  }

  async function bearer(by: Challenge, scopes: readonly Scope[]): Promise<string> {
    const now = options.clock.now().getTime();
    for (const [key, pending] of tokens) {
      const token = await pending.catch(() => undefined);
      if (token === undefined || token.freshUntil <= now) tokens.delete(key);
      else if (covers(token.scopes, scopes)) return token.header;
    }
    const key = scopes.map(textOf).sort().join(' ');
    const pending =
      tokens.get(key) ??
      credentialOf(scopes[0]?.repository ?? '').then((credential) => fetchToken(options, by, scopes, credential));
    tokens.set(key, pending);
    pending.catch(() => tokens.delete(key));
    return (await pending).header;
  }

  async function headerBy(by: Challenge, scopes: readonly Scope[]): Promise<string | undefined> {
    if (by.scheme === 'bearer') return bearer(by, scopes);
    const credential = await credentialOf(scopes[0]?.repository ?? '');
    return credential?.kind === 'password' ? basic(credential) : undefined;
  }

  return {
    header: async (scopes) => (challenge === undefined ? undefined : headerBy(challenge, scopes)),
    async answer(response, scopes, sent) {
      const challenges = parseChallenges(response.headers.get('www-authenticate') ?? '');
      challenge =
        challenges.find(({ scheme }) => scheme === 'bearer') ?? challenges.find(({ scheme }) => scheme === 'basic');
      if (challenge === undefined) return undefined;
      for (const [key, pending] of tokens) {
        if ((await pending.catch(() => undefined))?.header === sent) tokens.delete(key); // expired early, or revoked
      }
      const header = await headerBy(challenge, scopes);
      return header === sent ? undefined : header;
    },
    credentialsFrom: (repository) => found.get(repository)?.from,
  };
}

async function fetchToken(
  options: AuthorizerOptions,
  challenge: Challenge,
  scopes: readonly Scope[],
  credential: Credential | undefined,
): Promise<Token> {
  if (credential?.kind === 'registry-token') {
    return { scopes, header: `Bearer ${safe(options, credential.token)}`, freshUntil: Number.POSITIVE_INFINITY };
  }
  const asked = options.clock.now().getTime();
  const request = tokenRequest(realmOf(options, challenge), challenge.parameters['service'], scopes, credential);
  const response = await sendPatiently(options, request, { registry: options.registry });
  if (response.status !== 200) {
    throw await toRefusal(response, {
      registry: options.registry,
      repository: scopes[0]?.repository ?? '',
      verb: scopes[0]?.actions === 'pull' ? 'pull from' : 'push to',
      attempts: ATTEMPTS,
      credentialsFrom: credential?.from,
    });
  }
  const answer = tokenSchema.safeParse(parseIfJson((await readBody(response, MAX_TOKEN_ANSWER)).toString('utf8')));
  const token = answer.data?.token || answer.data?.access_token;
  if (!token) throw notOci(options, 'its token service answers without a token');
  const seconds = Math.max(answer.data?.expires_in ?? DEFAULT_SECONDS, 1);
  return { scopes, header: `Bearer ${safe(options, token)}`, freshUntil: asked + seconds * 900 };
}

function tokenRequest(
  realm: URL,
  service: string | undefined,
  scopes: readonly Scope[],
  credential: Credential | undefined,
): HttpRequest {
  if (credential?.kind === 'identity-token') {
    // Docker's "Token authentication with OAuth2": POST, form-encoded, scopes joined by spaces.
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: CLIENT_ID,
      refresh_token: credential.token,
      scope: scopes.map(textOf).join(' '),
      ...(service === undefined ? {} : { service }),
    });
    return {
      url: realm.href,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: form.toString(),
    };
  }
  if (service !== undefined) realm.searchParams.set('service', service);
  for (const scope of scopes) realm.searchParams.append('scope', textOf(scope));
  const headers: Record<string, string> = { accept: 'application/json' };
  if (credential?.kind === 'password') {
    realm.searchParams.set('account', credential.username);
    headers['authorization'] = basic(credential);
  }
  return { url: realm.href, headers };
}

/** Checks where the challenge sends us: a secret goes to HTTPS, or to plain HTTP only where the registry itself was allowed it. */
function realmOf(options: AuthorizerOptions, challenge: Challenge): URL {
  const realm = challenge.parameters['realm'] ?? '';
  if (!URL.canParse(realm)) throw notOci(options, 'its challenge names no token service');
  const url = new URL(realm);
  const plain = url.protocol === 'http:' && options.origin.startsWith('http:');
  if (url.protocol === 'https:' || plain) return url;
  throw new ImageError('REGISTRY_REFUSED', `${options.registry} sends to a token service without TLS`, {
    where: realm,
    hint: 'Credentials are not sent there. Ask the operator of the registry to correct its token realm.',
  });
}

function covers(have: readonly Scope[], need: readonly Scope[]): boolean {
  return need.every((scope) =>
    have.some((one) => one.repository === scope.repository && one.actions.startsWith(scope.actions)),
  );
}

function textOf(scope: Scope): string {
  return `repository:${scope.repository}:${scope.actions}`;
}

function basic(credential: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}`;
}

/** A token becomes a header, so it must be one word of visible ASCII. */
function safe(options: AuthorizerOptions, token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw notOci(options, 'its token service answers with something that is no token');
}

function notOci(options: AuthorizerOptions, what: string): ImageError {
  return new ImageError('REGISTRY_NOT_OCI', `${options.registry} does not behave like a registry: ${what}`, {
    where: options.registry,
    hint: 'Check the address of the registry.',
  });
}
