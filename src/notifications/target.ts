// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { messageOf } from '#core';
import { NOTICE_KINDS } from '#definition';
import { NotificationError } from './error.ts';
import type { NoticeKind } from './notice.ts';

/** Where a secret lies: in an environment variable, or in a file. It is never in the definition. */
export type SecretPlace = { readonly env: string } | { readonly file: string };

/** Whom to tell, as the definition says it. */
export type TargetSettings = {
  readonly url: SecretPlace;
  /** Which kinds; all where it names none. */
  readonly events?: readonly NoticeKind[] | undefined;
  /** Whether the address may be one without TLS. */
  readonly insecure?: boolean | undefined;
} & (
  | { readonly kind: 'cloudevents' | 'slack' | 'json' }
  | { readonly kind: 'email'; readonly from: string; readonly to: readonly string[] }
);

/** A target whose address is known. `name` tells it from others and holds no secret. */
export interface Target {
  readonly name: string;
  readonly settings: TargetSettings;
  readonly url: URL;
  readonly events: readonly NoticeKind[];
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Reads the addresses of targets. Files are taken from `folder`. Throws `SECRET_MISSING`, and `ADDRESS_INVALID` where an address is
 * no URL of its kind, or one without TLS that is neither loopback nor said to be `insecure`.
 */
export async function openTargets(
  settings: readonly TargetSettings[],
  places: { readonly env: Readonly<Record<string, string | undefined>>; readonly folder: string },
): Promise<readonly Target[]> {
  return Promise.all(
    settings.map(async (one) => {
      const secret = await readSecret(one.url, places);
      const name = `${one.kind} ${nameOf(one.url)}`;
      return { name, settings: one, url: readAddress(secret, name, one), events: one.events ?? NOTICE_KINDS };
    }),
  );
}

async function readSecret(
  place: SecretPlace,
  { env, folder }: { readonly env: Readonly<Record<string, string | undefined>>; readonly folder: string },
): Promise<string> {
  const missing = (why: string, cause?: unknown) =>
    new NotificationError('SECRET_MISSING', `the address of a notification can't be read: ${why}`, {
      where: nameOf(place),
      hint: 'watch.notify in the definition names where it is: an environment variable (env), or a file (file).',
      cause,
    });
  if ('env' in place) {
    const value = env[place.env]?.trim();
    if (!value) throw missing(`${place.env} is not set`);
    return value;
  }
  try {
    return (await readFile(resolve(folder, place.file), 'utf8')).trim();
  } catch (error) {
    throw missing(messageOf(error), error);
  }
}

function readAddress(text: string, name: string, { kind, insecure }: TargetSettings): URL {
  const [secure, plain] = kind === 'email' ? ['smtps:', 'smtp:'] : ['https:', 'http:'];
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== secure && url.protocol !== plain)) {
    throw new NotificationError('ADDRESS_INVALID', `the address is no ${secure}// URL`, { where: name });
  }
  // smtp:// is no exception: there STARTTLS is required instead.
  if (url.protocol === 'http:' && insecure !== true && !isLoopback(url)) {
    throw new NotificationError('ADDRESS_INVALID', 'the address is one without TLS', {
      where: name,
      hint: 'Give an https:// address, or say `insecure: true` beside it.',
    });
  }
  return url;
}

/** Says whether an address is one of this machine. */
export function isLoopback({ hostname }: URL): boolean {
  return LOOPBACK.has(hostname);
}

function nameOf(place: SecretPlace): string {
  return 'env' in place ? place.env : place.file;
}
