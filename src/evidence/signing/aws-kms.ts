// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { Clock, Http } from '#core';
import { EvidenceError } from '../error.ts';
import { type AwsCredentials, signAwsRequest } from './aws-request.ts';
import type { DigestAlgorithm, KeyService } from './kms-signer.ts';
import { callService, invalidAnswer, parseAnswer, requireSecure } from './service.ts';

const NAME = 'key management service';

/** A key in AWS KMS. `endpoint` is where a private or emulated service is. */
export interface AwsKmsOptions {
  readonly http: Http;
  readonly clock: Clock;
  /** A key id, an ARN, or `alias/NAME`. */
  readonly keyId: string;
  readonly region: string;
  readonly credentials: AwsCredentials;
  readonly endpoint?: string;
}

/** What a reference to a key names; the region is known when the key is named by its ARN. */
export interface AwsKeyReference {
  readonly keyId: string;
  readonly region?: string;
  readonly endpoint?: string;
}

const ALGORITHMS: Readonly<Record<DigestAlgorithm, string>> = {
  'ecdsa-sha256': 'ECDSA_SHA_256',
  'rsa-pkcs1-sha256': 'RSASSA_PKCS1_V1_5_SHA_256',
};

/**
 * Takes a reference as cosign writes it, `awskms:///alias/oakum`, `awskms:///arn:aws:kms:REGION:...` or
 * `awskms://ENDPOINT/KEY`; gives its parts, undefined where it is none.
 */
export function parseAwsKeyReference(text: string): AwsKeyReference | undefined {
  const [, endpoint = '', keyId = ''] = /^awskms:\/\/([^/\s]*)\/(\S+)$/.exec(text) ?? [];
  if (!/^(arn:aws[\w-]*:kms:[\w-]+:\d{12}:(key|alias)\/)?[\w/:-]+$/.test(keyId)) return undefined;
  const region = /^arn:aws[\w-]*:kms:([\w-]+):/.exec(keyId)?.[1];
  return {
    keyId,
    ...(region === undefined ? {} : { region }),
    ...(endpoint === '' ? {} : { endpoint: `https://${endpoint}` }),
  };
}

/** Gives a key in AWS KMS (API reference, GetPublicKey and Sign with MessageType DIGEST). Nothing is asked before it is used. */
export function openAwsKms(options: AwsKmsOptions): KeyService {
  const { http, region, keyId, credentials } = options;
  if (!/^[a-z0-9-]+$/.test(region)) throw new EvidenceError('KMS_INVALID', `"${region}" is no AWS region`);
  const url = `${(options.endpoint ?? `https://kms.${region}.amazonaws.com`).replace(/\/+$/, '')}/`;
  requireSecure(NAME, url);

  async function ask(action: string, body: object): Promise<unknown> {
    const request = {
      method: 'POST',
      url,
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${action}` },
      body: JSON.stringify({ KeyId: keyId, ...body }),
    };
    const now = options.clock.now();
    const { host: _, ...headers } = signAwsRequest(request, { credentials, region, service: 'kms', now });
    const answer = await callService(
      { http, url },
      {
        name: NAME,
        headers,
        body: request.body,
        secrets: [credentials.secretAccessKey, credentials.sessionToken ?? '', credentials.accessKeyId],
        hint: `Check that the key is there, that its usage is SIGN_VERIFY, and that these credentials may use kms:${action}.`,
      },
    );
    return parseAnswer(NAME, url, answer.body);
  }

  return {
    description: `AWS KMS ${keyId}`,
    publicKey: async () => {
      const answer = z.object({ PublicKey: z.base64() }).safeParse(await ask('GetPublicKey', {}));
      if (!answer.success) throw invalidAnswer(NAME, url, 'it holds no public key');
      return importSpki(Buffer.from(answer.data.PublicKey, 'base64'), url);
    },
    signDigest: async (digest, algorithm) => {
      const Message = Buffer.from(digest).toString('base64');
      const asked = { Message, MessageType: 'DIGEST', SigningAlgorithm: ALGORITHMS[algorithm] };
      const answer = z.object({ Signature: z.base64() }).safeParse(await ask('Sign', asked));
      if (!answer.success) throw invalidAnswer(NAME, url, 'it holds no signature');
      return Buffer.from(answer.data.Signature, 'base64');
    },
  };
}

function importSpki(key: Buffer, url: string): KeyObject {
  try {
    return createPublicKey({ key, format: 'der', type: 'spki' });
  } catch {
    throw invalidAnswer(NAME, url, 'its public key is none');
  }
}
