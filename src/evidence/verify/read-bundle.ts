// SPDX-License-Identifier: Apache-2.0
import { type Digest, messageOf } from '#core';
import { parseStatement, STATEMENT_MEDIA_TYPE } from '../statement.ts';
import type { Finding } from './found.ts';

/** The two libraries that take bundles apart; loaded when the first is read. */
export async function sigstore() {
  const [bundle, verify] = await Promise.all([import('@sigstore/bundle'), import('@sigstore/verify')]);
  return { ...bundle, ...verify };
}

/** What {@link sigstore} gives. */
export type Sigstore = Awaited<ReturnType<typeof sigstore>>;

/** Where a bundle was found, and the digest of what holds it. */
export interface FoundAt {
  readonly place: string;
  readonly digest: Digest;
}

/**
 * Takes the JSON of a Sigstore bundle (versions 0.1 to 0.3) that holds a DSSE envelope with an in-toto statement; gives it
 * taken apart, or why it is none. Never throws: whatever stands in it came from outside.
 */
export function readBundle(library: Sigstore, value: unknown, { place, digest }: FoundAt): Finding {
  const fault = (reason: string): Finding => ({ kind: 'fault', place, reason });
  try {
    const bundle = library.bundleFromJSON(value);
    if (bundle.content.$case !== 'dsseEnvelope') return fault('the bundle signs bytes, not a statement about an image');
    const { payload, payloadType } = bundle.content.dsseEnvelope;
    if (payloadType !== STATEMENT_MEDIA_TYPE) {
      return fault(`the bundle holds ${JSON.stringify(payloadType.slice(0, 100))}, not an in-toto statement`);
    }
    const { content } = bundle.verificationMaterial;
    const certificate =
      content.$case === 'certificate'
        ? content.certificate.rawBytes
        : content.$case === 'x509CertificateChain'
          ? content.x509CertificateChain.certificates[0]?.rawBytes
          : undefined;
    return {
      kind: 'thing',
      thing: {
        place,
        digest,
        format: 'sigstore-bundle',
        entity: library.toSignedEntity(bundle),
        certificate,
        content: { kind: 'statement', statement: parseStatement(payload, place) },
        oldEntries: [],
      },
    };
  } catch (error) {
    return fault(`the bundle is malformed: ${messageOf(error)}`);
  }
}
