// SPDX-License-Identifier: Apache-2.0
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  verify,
  X509Certificate,
} from 'node:crypto';
import {
  canonicalJson,
  type HashPosition,
  inclusionProof,
  type Json,
  nodeHash,
  preAuthEncoding,
  recordHash,
  signBytes,
  treeRoot,
} from '#formats';
import { type Loopback, type LoopbackAnswer, startLoopback } from './loopback.ts';

/** A transparency log that speaks Rekor's v1 API: entries of kinds `dsse` and `hashedrekord`, promises, proofs, checkpoints. */
export interface TransparencyLog extends Pick<Loopback, 'url' | 'requests' | 'answerNext' | 'stop'> {
  readonly key: KeyObject;
  /** SHA-256 of the key in DER, in hex. */
  readonly logId: string;
  size(): number;
  /** Adds a body that nobody asked for, so that later proofs are longer. */
  fill(count: number): void;
  /** Gives entry number `index` of this tree as the API does, with a proof for the tree of this size. */
  entry(index: number): LogEntry;
}

/** One log entry as in Rekor's answers (its openapi.yaml, LogEntry). */
export interface LogEntry {
  readonly body: string;
  readonly integratedTime: number;
  readonly logID: string;
  readonly logIndex: number;
  readonly verification: {
    readonly inclusionProof: {
      readonly checkpoint: string;
      readonly hashes: readonly string[];
      readonly logIndex: number;
      readonly rootHash: string;
      readonly treeSize: number;
    };
    readonly signedEntryTimestamp: string;
  };
}

interface Stored {
  readonly body: Buffer;
  readonly time: number;
  readonly hash: Buffer;
}

/** Entries of older shards come before this tree's, as in the public log: the index in the log is not the one in the tree. */
const OLDER_ENTRIES = 4_163_431;

