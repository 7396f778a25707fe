// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes } from 'node:crypto';
import { OakumError } from '#core';
import { DER, der, derIdentifier, derInteger, derSequence, type DerValue, readDer, readDerValues } from '#formats';
import { callService, invalidAnswer, type Service } from './service.ts';

const NAME = 'timestamp authority';
const SHA256 = '2.16.840.1.101.3.4.2.1';

/**
 * Asks an authority for a timestamp of bytes (RFC 3161 over HTTP, 3.4); gives its answer (TimeStampResp in DER) once it is
 * granted, speaks of these bytes and repeats our nonce. Whether the authority can be trusted is the verifier's question.
 */
export async function requestTimestamp(authority: Service, bytes: Uint8Array): Promise<Buffer> {
  const hash = createHash('sha256').update(bytes).digest();
  const nonce = derInteger(randomBytes(16));
  const { body } = await callService(authority, {
    name: NAME,
    headers: { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' },
    body: toRequest(hash, nonce),
  });
  const info = readInfo(body, authority.url);
  const [, , imprint, ...rest] = info;
  const [, stamped] = readDerValues(imprint?.content ?? Buffer.alloc(0));
  if (stamped?.content.equals(hash) !== true) throw invalidAnswer(NAME, authority.url, 'it stamps something else');
  if (!rest.some((value) => value.bytes.equals(nonce)))
    throw invalidAnswer(NAME, authority.url, 'it answers an older request');
  return body;
}

/** RFC 3161 2.4.1: TimeStampReq, with the authority's certificates wanted in the answer. */
function toRequest(hash: Buffer, nonce: Buffer): Buffer {
  const algorithm = derSequence(derIdentifier(SHA256), der(DER.null));
  const imprint = derSequence(algorithm, der(DER.octetString, hash));
  return derSequence(derInteger(1), imprint, nonce, der(DER.boolean, Buffer.of(0xff)));
}

/** RFC 3161 2.4.2: out of TimeStampResp the TSTInfo, which lies in a SignedData (RFC 5652 5.1) in a ContentInfo. */
function readInfo(answer: Buffer, url: string): readonly DerValue[] {
  try {
    const [status, token] = members(readDer(answer));
    const granted = status === undefined ? undefined : members(status)[0]?.content;
    if (granted === undefined || !/^0[01]$/.test(granted.toString('hex')) || token === undefined) {
      throw invalidAnswer(NAME, url, `it grants nothing (status ${granted?.toString('hex') ?? 'missing'})`);
    }
    const [, content] = members(token);
    const [signed] = content === undefined ? [] : members(content);
    const [, , encapsulated] = signed === undefined ? [] : members(signed);
    const [, wrapped] = encapsulated === undefined ? [] : members(encapsulated);
    const [octets] = wrapped === undefined ? [] : members(wrapped);
    return members(readDer(octets?.content ?? Buffer.alloc(0)));
  } catch (error) {
    if (error instanceof OakumError && error.code === 'DER_INVALID')
      throw invalidAnswer(NAME, url, 'it is no timestamp');
    throw error;
  }
}

function members(value: DerValue): readonly DerValue[] {
  return readDerValues(value.content);
}
