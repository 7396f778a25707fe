// SPDX-License-Identifier: Apache-2.0
import type { SignedEntity } from '@sigstore/verify';
import type { Digest } from '#core';
import type { ReadStatement } from '../statement.ts';

/** A signed thing as found beside an image, taken apart, nothing of it checked. */
export interface SignedThing {
  /** Where it was found, for reports. */
  readonly place: string;
  /** What it was found in: the referrer's manifest, or the layer of a cosign tag. */
  readonly digest: Digest;
  readonly format: 'sigstore-bundle' | 'cosign-signature' | 'cosign-attestation';
  readonly entity: SignedEntity;
  /** The signer's certificate (DER) that came with it. */
  readonly certificate: Buffer | undefined;
  readonly content: ThingContent;
  /** Log entries of a kind that the Sigstore library does not read: checked by {@link checkOldEntry}. */
  readonly oldEntries: readonly OldEntry[];
}

/** What is signed: an in-toto statement, or cosign 2's text that names a digest. */
export type ThingContent =
  | { readonly kind: 'statement'; readonly statement: ReadStatement }
  | { readonly kind: 'simple-signing'; readonly digest: string };

/** A Rekor entry of kind `intoto` 0.0.1, as cosign 1 and early cosign 2 made for attestations: it holds the envelope's hash. */
export interface OldEntry {
  readonly entry: SignedEntity['tlogEntries'][number];
  /** The envelope, byte for byte as it was sent to the log. */
  readonly envelope: Buffer;
}

/** What was found at one place: a signed thing, or why there is none. */
export type Finding =
  | { readonly kind: 'thing'; readonly thing: SignedThing }
  | { readonly kind: 'fault'; readonly place: string; readonly reason: string };

/** How far a check of a signed thing came; the later the step, the closer it was to being trusted. */
export const STEPS = [
  'format',
  'key',
  'certificate',
  'timestamp',
  'transparency',
  'signature',
  'identity',
  'age',
  'subject',
  'predicate',
] as const;

/** One of {@link STEPS}. */
export type Step = (typeof STEPS)[number];
