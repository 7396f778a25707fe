// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerIdentity } from './authority.ts';
import { type RunningServer, startHttps } from './https.ts';
import { type AwsCredential, signatureFault } from './aws-signature.ts';

/** A bucket of the S3 protocol. */
export interface BucketServer extends RunningServer {
  readonly bucket: string;
  readonly region: string;
}

/** What {@link startBucket} serves, and to whom. */
export interface BucketContent {
  readonly bucket: string;
  readonly credential: AwsCredential;
  /** Text by key. */
  readonly objects: Readonly<Record<string, string>>;
  /** When the objects were made. */
  readonly made: Date;
}

const REGION = 'us-east-1';
const PAGE = 1000;

/**
 * Starts a server with one bucket, addressed by path: GetBucketLocation, HeadBucket, ListObjectsV2, HeadObject and GetObject of the
 * Amazon S3 API. A request whose Signature Version 4 does not fit is refused.
 */
export async function startBucket(identity: ServerIdentity, content: BucketContent): Promise<BucketServer> {
  const server = await startHttps(identity, (request, response) => {
    request.resume();
    const fault = signatureFault(request, content.credential);
    if (fault !== undefined) return refuse(response, 403, fault);
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405, 'MethodNotAllowed');
    const { pathname, searchParams } = new URL(request.url ?? '/', 'https://s3');
    const [bucket, ...rest] = decodeURIComponent(pathname.slice(1)).split('/');
    if (bucket !== content.bucket) return refuse(response, 404, 'NoSuchBucket');
    const key = rest.join('/');
    if (key !== '') return sendObject(request, response, content, key);
    if (searchParams.has('location')) return sendXml(response, 'LocationConstraint', REGION);
    sendXml(response, 'ListBucketResult', listing(content, searchParams));
  });
  return { ...server, bucket: content.bucket, region: REGION };
}

function sendObject(request: IncomingMessage, response: ServerResponse, content: BucketContent, key: string): void {
  const text = content.objects[key];
  if (text === undefined) return refuse(response, 404, 'NoSuchKey');
  const etag = etagOf(text);
  const wanted = request.headers['if-match'];
  if (wanted !== undefined && wanted !== etag && wanted !== etag.slice(1, -1)) {
    return refuse(response, 412, 'PreconditionFailed');
  }
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': Buffer.byteLength(text),
    etag,
    'last-modified': content.made.toUTCString(),
  });
  response.end(text); // Node leaves it out of an answer to HEAD
}

/** ListObjectsV2: keys in order, a page of them, from after the continuation token, which is the last key seen. */
function listing({ bucket, objects, made }: BucketContent, query: URLSearchParams): string {
  const prefix = query.get('prefix') ?? '';
  const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
  const most = Math.min(Number(query.get('max-keys') ?? PAGE), PAGE);
  const keys = Object.keys(objects)
    .filter((key) => key.startsWith(prefix) && key > after)
    .sort();
  const page = keys.slice(0, most);
  const isEncoded = query.get('encoding-type') === 'url';
  const name = (key: string) => escape(isEncoded ? encodeURIComponent(key) : key);
  const entries = page.map((key) => {
    const text = objects[key] ?? '';
    return `<Contents><Key>${name(key)}</Key><LastModified>${made.toISOString()}</LastModified><ETag>${escape(etagOf(text))}</ETag><Size>${Buffer.byteLength(text)}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
  });
  const isCut = page.length < keys.length;
  const next = isCut ? `<NextContinuationToken>${name(page.at(-1) ?? '')}</NextContinuationToken>` : '';
  return `<Name>${escape(bucket)}</Name><Prefix>${name(prefix)}</Prefix><KeyCount>${page.length}</KeyCount><MaxKeys>${most}</MaxKeys><IsTruncated>${isCut}</IsTruncated>${isEncoded ? '<EncodingType>url</EncodingType>' : ''}${next}${entries.join('')}`;
}

function sendXml(response: ServerResponse, root: string, content: string): void {
  const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/';
  const text = `<?xml version="1.0" encoding="UTF-8"?><${root} xmlns="${namespace}">${content}</${root}>`;
  response.writeHead(200, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(text) }).end(text);
}

function refuse(response: ServerResponse, status: number, code: string): void {
  const text = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
  response.writeHead(status, { 'content-type': 'application/xml' }).end(text);
}

/** For objects that were put in one piece, the ETag is the MD5 of the content. */
function etagOf(text: string): string {
  return `"${createHash('md5').update(text).digest('hex')}"`;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