/** Starts an empty log. `now` (milliseconds) is its clock, `name` the origin in its checkpoints (its address by default). */
export async function startTransparencyLog(
  options: { readonly now?: () => number; readonly name?: string } = {},
): Promise<TransparencyLog> {
  const now = options.now ?? Date.now;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const logId = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
  const treeId = randomBytes(8);
  treeId[0] = (treeId[0] ?? 0) & 0x7f;
  const stored: Stored[] = [];
  let name = options.name ?? '';

  function checkpoint(): string {
    const text = `${name} - ${treeId.readBigUInt64BE()}\n${stored.length}\n${rootOf(stored).toString('base64')}\n`;
    const signature = Buffer.concat([
      Buffer.from(logId, 'hex').subarray(0, 4),
      signBytes(Buffer.from(text), privateKey),
    ]);
    return `${text}\n\u2014 ${name} ${signature.toString('base64')}\n`;
  }

  function entry(index: number): LogEntry {
    const found = stored[index];
    if (found === undefined) throw new RangeError(`the log has no entry ${index}`);
    const said = {
      body: found.body.toString('base64'),
      integratedTime: found.time,
      logID: logId,
      logIndex: OLDER_ENTRIES + index,
    };
    return {
      ...said,
      verification: {
        inclusionProof: {
          checkpoint: checkpoint(),
          hashes: inclusionProof(stored.length, index, reader(stored)).map((hash) => hash.toString('hex')),
          logIndex: index,
          rootHash: rootOf(stored).toString('hex'),
          treeSize: stored.length,
        },
        signedEntryTimestamp: signBytes(Buffer.from(canonicalJson(said)), privateKey).toString('base64'),
      },
    };
  }

  function add(body: Buffer): number {
    return stored.push({ body, time: Math.floor(now() / 1000), hash: recordHash(body) }) - 1;
  }

  const idOf = (index: number) => `${treeId.toString('hex')}${stored[index]?.hash.toString('hex')}`;
  const answer = (status: number, index: number): LoopbackAnswer => ({
    status,
    headers: { location: `/api/v1/log/entries/${idOf(index)}` },
    body: { [idOf(index)]: entry(index) },
  });

  const server = await startLoopback(({ method, path, body }) => {
    const { pathname, searchParams } = new URL(path, 'http://log');
    if (method === 'GET' && pathname === '/api/v1/log/publicKey') {
      return { status: 200, body: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
    }
    if (method === 'GET' && pathname.startsWith('/api/v1/log/entries')) {
      const id = pathname.slice('/api/v1/log/entries'.length + 1);
      const wanted = searchParams.get('logIndex');
      const index =
        wanted === null ? stored.findIndex((_, at) => idOf(at).endsWith(id)) : Number(wanted) - OLDER_ENTRIES;
      return stored[index] === undefined
        ? { status: 404, body: { code: 404, message: 'entry not found' } }
        : answer(200, index);
    }
    if (method !== 'POST' || pathname !== '/api/v1/log/entries') return { status: 404 };
    const made = toBody(JSON.parse(body.toString()) as Proposal);
    if (typeof made === 'string') return { status: 400, body: { code: 400, message: made } };
    const same = stored.findIndex((one) => one.body.equals(made));
    if (same < 0) return answer(201, add(made));
    const message = `an equivalent entry already exists in the transparency log with UUID ${idOf(same)}`;
    const location = `/api/v1/log/entries/${idOf(same)}`;
    return { status: 409, headers: { location }, body: { code: 409, message } };
  });
  name ||= server.url.replace('http://', '');
  return {
    ...server,
    key: publicKey,
    logId,
    size: () => stored.length,
    fill: (count) => {
      for (let left = count; left > 0; left -= 1) add(randomBytes(40));
    },
    entry,
  };
}

interface Proposal {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly spec?: {
    readonly proposedContent?: { readonly envelope?: string; readonly verifiers?: readonly string[] };
    readonly signature?: { readonly content?: string; readonly publicKey?: { readonly content?: string } };
    readonly data?: { readonly hash?: { readonly algorithm?: string; readonly value?: string } };
  };
}

/** The canonical body of what is proposed, or why it is refused. */
function toBody({ kind, apiVersion, spec = {} }: Proposal): Buffer | string {
  if (apiVersion !== '0.0.1') return `unknown version ${apiVersion}`;
  if (kind === 'dsse') return toDsseBody(spec);
  if (kind === 'hashedrekord') return toHashedBody(spec);
  return `unknown kind ${kind}`;
}

/** Rekor's pkg/types/dsse/v0.0.1: every signature must be made with one of the verifiers; hashes are kept, content is not. */
function toDsseBody({ proposedContent }: NonNullable<Proposal['spec']>): Buffer | string {
  const text = proposedContent?.envelope ?? '';
  const envelope = JSON.parse(text) as { payload: string; payloadType: string; signatures: { sig: string }[] };
  const payload = Buffer.from(envelope.payload, 'base64');
  const signed = preAuthEncoding(envelope.payloadType, payload);
  const verifiers = (proposedContent?.verifiers ?? []).map((one) => Buffer.from(one, 'base64').toString());
  const signatures = envelope.signatures.map(({ sig }) => {
    const fitting = verifiers.find((pem) => {
      const key = keyIn(pem);
      const hash = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
      return verify(hash, signed, key, Buffer.from(sig, 'base64'));
    });
    return { signature: sig, verifier: Buffer.from(fitting ?? '').toString('base64') };
  });
  if (signatures.length === 0 || signatures.some(({ verifier }) => verifier === '')) return 'could not verify envelope';
  const hashOf = (bytes: Uint8Array | string) => ({
    algorithm: 'sha256',
    value: createHash('sha256').update(bytes).digest('hex'),
  });
  return bodyOf('dsse', { envelopeHash: hashOf(text), payloadHash: hashOf(payload), signatures });
}

/** Rekor's pkg/types/hashedrekord/v0.0.1. Node can't check a signature of a digest alone, so the form alone is checked. */
function toHashedBody({ signature, data }: NonNullable<Proposal['spec']>): Buffer | string {
  const { algorithm, value = '' } = data?.hash ?? {};
  const content = signature?.content ?? '';
  const key = signature?.publicKey?.content ?? '';
  if (algorithm !== 'sha256' || !/^[0-9a-f]{64}$/.test(value) || content === '') return 'invalid hash or signature';
  keyIn(Buffer.from(key, 'base64').toString());
  return bodyOf('hashedrekord', {
    data: { hash: { algorithm, value } },
    signature: { content, publicKey: { content: key } },
  });
}

function bodyOf(kind: string, spec: Json): Buffer {
  return Buffer.from(canonicalJson({ apiVersion: '0.0.1', kind, spec }));
}

function keyIn(pem: string): KeyObject {
  return pem.includes('BEGIN CERTIFICATE') ? new X509Certificate(pem).publicKey : createPublicKey(pem);
}

function reader(stored: readonly Stored[]): (position: HashPosition) => Buffer {
  const read = ({ level, index }: HashPosition): Buffer =>
    level === 0
      ? (stored[index]?.hash ?? Buffer.alloc(0))
      : nodeHash(read({ level: level - 1, index: index * 2 }), read({ level: level - 1, index: index * 2 + 1 }));
  return read;
}

function rootOf(stored: readonly Stored[]): Buffer {
  return treeRoot(stored.length, reader(stored));
}
