// SPDX-License-Identifier: Apache-2.0
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ServerIdentity } from './authority.ts';
import { readRequest, type RunningServer, startHttps } from './https.ts';

/** What an Alert tells of: the part of Flux's event that the scenario reads. */
export interface AlertEvent {
  readonly involvedObject: { readonly kind: string; readonly namespace: string; readonly name: string };
  readonly severity: string;
  readonly reason: string;
  readonly message: string;
}

/** A webhook that alerts are sent to. */
export interface AlertSink extends RunningServer {
  /** What came with the right signature, in order. */
  readonly events: readonly AlertEvent[];
  /** How many requests had none, or a wrong one. */
  readonly refused: () => number;
}

/** Starts a webhook for Providers of type `generic-hmac`: it takes only what is signed with the secret. */
export async function startAlertSink(identity: ServerIdentity, secret: string): Promise<AlertSink> {
  const events: AlertEvent[] = [];
  let refused = 0;
  const server = await startHttps(identity, async (request, response) => {
    const body = await readRequest(request);
    if (!isSigned(body, secret, String(request.headers['x-signature'] ?? ''))) {
      refused += 1;
      response.writeHead(403).end('the signature does not fit');
      return;
    }
    events.push(JSON.parse(body.toString('utf8')) as AlertEvent);
    response.writeHead(200).end();
  });
  return { ...server, events, refused: () => refused };
}

/** Gives the value of `X-Signature` for a body: how notification-controller signs, and wants to be sent, webhooks. */
export function signWebhook(body: Uint8Array | string, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

function isSigned(body: Uint8Array, secret: string, signature: string): boolean {
  const wanted = Buffer.from(signWebhook(body, secret));
  const given = Buffer.from(signature);
  return wanted.length === given.length && timingSafeEqual(wanted, given);
}
