// SPDX-License-Identifier: Apache-2.0

import { z } from 'zod';
import { type HttpResponse, readBody } from '#core';
import { ImageError } from '../error.ts';
import { parse } from '../manifest.ts';
import type { RegistryRequest, Transport } from './transport.ts';

const tagsSchema = z.object({ tags: z.array(z.string()).nullable() });
const MOST_BYTES = 4 << 20;
const MOST_PAGES = 1000;

/** Lists a repository's tags, all pages (distribution-spec 1.1, "Listing Tags"). Throws `REGISTRY_NAME_UNKNOWN` for an unknown repository. */
export async function listTags(transport: Transport, repository: string): Promise<readonly string[]> {
  const tags: string[] = [];
  let to: string | URL | undefined = 'tags/list?n=1000';
  for (let page = 0; to !== undefined; page += 1) {
    if (page >= MOST_PAGES) {
      throw new ImageError('CONTENT_TOO_LARGE', `the list of tags has more than ${MOST_PAGES} pages`, {
        where: `${transport.registry}/${repository}`,
      });
    }
    const request: RegistryRequest = { repository, to, scopes: [{ repository, actions: 'pull' }] };
    const response = await transport.call(request, [200]);
    const body = await readBody(response, MOST_BYTES);
    tags.push(
      ...(parse(tagsSchema, body, { what: 'a list of tags', where: `${transport.registry}/${repository}` }).tags ?? []),
    );
    to = await nextPage(transport, repository, response, to);
  }
  return tags;
}

/** Gives the address of the next page (RFC 8288 `Link: <...>; rel="next"`), undefined at the end. */
export async function nextPage(
  transport: Transport,
  repository: string,
  response: HttpResponse,
  current: string | URL,
): Promise<URL | undefined> {
  const target = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(response.headers.get('link') ?? '')?.[1];
  if (target === undefined) return undefined;
  const base = typeof current === 'string' ? await transport.resolve(current, repository) : current;
  return transport.resolve(target, base);
}
