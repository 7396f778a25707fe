// SPDX-License-Identifier: Apache-2.0
import { createHash, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson, type DsseEnvelope, type Json } from '#formats';
import { EvidenceError } from '../error.ts';
import { callService, invalidAnswer, parseAnswer, type Service } from './service.ts';

const NAME = 'transparency log';
const ENTRIES = 'api/v1/log/entries';
const HEX_32 = /^[0-9a-f]{64}$/;
const index = z.number().int().nonnegative();

/** An entry in the answers of Rekor's v1 API (its openapi.yaml, LogEntry); one without promise or proof helps nobody. */
const entrySchema = z.object({
  body: z.base64(),
  integratedTime: z.number().int().positive(),
  logID: z.string().regex(HEX_32),
  logIndex: index,
  verification: z.object({
    inclusionProof: z.object({
      checkpoint: z.string().min(1),
      hashes: z.array(z.string().regex(HEX_32)).max(64),
      logIndex: index,
      rootHash: z.string().regex(HEX_32),
      treeSize: z.number().int().positive(),
    }),
    signedEntryTimestamp: z.base64(),
  }),
});

/** The parts of an entry's body that tell whether it is ours. */
const bodySchema = z.object({
  kind: z.string(),
  apiVersion: z.string(),
  spec: z.object({
    payloadHash: z.object({ value: z.string() }).optional(),
    signatures: z.array(z.object({ signature: z.string() })).optional(),
    data: z.object({ hash: z.object({ value: z.string() }) }).optional(),
    signature: z.object({ content: z.string() }).optional(),
  }),
});

/** A log entry as the log gave it, with kind and version out of its body. */
export type LogEntry = z.output<typeof entrySchema> & { readonly kind: string; readonly version: string };

/** Writes an envelope's hashes and signature into the log (kind `dsse`, 0.0.1). `verifier` is PEM: a certificate or a key. */
export async function logEnvelope(log: Service, envelope: DsseEnvelope, verifier: string): Promise<LogEntry> {
  const entry = await createEntry(log, 'dsse', {
    proposedContent: {
      envelope: canonicalJson({ ...envelope, signatures: envelope.signatures.map((one) => ({ ...one })) }),
      verifiers: [Buffer.from(verifier).toString('base64')],
    },
  });
  const isOurs =
    entry.spec.payloadHash?.value === sha256(Buffer.from(envelope.payload, 'base64')) &&
    entry.spec.signatures?.length === 1 &&
    entry.spec.signatures[0]?.signature === envelope.signatures[0]?.sig;
  if (!isOurs) throw invalidAnswer(NAME, log.url, 'the entry is about something else');
  return entry.entry;
}

/** Writes a payload's hash and signature into the log (kind `hashedrekord`, 0.0.1), which has no plain Ed25519. */
export async function logPayload(
  log: Service,
  signed: {
    readonly payload: Buffer;
    readonly signature: Buffer;
    readonly verifier: string;
    readonly publicKey: KeyObject;
  },
): Promise<LogEntry> {
  if (signed.publicKey.asymmetricKeyType === 'ed25519') {
    throw new EvidenceError('KEY_UNSUPPORTED', "signatures of cosign 2's form by an Ed25519 key can't be logged", {
      hint: 'Leave out the log, or the tags for cosign 2, or use an ECDSA P-256 key.',
    });
  }
  const value = sha256(signed.payload);
  const content = signed.signature.toString('base64');
  const entry = await createEntry(log, 'hashedrekord', {
    data: { hash: { algorithm: 'sha256', value } },
    signature: { content, publicKey: { content: Buffer.from(signed.verifier).toString('base64') } },
  });
  if (entry.spec.data?.hash.value !== value || entry.spec.signature?.content !== content) {
    throw invalidAnswer(NAME, log.url, 'the entry is about something else');
  }
  return entry.entry;
}

interface Created {
  readonly entry: LogEntry;
  readonly spec: z.output<typeof bodySchema>['spec'];
}

/** Proposes an entry; one that the log has already (409) is read instead. */
async function createEntry(log: Service, kind: string, spec: Json): Promise<Created> {
  const proposed = await callService(log, {
    name: NAME,
    path: ENTRIES,
    headers: { 'content-type': 'application/json' },
    body: canonicalJson({ kind, apiVersion: '0.0.1', spec }),
    accepts: [409],
  });
  if (proposed.status !== 409) return readEntry(log.url, kind, proposed.body);
  const id = /\/([0-9a-f]{64,80})$/.exec(proposed.headers.get('location') ?? '')?.[1];
  if (id === undefined) throw invalidAnswer(NAME, log.url, 'it has the entry already, and does not say where');
  const found = await callService(log, { name: NAME, path: `${ENTRIES}/${id}`, method: 'GET' });
  return readEntry(log.url, kind, found.body);
}

function readEntry(url: string, kind: string, answer: Buffer): Created {
  const parsed = z.record(z.string(), entrySchema).safeParse(parseAnswer(NAME, url, answer));
  const [entry, ...more] = parsed.success ? Object.values(parsed.data) : [];
  if (entry === undefined || more.length > 0)
    throw invalidAnswer(NAME, url, 'it is not one entry with promise and proof');
  const bytes = Buffer.from(entry.body, 'base64');
  const body = bodySchema.safeParse(parseAnswer(NAME, url, bytes));
  if (!body.success || body.data.kind !== kind) throw invalidAnswer(NAME, url, `the entry is no ${kind}`);
  return { entry: { ...entry, kind, version: body.data.apiVersion }, spec: body.data.spec };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
