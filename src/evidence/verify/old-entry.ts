// SPDX-License-Identifier: Apache-2.0
import { createHash, verify } from 'node:crypto';
import type { TrustMaterial } from '@sigstore/verify';
import { z } from 'zod';
import { canonicalJson } from '#formats';
import type { OldEntry } from './found.ts';

const bodySchema = z.object({
  spec: z.object({
    content: z.object({ hash: z.object({ algorithm: z.literal('sha256'), value: z.string() }) }),
  }),
});

/**
 * Checks a Rekor entry of kind `intoto` 0.0.1 (rekor pkg/types/intoto/v0.0.1), which the Sigstore library does not read: the
 * log's promise over it, and that it is about this very envelope. Gives what is wrong, or undefined.
 */
export function checkOldEntry({ entry, envelope }: OldEntry, logs: TrustMaterial['tlogs']): string | undefined {
  const at = new Date(Number(entry.integratedTime) * 1000);
  const log = logs.find(
    ({ logID, validFor }) => logID.equals(entry.logId.keyId) && validFor.start <= at && at <= validFor.end,
  );
  if (log === undefined) return 'the log entry is of a log that the trusted root does not name';
  // Rekor's signed entry timestamp covers these four members in canonical JSON (RFC 8785).
  const payload = canonicalJson({
    body: entry.canonicalizedBody.toString('base64'),
    integratedTime: Number(entry.integratedTime),
    logID: entry.logId.keyId.toString('hex'),
    logIndex: Number(entry.logIndex),
  });
  const promise = entry.inclusionPromise?.signedEntryTimestamp;
  if (promise === undefined || !verify('sha256', Buffer.from(payload), log.publicKey, promise)) {
    return "the log's promise for the entry is not signed by the log";
  }
  const body = bodySchema.safeParse(JSON.parse(entry.canonicalizedBody.toString('utf8')));
  const hash = createHash('sha256').update(envelope).digest('hex');
  if (!body.success || body.data.spec.content.hash.value !== hash) return 'the log entry is about another envelope';
  return undefined;
}
