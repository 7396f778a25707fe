// SPDX-License-Identifier: Apache-2.0
import { HttpError, type HttpResponse, retryDelay } from '#core';
import type { Descriptor } from '../content.ts';
import { toNetworkFailure } from './failure.ts';
import { ATTEMPTS } from './patience.ts';
import type { RegistryRequest, Transport } from './transport.ts';

const PROGRESS = 1 << 20; // bytes that must have come for a failure not to count as one more in a row

/**
 * Streams a blob as the registry serves it, going on where a broken connection stopped (distribution-spec 1.1, "Pulling
 * blobs"; RFC 9110 section 14). At most one chunk beyond the size comes. The digest is not checked here: wrap it in checkedContent.
 * Throws `BLOB_MISSING`, `REGISTRY_DROPPED` and the codes of a refusal.
 */
export async function* downloadBlob(
  transport: Transport,
  repository: string,
  descriptor: Descriptor,
): AsyncGenerator<Uint8Array, void, undefined> {
  let offset = 0;
  let counted = 0;
  for (let failures = 0; ; ) {
    const { response, skip } = await openAt(transport, repository, descriptor, offset);
    let skipped = 0;
    let fault: unknown;
    try {
      for await (const chunk of response.body) {
        const fresh = chunk.subarray(Math.min(skip - skipped, chunk.byteLength));
        skipped += chunk.byteLength - fresh.byteLength;
        offset += fresh.byteLength;
        if (fresh.byteLength > 0) yield fresh;
        if (offset > descriptor.size) return;
      }
    } catch (error) {
      if (transport.signal?.aborted) throw transport.signal.reason;
      fault = error;
    }
    if (offset >= descriptor.size) return;
    failures = offset - counted >= PROGRESS ? 1 : failures + 1;
    counted = offset;
    if (failures >= ATTEMPTS) throw cut(transport, response, { offset, failures, fault });
    await transport.clock.sleep(retryDelay(failures, transport.clock), transport.signal);
  }
}

/** Asks for the bytes from `offset` on; `skip` says how many come that we have already. */
async function openAt(
  transport: Transport,
  repository: string,
  descriptor: Descriptor,
  offset: number,
): Promise<{ readonly response: HttpResponse; readonly skip: number }> {
  const request: RegistryRequest = {
    repository,
    to: `blobs/${descriptor.digest}`,
    headers: { 'accept-encoding': 'identity' },
    scopes: [{ repository, actions: 'pull' }],
  };
  if (offset === 0) return { response: await transport.call(request, [200]), skip: 0 };
  // Both ends are named, since some registries read no open range.
  const range = `bytes=${offset}-${descriptor.size - 1}`;
  const response = await transport.send({ ...request, headers: { ...request.headers, range } });
  if (response.status === 200) return { response, skip: offset };
  const start = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
  if (response.status === 206 && Number(start) === offset) return { response, skip: 0 };
  if (response.status !== 206 && response.status !== 416) throw await transport.refusal(request, response);
  await response.body[Symbol.asyncIterator]().return?.();
  return { response: await transport.call(request, [200]), skip: offset };
}

function cut(
  transport: Transport,
  response: HttpResponse,
  { offset, failures, fault }: { offset: number; failures: number; fault: unknown },
): Error {
  const error = new HttpError('HTTP_BODY_CUT', `the blob broke off after ${offset} bytes`, {
    where: response.url,
    cause: fault,
    hint: 'Run the command again; if it happens each time, ask who runs this registry or the proxy before it.',
  });
  return toNetworkFailure(error, transport.registry, failures);
}
