// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** How a test registry wants to be convinced. */
export interface AccessOptions {
  readonly auth?: 'none' | 'basic' | 'bearer';
  /** Passwords by user name. */
  readonly users?: Readonly<Record<string, string>>;
  /** Identity tokens (OAuth2 refresh tokens) and the user each stands for. */
  readonly identityTokens?: Readonly<Record<string, string>>;
  /** What a user (undefined: nobody) may do; everything for known users by default, nothing for nobody. */
  readonly allows?: (user: string | undefined, repository: string, action: string) => boolean;
  /** How long bearer tokens live; 300 by default. Leave time to `now`. */
  readonly tokenSeconds?: number;
  readonly now?: () => number;
}

/** One request to the token service. */
export interface TokenRequest {
  readonly method: string;
  readonly scopes: readonly string[];
  readonly user: string | undefined;
}

/** A judgement on a request: let in, or the status and challenge to answer with. */
export type Judgement = { readonly status: 200 } | { readonly status: 401 | 403; readonly challenge?: string };

/** The access control of a test registry, with its own token service at `/token`. */
export interface Access {
  readonly tokenRequests: TokenRequest[];
  judge(request: IncomingMessage, repository: string, action: 'pull' | 'push', realm: string): Judgement;
  /** Answers a token request: status and JSON body. */
  token(request: IncomingMessage, body: string): { readonly status: number; readonly body: object };
  /** Makes all tokens given out so far worthless. */
  revoke(): void;
}

/** Gives the {@link Access} for these options. */
export function createAccess(options: AccessOptions): Access {
  const now = options.now ?? Date.now;
  const granted = new Map<string, { readonly scopes: readonly string[]; readonly until: number }>();
  const tokenRequests: TokenRequest[] = [];
  const allows = options.allows ?? ((user) => user !== undefined);
  const refuse = (user: string | undefined, challenge: string): Judgement =>
    user === undefined ? { status: 401, challenge } : { status: 403 };

  function userOf(header: string | undefined): string | undefined {
    if (!header?.startsWith('Basic ')) return undefined;
    const text = Buffer.from(header.slice(6), 'base64').toString();
    const name = text.slice(0, text.indexOf(':'));
    return options.users?.[name] === text.slice(name.length + 1) ? name : undefined;
  }

  function grant(user: string | undefined, scopes: readonly string[]) {
    const allowed = scopes.map((scope) => {
      const [, repository = '', actions = ''] = /^repository:(.+):([a-z,]+)$/.exec(scope) ?? [];
      const mine = actions.split(',').filter((action) => allows(user, repository, action));
      return `${repository}:${mine.join(',')}`;
    });
    const token = randomBytes(24).toString('base64url');
    const seconds = options.tokenSeconds ?? 300;
    granted.set(token, { scopes: allowed, until: now() + seconds * 1000 });
    return { status: 200, body: { token, expires_in: seconds } };
  }

  return {
    tokenRequests,
    revoke: () => granted.clear(),
    judge(request, repository, action, realm) {
      if ((options.auth ?? 'none') === 'none') return { status: 200 };
      const header = request.headers.authorization;
      if (options.auth === 'basic') {
        const user = userOf(header);
        if (allows(user, repository, action)) return { status: 200 };
        return refuse(user, 'Basic realm="test registry"');
      }
      const token = granted.get(header?.replace(/^Bearer /, '') ?? '');
      const scope = `repository:${repository}:${action === 'push' ? 'pull,push' : 'pull'}`;
      const challenge = `Bearer realm="${realm}",service="test registry",scope="${scope}"`;
      if (token === undefined || token.until <= now()) return { status: 401, challenge };
      const mine = token.scopes.some((one) => one.startsWith(`${repository}:`) && one.includes(action));
      return mine ? { status: 200 } : { status: 401, challenge: `${challenge},error="insufficient_scope"` };
    },
    token(request, body) {
      if (request.method === 'POST') {
        const form = new URLSearchParams(body);
        const user = options.identityTokens?.[form.get('refresh_token') ?? ''];
        const scopes = (form.get('scope') ?? '').split(' ');
        tokenRequests.push({ method: 'POST', scopes, user });
        const { status, body: answer } = user === undefined ? { status: 401, body: {} } : grant(user, scopes);
        const { token, ...rest } = answer as { token?: string };
        return { status, body: { access_token: token, ...rest } };
      }
      const scopes = new URL(request.url ?? '/', 'http://x').searchParams.getAll('scope');
      const user = userOf(request.headers.authorization);
      tokenRequests.push({ method: 'GET', scopes, user });
      if (request.headers.authorization !== undefined && user === undefined) {
        return { status: 401, body: { errors: [{ code: 'UNAUTHORIZED', message: 'wrong password' }] } };
      }
      return grant(user, scopes);
    },
  };
}
