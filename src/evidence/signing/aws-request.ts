// SPDX-License-Identifier: Apache-2.0
import { createHash, createHmac } from 'node:crypto';

/** Who asks AWS. `sessionToken` comes with credentials that expire. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** A request to sign. Header names in lower case; `host` is added. */
export interface AwsRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** For what service and region, by whom and when. */
export interface AwsScope {
  readonly credentials: AwsCredentials;
  readonly region: string;
  readonly service: string;
  readonly now: Date;
}

/**
 * Gives the headers of a request with AWS' Signature Version 4 added
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html), for paths without
 * characters that need escaping and without a query, which is all that the JSON protocol has.
 */
export function signAwsRequest(request: AwsRequest, scope: AwsScope): Record<string, string> {
  const time = scope.now.toISOString().replace(/[-:]|\.\d+/g, '');
  const { sessionToken } = scope.credentials;
  const { host, pathname } = new URL(request.url);
  const headers: Record<string, string> = {
    ...request.headers,
    host,
    'x-amz-date': time,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const canonical = [
    request.method,
    pathname,
    '',
    ...names.map((name) => `${name}:${headers[name]?.trim()}`),
    '',
    names.join(';'),
    sha256(request.body),
  ].join('\n');
  const where = [time.slice(0, 8), scope.region, scope.service, 'aws4_request'];
  const toSign = ['AWS4-HMAC-SHA256', time, where.join('/'), sha256(canonical)].join('\n');
  const key = where.reduce<Buffer>(hmac, Buffer.from(`AWS4${scope.credentials.secretAccessKey}`));
  const parts = [
    `AWS4-HMAC-SHA256 Credential=${scope.credentials.accessKeyId}/${where.join('/')}`,
    `SignedHeaders=${names.join(';')}`,
    `Signature=${hmac(key, toSign).toString('hex')}`,
  ];
  return { ...headers, authorization: parts.join(', ') };
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
