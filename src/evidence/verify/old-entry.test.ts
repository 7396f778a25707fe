// SPDX-License-Identifier: Apache-2.0
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { digestOf } from '#core';
import { canonicalJson, preAuthEncoding, toDsseEnvelope } from '#formats';
import { COSIGN_ANNOTATIONS, DSSE_TYPE } from '../attach/cosign-tags.ts';
import { STATEMENT_MEDIA_TYPE, toStatement } from '../statement.ts';
import { checkThing, type ThingReading } from './check-thing.ts';
import type { Identity } from './policy.ts';
import { readCosignAttestation } from './read-cosign-tags.ts';
import { sigstore } from './read-bundle.ts';

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const log = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const logId = createHash('sha256')
  .update(log.publicKey.export({ type: 'spki', format: 'der' }))
  .digest();

const identity: Identity = {
  kind: 'key',
  name: 'key',
  key: key.publicKey,
  fingerprint: digestOf(''),
  transparency: 'log',
  signs: undefined,
};

interface Change {
  readonly envelope?: string;
  readonly time?: number;
  readonly names?: 'another';
  readonly log?: 'another';
}

/** Makes an attestation as cosign 1 left it: a Rekor entry of kind intoto 0.0.1 over the envelope; checks it. */
async function judge(change: Change = {}): Promise<ThingReading> {
  const statement = toStatement({ name: 'x', digest: digestOf('image') }, 'https://example.com/type', { a: 1 });
  const payload = Buffer.from(JSON.stringify(statement));
  const signature = sign('sha256', preAuthEncoding(STATEMENT_MEDIA_TYPE, payload), key.privateKey);
  const bytes = Buffer.from(canonicalJson({ ...toDsseEnvelope(STATEMENT_MEDIA_TYPE, payload, signature) }));
  const signer = change.names === undefined ? key : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = signer.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const value = createHash('sha256')
    .update(change.envelope ?? bytes)
    .digest('hex');
  const body = canonicalJson({
    apiVersion: '0.0.1',
    kind: 'intoto',
    spec: { content: { hash: { algorithm: 'sha256', value } }, publicKey: Buffer.from(pem).toString('base64') },
  });
  const promised = {
    body: Buffer.from(body).toString('base64'),
    integratedTime: 1_700_000_000,
    logIndex: 7,
    logID: logId.toString('hex'),
  };
  const rekor = canonicalJson({
    SignedEntryTimestamp: sign('sha256', Buffer.from(canonicalJson(promised)), log.privateKey).toString('base64'),
    Payload: { ...promised, integratedTime: change.time ?? promised.integratedTime },
  });
  const descriptor = {
    mediaType: DSSE_TYPE,
    digest: digestOf(bytes),
    size: bytes.length,
    annotations: { [COSIGN_ANNOTATIONS.rekor]: rekor },
  };
  const library = await sigstore();
  const finding = readCosignAttestation(library, { descriptor, bytes, place: 'here' });
  if (finding.kind === 'fault') throw new Error(finding.reason);
  const logs =
    change.log === undefined ? [log.publicKey] : [generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey];
  const tlogs = logs.map((publicKey) => ({
    logID: change.log === undefined ? logId : Buffer.alloc(32),
    baseURL: 'https://log.example',
    publicKey,
    validFor: { start: new Date(0), end: new Date(8.64e15) },
  }));
  const material = { certificateAuthorities: [], timestampAuthorities: [], tlogs, ctlogs: [], publicKey: () => fail() };
  return checkThing(finding.thing, identity, { trust: { library, material }, now: new Date(1_800_000_000_000) });
}

function fail(): never {
  throw new Error('no key is looked up');
}

describe('the check of old log entries', () => {
  it('trusts an entry whose log promised it for this envelope', async () => {
    expect(await judge()).toMatchObject({
      trusted: true,
      signer: { logEntries: 1, time: new Date(1_700_000_000_000) },
    });
  });

  it.each([
    ['is about another envelope', { envelope: 'other' }, /about another envelope/],
    ['was changed after the promise', { time: 1_700_000_001 }, /promise .* not signed by the log/],
    ['names another signer', { names: 'another' }, /names another signer/],
    ['is of an unknown log', { log: 'another' }, /a log that the trusted root does not name/],
  ] as const)('refuses an entry that %s', async (_, change, reason) => {
    expect(await judge(change)).toEqual({
      trusted: false,
      step: 'transparency',
      reason: expect.stringMatching(reason),
    });
  });
});
