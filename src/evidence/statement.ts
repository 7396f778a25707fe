// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { type Digest, hexOf } from '#core';
import type { Json } from '#formats';
import { EvidenceError } from './error.ts';

/** `_type` of an in-toto Statement, version 1. */
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';

/** The media type of a DSSE payload that holds a statement. */
export const STATEMENT_MEDIA_TYPE = 'application/vnd.in-toto+json';

/** What a statement speaks of: a name and the digest that counts. */
export interface Subject {
  readonly name: string;
  readonly digest: { readonly sha256: string };
}

/** A claim about digests (in-toto attestation framework, Statement v1). */
export interface Statement {
  readonly _type: typeof STATEMENT_TYPE;
  readonly subject: readonly Subject[];
  readonly predicateType: string;
  readonly predicate: Json;
}

/** The predicate types Oakum writes and reads. */
export const PREDICATES = {
  spdx: 'https://spdx.dev/Document',
  cyclonedx: 'https://cyclonedx.org/bom',
  provenanceV1: 'https://slsa.dev/provenance/v1',
  provenanceV02: 'https://slsa.dev/provenance/v0.2',
  cosignSignature: 'https://sigstore.dev/cosign/sign/v1',
  openvex: 'https://openvex.dev/ns',
  testResult: 'https://in-toto.io/attestation/test-result/v0.1',
  vulnerabilities: 'https://in-toto.io/attestation/vulns/v0.2',
  fipsReport: 'https://oakum.dev/fips-report/v1',
  handshakes: 'https://oakum.dev/handshakes/v1',
  rollback: 'https://oakum.dev/rollback/v1',
  verificationSummary: 'https://slsa.dev/verification_summary/v1',
} as const;

/** Takes a subject's name and digest, a predicate type and a predicate; gives the statement. */
export function toStatement(
  subject: { readonly name: string; readonly digest: Digest },
  predicateType: string,
  predicate: Json,
): Statement {
  return {
    _type: STATEMENT_TYPE,
    subject: [{ name: subject.name, digest: { sha256: hexOf(subject.digest) } }],
    predicateType,
    predicate,
  };
}

/** in-toto Statement v0.1 differs from v1 in its `_type` alone; older attestations carry it. */
const statementSchema = z.object({
  _type: z.enum([STATEMENT_TYPE, 'https://in-toto.io/Statement/v0.1']),
  subject: z.array(z.object({ name: z.string().default(''), digest: z.record(z.string(), z.string()) })).min(1),
  predicateType: z.string().min(1),
  predicate: z.unknown(),
});

/** A statement as read from outside: any digest algorithm, either version. */
export type ReadStatement = z.output<typeof statementSchema>;

/** Takes a DSSE payload; gives the statement in it. Throws `STATEMENT_INVALID`. */
export function parseStatement(payload: Uint8Array, where: string): ReadStatement {
  try {
    const parsed = statementSchema.safeParse(JSON.parse(Buffer.from(payload).toString('utf8')));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new EvidenceError('STATEMENT_INVALID', `no in-toto statement: ${issue?.path.join('.')}: ${issue?.message}`, {
      where,
    });
  } catch (error) {
    if (error instanceof EvidenceError) throw error;
    throw new EvidenceError('STATEMENT_INVALID', 'no in-toto statement: not JSON', { where, cause: error });
  }
}
