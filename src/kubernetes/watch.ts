// SPDX-License-Identifier: Apache-2.0
import { type Clock, retryDelay } from '#core';
import { parseJson } from './answer.ts';
import type { ApiRequest, Connection } from './connection.ts';
import { isKubernetesError } from './error.ts';
import { at, type KubernetesObject } from './object.ts';

/** What a watch tells. `listed` comes first, and again whenever something may have been missed: it holds all that is there. */
export type WatchEvent =
  | { readonly kind: 'listed'; readonly objects: readonly KubernetesObject[] }
  | { readonly kind: 'added' | 'changed' | 'deleted'; readonly object: KubernetesObject };

/** What a watch needs: how to list, and the request that watches from a resource version on. */
export interface WatchParts {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly list: () => Promise<{ readonly objects: readonly KubernetesObject[]; readonly resourceVersion: string }>;
  readonly request: ApiRequest;
  readonly signal: AbortSignal;
}

const KINDS: Readonly<Record<string, 'added' | 'changed' | 'deleted'>> = {
  ADDED: 'added',
  MODIFIED: 'changed',
  DELETED: 'deleted',
};

/**
 * Lists, then tells each change until `signal` is aborted. A broken connection is taken up where it broke; where the server has
 * forgotten that point (410 Gone), everything is listed anew. Throws only what listing throws.
 */
export async function* watchObjects(parts: WatchParts): AsyncGenerator<WatchEvent, void, undefined> {
  for (let version = ''; !parts.signal.aborted; ) {
    if (version === '') {
      const listed = await parts.list();
      version = listed.resourceVersion;
      yield { kind: 'listed', objects: listed.objects };
    }
    version = yield* follow(parts, version);
  }
}

/** Gives the version to go on from, '' where it is forgotten. */
async function* follow(parts: WatchParts, from: string): AsyncGenerator<WatchEvent, string, undefined> {
  let version = from;
  let failures = 0;
  while (!parts.signal.aborted) {
    const query = {
      ...parts.request.query,
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: '300',
      resourceVersion: version,
    };
    try {
      for await (const line of parts.connection.lines({ ...parts.request, query }, parts.signal)) {
        const event = parseJson(line);
        const type = at(event, 'type');
        if (type === 'ERROR') return '';
        const object = at(event, 'object') as KubernetesObject | undefined;
        version = object?.metadata?.resourceVersion ?? version;
        failures = 0;
        const kind = KINDS[String(type)];
        if (kind !== undefined && object !== undefined) yield { kind, object };
      }
    } catch (error) {
      if (parts.signal.aborted) break;
      if (isKubernetesError(error, 'CLUSTER_GONE')) return '';
      failures += 1;
      // Listing waits for a server that is away, and tells when it stays away or no longer lets us in.
      if (failures > 1) return '';
    }
    await parts.clock.sleep(retryDelay(1, parts.clock), parts.signal).catch(() => {});
  }
  return version;
}
