// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { type Loopback, startLoopback } from './loopback.ts';

/** What a token says; `sub` and, where there is one, `email` become the certificate's identity. */
export type TokenClaims = Readonly<Record<string, string | number | boolean>> & { readonly sub: string };

/** An OpenID Connect issuer that also gives tokens to jobs, as GitHub Actions does. */
export interface TokenIssuer extends Pick<Loopback, 'requests' | 'answerNext' | 'stop'> {
  /** The issuer's URL, as it stands in tokens and certificates. */
  readonly url: string;
  /** What a job of GitHub Actions finds in its environment. */
  readonly environment: Readonly<Record<'ACTIONS_ID_TOKEN_REQUEST_URL' | 'ACTIONS_ID_TOKEN_REQUEST_TOKEN', string>>;
  /** Gives a signed token (RS256) for an audience, `sigstore` by default. */
  token(claims?: TokenClaims, audience?: string): string;
  /** Takes a token; gives its claims where this issuer signed it, it is for `audience` and not expired. */
  read(token: string, audience: string): Readonly<Record<string, unknown>> | undefined;
}

/** The claims of a release job of GitHub Actions; certificates made from them look as those of Flux's own images. */
export const GITHUB_CLAIMS = {
  sub: 'repo:example-org/oakum:ref:refs/tags/v2.9.2',
  job_workflow_ref: 'example-org/oakum/.github/workflows/release.yml@refs/tags/v2.9.2',
  job_workflow_sha: '0123456789abcdef0123456789abcdef01234567',
  repository: 'example-org/oakum',
  repository_id: '101',
  repository_owner: 'example-org',
  repository_owner_id: '202',
  repository_visibility: 'public',
  ref: 'refs/tags/v2.9.2',
  sha: '0123456789abcdef0123456789abcdef01234567',
  event_name: 'push',
  workflow: 'release',
  workflow_ref: 'example-org/oakum/.github/workflows/release.yml@refs/tags/v2.9.2',
  workflow_sha: '0123456789abcdef0123456789abcdef01234567',
  runner_environment: 'github-hosted',
  run_id: '303',
  run_attempt: '1',
} as const satisfies TokenClaims;

/** Starts an issuer. `claims` is what jobs get; `now` (milliseconds) its clock. */
export async function startTokenIssuer(
  options: { readonly claims?: TokenClaims; readonly now?: () => number } = {},
): Promise<TokenIssuer> {
  const now = options.now ?? Date.now;
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const requestToken = randomBytes(24).toString('base64url');
  let url = '';

  function token(claims: TokenClaims = options.claims ?? GITHUB_CLAIMS, audience = 'sigstore'): string {
    const seconds = Math.floor(now() / 1000);
    const body = { iss: url, aud: audience, iat: seconds, nbf: seconds, exp: seconds + 300, ...claims };
    const text = `${encode({ alg: 'RS256', typ: 'JWT', kid: 'test' })}.${encode(body)}`;
    return `${text}.${sign('sha256', Buffer.from(text), keys.privateKey).toString('base64url')}`;
  }

  const server = await startLoopback(({ path, headers }) => {
    const { pathname, searchParams } = new URL(path, url);
    if (pathname === '/.well-known/openid-configuration')
      return { status: 200, body: { issuer: url, jwks_uri: `${url}/keys` } };
    if (pathname === '/keys') {
      const jwk = createPublicKey(keys.privateKey).export({ format: 'jwk' });
      return { status: 200, body: { keys: [{ ...jwk, kid: 'test', alg: 'RS256', use: 'sig' }] } };
    }
    if (pathname !== '/job/token') return { status: 404 };
    if (headers.authorization?.toLowerCase() !== `bearer ${requestToken}`.toLowerCase()) return { status: 401 };
    return { status: 200, body: { value: token(undefined, searchParams.get('audience') ?? 'none') } };
  });
  url = server.url;
  return {
    ...server,
    environment: {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/job/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken,
    },
    token,
    read(text, audience) {
      const [header = '', body = '', signature = ''] = text.split('.');
      const isMine = verify(
        'sha256',
        Buffer.from(`${header}.${body}`),
        keys.publicKey,
        Buffer.from(signature, 'base64url'),
      );
      if (!isMine) return undefined;
      const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
      return claims['aud'] === audience && Number(claims['exp']) * 1000 > now() ? claims : undefined;
    },
  };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
