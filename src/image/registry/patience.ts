// SPDX-License-Identifier: Apache-2.0
import {
  type Clock,
  discard,
  type Http,
  HttpError,
  type HttpRequest,
  type HttpResponse,
  isPassingStatus,
  retryDelay,
} from '#core';
import { mayPass, toNetworkFailure } from './failure.ts';

/** How often a request is tried, and how often in a row a transfer may fail without getting on, before we give up. */
export const ATTEMPTS = 5;

/** What waiting needs. */
export interface Patience {
  readonly http: Http;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** Who is asked, how often in all, and how often it failed before (for the message). */
export interface Persistence {
  readonly registry: string;
  readonly attempts?: number;
  readonly earlier?: number;
}

/**
 * Sends a request that may be repeated while answers or failures are of a kind that passes.
 * Gives the last answer, whatever its status; throws an ImageError when none came.
 */
export async function sendPatiently(
  patience: Patience,
  request: HttpRequest,
  { registry, attempts = ATTEMPTS, earlier = 0 }: Persistence,
): Promise<HttpResponse> {
  for (let attempt = 1; ; attempt += 1) {
    let wait: number;
    try {
      const response = await patience.http({
        ...request,
        attempts: 1,
        ...(patience.signal === undefined ? {} : { signal: patience.signal }),
      });
      if (attempt >= attempts || !isPassingStatus(response.status)) return response;
      await discard(response);
      wait = retryDelay(attempt, patience.clock, response.headers);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      if (attempt >= attempts || !mayPass(error)) throw toNetworkFailure(error, registry, earlier + attempt);
      wait = retryDelay(attempt, patience.clock);
    }
    await patience.clock.sleep(wait, patience.signal);
  }
}
