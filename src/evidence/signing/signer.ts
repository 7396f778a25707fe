// SPDX-License-Identifier: Apache-2.0
import { canonicalJson, type DsseEnvelope, type Json, preAuthEncoding, toDsseEnvelope } from '#formats';
import type { PayloadSignature } from '../attach/cosign-tags.ts';
import { STATEMENT_MEDIA_TYPE, type Statement } from '../statement.ts';
import { toBundle } from './bundle.ts';
import type { Identity } from './identity.ts';
import { toPayloadSignature, toTimestampJson } from './payload-signature.ts';
import { type Expected, recognisesBundle, recognisesPayload } from './recognise.ts';
import type { Witnesses } from './witnesses.ts';

/** Signs claims, and knows its own signatures again. */
export interface Signer {
  readonly kind: 'key' | 'keyless' | 'kms';
  /** For people: which key, or whose token; never a secret. */
  readonly description: string;
  /** Signs a statement: a DSSE envelope in a Sigstore bundle v0.3, with what the witnesses add. */
  sign(statement: Statement): Promise<SignedStatement>;
  /** Signs bytes as they are, which is what cosign 2 wants for its `.sig` tags. */
  signPayload(payload: Buffer): Promise<PayloadSignature>;
  /** Gives a timestamp of bytes, in the JSON of cosign 2's annotation; undefined where there is no timestamp authority. */
  stamp(bytes: Buffer): Promise<string | undefined>;
  /** Says whether a bundle is signed by this signer and witnessed as this signer would have it. */
  recognises(bundle: Json): Promise<boolean>;
  /** Says the same of a signature over bytes. */
  recognisesPayload(payload: Buffer, signature: PayloadSignature): Promise<boolean>;
}

/** A statement, and the Sigstore bundle (media type `application/vnd.dev.sigstore.bundle.v0.3+json`) that proves who said it. */
export interface SignedStatement {
  readonly statement: Statement;
  readonly bundle: Json;
}

/** What {@link createSigner} makes a signer of. `open` is asked before each signature. */
export interface SignerParts {
  readonly kind: Signer['kind'];
  readonly description: string;
  readonly open: () => Promise<Identity>;
  readonly witnesses: Witnesses;
}

/** Gives the signer that signs with an identity and has its signatures witnessed. */
export function createSigner({ kind, description, open, witnesses }: SignerParts): Signer {
  const expected = async (): Promise<Expected> => ({
    ...(await open()),
    logged: witnesses.logs,
    stamped: witnesses.stamps,
  });
  return {
    kind,
    description,
    sign: async (statement) => {
      const identity = await open();
      const envelope = await signEnvelope(identity, statement);
      const testimony = await witnesses.witness({ kind: 'envelope', envelope, identity });
      return { statement, bundle: toBundle(envelope, identity, testimony) };
    },
    signPayload: async (payload) => {
      const identity = await open();
      const signature = await identity.signBytes(payload);
      const testimony = await witnesses.witness({ kind: 'payload', payload, signature, identity });
      return toPayloadSignature(signature, identity, testimony);
    },
    stamp: async (bytes) => {
      const timestamp = await witnesses.stamp(bytes);
      return timestamp === undefined ? undefined : toTimestampJson(timestamp);
    },
    recognises: async (bundle) => recognisesBundle(bundle, await expected()),
    recognisesPayload: async (payload, signature) => recognisesPayload(payload, signature, await expected()),
  };
}

/** The payload is canonical JSON: the same statement is the same bytes, signed again or not. */
async function signEnvelope(identity: Identity, statement: Statement): Promise<DsseEnvelope> {
  const payload = Buffer.from(canonicalJson(toJson(statement)), 'utf8');
  const signature = await identity.signBytes(preAuthEncoding(STATEMENT_MEDIA_TYPE, payload));
  return toDsseEnvelope(STATEMENT_MEDIA_TYPE, payload, signature);
}

function toJson({ _type, subject, predicateType, predicate }: Statement): Json {
  return {
    _type,
    subject: subject.map(({ name, digest }) => ({ name, digest: { ...digest } })),
    predicateType,
    predicate,
  };
}
