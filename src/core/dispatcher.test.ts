// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttp, readText, systemClock } from './index.ts';

describe('the HTTP client', () => {
  const server = createServer((request, response) => {
    response.writeHead(200, [
      ['X-Twice', 'a'],
      ['X-Twice', 'b'],
    ] as never);
    response.end(`${request.method} ${request.url}`);
  });
  let origin = '';
  beforeAll(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  it.each([
    { title: 'directly', options: {} },
    { title: 'past the proxies that NO_PROXY excludes', options: { httpProxy: 'http://127.0.0.1:9', noProxy: '*' } },
  ])('connects $title', async ({ options }) => {
    const http = createHttp({ clock: systemClock(), ...options });
    const response = await http({ url: `${origin}/path?query=1` });
    expect(await readText(response, 1000)).toBe('GET /path?query=1');
    expect(response.headers.get('X-Twice')).toBe('a, b');
    expect(response.headers.get('constructor')).toBeNull();
  });
});
