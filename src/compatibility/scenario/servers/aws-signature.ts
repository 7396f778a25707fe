// SPDX-License-Identifier: Apache-2.0
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { digestOf, hexOf } from '#core';

/** An access key of AWS. */
export interface AwsCredential {
  readonly accessKey: string;
  readonly secretKey: string;
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([a-z0-9-]+)\/([a-z0-9-]+)\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/;

/** What a request is signed for: a service, and the hash of its body where no header says it. */
interface Signed {
  readonly service: string;
  readonly payload?: string;
}

/**
 * Checks a request's Signature Version 4 (AWS General Reference, "Create a signed AWS API request"); gives the S3 error code of what
 * is wrong, undefined where it fits. The time is not judged: the scenario's clock may be another than the controllers'.
 */
export function signatureFault(
  request: IncomingMessage,
  credential: AwsCredential,
  { service, payload }: Signed = { service: 's3' },
): string | undefined {
  const [, accessKey, day = '', region = '', named = '', signed = '', given = ''] =
    AUTHORIZATION.exec(request.headers.authorization ?? '') ?? [];
  if (accessKey === undefined) return 'AccessDenied';
  if (accessKey !== credential.accessKey) return 'InvalidAccessKeyId';
  if (named !== service) return 'SignatureDoesNotMatch';
  const scope = `${day}/${region}/${service}/aws4_request`;
  const time = String(request.headers['x-amz-date'] ?? '');
  const text = ['AWS4-HMAC-SHA256', time, scope, hexOf(digestOf(canonicalRequest(request, { signed, payload })))].join(
    '\n',
  );
  const key = [service, 'aws4_request'].reduce(
    hmac,
    hmac(hmac(Buffer.from(`AWS4${credential.secretKey}`), day), region),
  );
  const fits = timingSafeEqual(hmac(key, text), Buffer.from(given, 'hex'));
  return fits ? undefined : 'SignatureDoesNotMatch';
}

function canonicalRequest(
  request: IncomingMessage,
  { signed, payload }: { readonly signed: string; readonly payload?: string | undefined },
): string {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'https://s3');
  const query = [...searchParams]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  const headers = signed.split(';').map((name) => `${name}:${String(request.headers[name] ?? '').trim()}\n`);
  const hash = payload ?? String(request.headers['x-amz-content-sha256'] ?? '');
  return [request.method, pathname, query, headers.join(''), signed, hash].join('\n');
}

/** RFC 3986 as AWS wants it: what is not unreserved is escaped. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
