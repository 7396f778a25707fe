// SPDX-License-Identifier: Apache-2.0
import { discard, type Http, messageOf, readBody } from '#core';
import type { ChecksumDatabase } from './checksum-database.ts';
import { SourcesError } from './error.ts';
import { authorized } from './proxy-client.ts';

/** Reads files of one checksum database, wherever it is reached. */
export interface DatabaseServer {
  /** Gives the bytes at a path below the database, undefined on 404 and 410; throws `DATABASE_FAILED` otherwise. */
  get(path: string): Promise<{ url: string; bytes: Buffer } | undefined>;
}

/** What {@link openDatabaseServer} needs. */
export interface DatabaseServerOptions {
  readonly http: Http;
  readonly database: ChecksumDatabase;
  readonly proxyUrls: readonly string[];
  readonly signal?: AbortSignal;
}

const MAX_ANSWER = 1 << 20;
const MISSING = new Set([404, 410]);

/** Reaches the database at its own URL where one is set, else through the first proxy that mirrors it, else by its name. */
export function openDatabaseServer({ http, database, proxyUrls, signal }: DatabaseServerOptions): DatabaseServer {
  const { name } = database.key;
  const request = (url: string, attempts?: number) =>
    http({
      ...authorized(url),
      ...(attempts === undefined ? {} : { attempts }),
      ...(signal === undefined ? {} : { signal }),
    });

  async function findBase(): Promise<string> {
    if (database.url !== undefined) return database.url;
    for (const proxy of proxyUrls.filter((url) => !url.startsWith('file:'))) {
      const base = `${proxy}/sumdb/${name}`;
      const answer = await request(`${base}/supported`, 2).catch(() => undefined);
      if (answer === undefined) continue;
      await discard(answer);
      if (answer.status === 200) return base;
    }
    return `https://${name}`;
  }

  let base: Promise<string> | undefined;
  return {
    async get(path) {
      base ??= findBase();
      const url = `${await base}/${path}`;
      try {
        const response = await request(url);
        if (response.status === 200) return { url, bytes: await readBody(response, MAX_ANSWER) };
        await discard(response);
        if (MISSING.has(response.status)) return undefined;
        throw failed(url, `it answered ${response.status}`);
      } catch (error) {
        if (signal?.aborted || error instanceof SourcesError) throw error;
        throw failed(url, messageOf(error), error);
      }
    },
  };
}

function failed(where: string, why: string, cause?: unknown): SourcesError {
  return new SourcesError('DATABASE_FAILED', `the checksum database could not be asked: ${why}`, {
    where,
    cause,
    hint: 'Try again later. Sources are used only once they are proved.',
  });
}
