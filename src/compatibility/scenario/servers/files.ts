// SPDX-License-Identifier: Apache-2.0
import type { ServerIdentity } from './authority.ts';
import { isLoggedIn, type Login, type RunningServer, startHttps } from './https.ts';

/** A web server of files in memory. */
export interface FileServer extends RunningServer {
  /** Puts a file at a path such as `index.yaml`, in place of what was there. */
  put(path: string, content: Uint8Array | string): void;
}

/** Starts a web server of files that lets in one user only: all that a Helm repository is. */
export async function startFileServer(identity: ServerIdentity, login: Login): Promise<FileServer> {
  const files = new Map<string, Uint8Array>();
  const server = await startHttps(identity, (request, response) => {
    if (!isLoggedIn(request, response, login)) return;
    request.resume();
    const bytes = files.get(new URL(request.url ?? '/', 'https://files').pathname.slice(1));
    if (bytes === undefined) response.writeHead(404).end('no such file');
    else
      response
        .writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes.length })
        .end(bytes);
  });
  return { ...server, put: (path, content) => void files.set(path, Buffer.from(content)) };
}
