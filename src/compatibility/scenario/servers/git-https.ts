// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerIdentity } from './authority.ts';
import { isLoggedIn, type Login, type RunningServer, startHttps } from './https.ts';
import type { Repositories } from './repositories.ts';

/** More than the headers of git-http-backend ever take. */
const MAX_HEAD = 16_384;

/** Starts a Git server over HTTPS: git-http-backend as a CGI program. One user may fetch and push, others nothing. */
export function startGitHttps(
  identity: Pick<ServerIdentity, 'key' | 'certificate'>,
  login: Login,
  repositories: Repositories,
): Promise<RunningServer> {
  return startHttps(identity, async (request, response) => {
    if (isLoggedIn(request, response, login)) await runBackend(request, response, { login, repositories });
  });
}

interface Backend {
  readonly login: Login;
  readonly repositories: Repositories;
}

/** RFC 3875: the request as environment and stdin, the answer as headers and body on stdout. */
function runBackend(request: IncomingMessage, response: ServerResponse, backend: Backend): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = spawn('git', ['http-backend'], {
    env: environmentOf(request, backend),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.on('error', reject);
  child.stdin.on('error', () => {}); // it need not read all
  request.pipe(child.stdin);
  let head: Buffer | undefined = Buffer.alloc(0);
  child.stdout.on('data', (chunk: Buffer) => {
    if (head === undefined) {
      response.write(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0 && head.length < MAX_HEAD) return;
    writeHead(response, head.subarray(0, Math.max(end, 0)).toString('latin1'));
    response.write(head.subarray(end + 4));
    head = undefined;
  });
  child.on('close', (code) => {
    if (head !== undefined) reject(new Error(`git http-backend ended with exit code ${code} and no answer`));
    else response.end(resolve);
  });
  response.on('close', () => {
    child.kill();
    resolve();
  });
  return promise;
}

function environmentOf(request: IncomingMessage, { login, repositories }: Backend): Record<string, string> {
  const url = new URL(request.url ?? '/', 'https://git');
  const header = (name: string) => String(request.headers[name] ?? '');
  return {
    ...repositories.environment,
    GATEWAY_INTERFACE: 'CGI/1.1',
    GIT_PROJECT_ROOT: repositories.folder,
    GIT_HTTP_EXPORT_ALL: '1',
    GIT_PROTOCOL: header('git-protocol'),
    REQUEST_METHOD: request.method ?? 'GET',
    PATH_INFO: decodeURIComponent(url.pathname),
    QUERY_STRING: url.search.slice(1),
    REMOTE_USER: login.username,
    REMOTE_ADDR: '127.0.0.1',
    CONTENT_TYPE: header('content-type'),
    HTTP_CONTENT_ENCODING: header('content-encoding'),
    ...(request.headers['content-length'] === undefined ? {} : { CONTENT_LENGTH: header('content-length') }),
  };
}

function writeHead(response: ServerResponse, text: string): void {
  const fields = text.split('\r\n').map((line) => line.split(/:\s*/, 2) as [string, string?]);
  const status = fields.find(([name]) => name.toLowerCase() === 'status')?.[1];
  response.statusCode = Number.parseInt(status ?? '200', 10);
  for (const [name, value = ''] of fields) {
    if (name !== '' && name.toLowerCase() !== 'status') response.setHeader(name, value);
  }
}
