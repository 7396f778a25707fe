// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KeyPair } from '../../certificates.ts';
import type { MasterKey } from '../content/sops.ts';

/** How a key management service is started. */
export interface KeyServiceKind {
  /** The names that its certificate must be for. */
  readonly hosts: readonly string[];
  /** Starts it on free ports of 127.0.0.1, with a key of its own. */
  start(identity: KeyPair): Promise<KeyService>;
}

/** A key management service: it wraps data keys, and unwraps them for whom it knows. */
export interface KeyService extends MasterKey {
  /** The names that clients know it by, as `host:port`, and where each is served; its certificate is for them. */
  readonly places: Readonly<Record<string, string>>;
  stop(): Promise<void>;
  /** The file of a Kustomization's decryption Secret, and the credentials in it. */
  readonly credentials: { readonly file: string; readonly text: string };
  /** How many data keys it has unwrapped. */
  unwrapped(): number;
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, value: unknown, type = 'application/json'): void {
  const text = JSON.stringify(value);
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) }).end(text);
}

/** Gives the token of a request's Bearer authentication (RFC 6750); '' where it brings none. */
export function bearerOf(request: Pick<IncomingMessage, 'headers'>): string {
  return /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
}

/** Gives a member of a JSON text, where it is a text; '' otherwise. Throws SyntaxError for what is no JSON. */
export function memberOf(json: Buffer, name: string): string {
  const value = (JSON.parse(json.toString('utf8')) as Record<string, unknown> | null)?.[name];
  return typeof value === 'string' ? value : '';
}
