// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';
import { PREDICATES, type Statement, toStatement } from '#evidence';
import { type Json, readableJson } from '#formats';

/** `@context` of OpenVEX 0.2.0. An attestation's predicate type has no version (`PREDICATES.openvex`): so cosign's `--type openvex` asks. */
export const OPENVEX_CONTEXT = 'https://openvex.dev/ns/v0.2.0';

/** The statuses of OpenVEX 0.2.0 ("Status Labels"). */
export const VEX_STATUSES = ['not_affected', 'affected', 'fixed', 'under_investigation'] as const;

/** The justifications of `not_affected` (OpenVEX 0.2.0, "Status Justifications"). */
export const VEX_JUSTIFICATIONS = [
  'component_not_present',
  'vulnerable_code_not_present',
  'vulnerable_code_not_in_execute_path',
  'vulnerable_code_cannot_be_controlled_by_adversary',
  'inline_mitigations_already_exist',
] as const;

/** One of {@link VEX_STATUSES}. */
export type VexStatus = (typeof VEX_STATUSES)[number];

/** One of {@link VEX_JUSTIFICATIONS}. */
export type VexJustification = (typeof VEX_JUSTIFICATIONS)[number];

/** A piece of software, named by an IRI, by software identifiers or by hashes (`sha-256` to hex). */
export interface VexComponent {
  readonly '@id'?: string | undefined;
  readonly identifiers?:
    | { readonly purl?: string | undefined; readonly cpe22?: string | undefined; readonly cpe23?: string | undefined }
    | undefined;
  readonly hashes?: Readonly<Record<string, string>> | undefined;
}

/** What a statement is about; with subcomponents, it is about these inside the product alone. */
export interface VexProduct extends VexComponent {
  readonly subcomponents?: readonly VexComponent[] | undefined;
}

/** A vulnerability by its main name and the others that it has. */
export interface VexVulnerability {
  readonly '@id'?: string | undefined;
  readonly name: string;
  readonly description?: string | undefined;
  readonly aliases?: readonly string[] | undefined;
}

/** One statement; times are RFC 3339 text. Without a timestamp it has its document's. */
export interface VexStatement {
  readonly '@id'?: string | undefined;
  readonly version?: number | undefined;
  readonly vulnerability: VexVulnerability;
  readonly timestamp?: string | undefined;
  readonly last_updated?: string | undefined;
  readonly products?: readonly VexProduct[] | undefined;
  readonly status: VexStatus;
  readonly supplier?: string | undefined;
  readonly status_notes?: string | undefined;
  readonly justification?: VexJustification | undefined;
  readonly impact_statement?: string | undefined;
  readonly action_statement?: string | undefined;
  readonly action_statement_timestamp?: string | undefined;
}

/** An OpenVEX 0.2.0 document. */
export interface VexDocument {
  readonly '@context': string;
  readonly '@id': string;
  readonly author: string;
  readonly role?: string | undefined;
  readonly timestamp: string;
  readonly last_updated?: string | undefined;
  readonly version: number;
  readonly tooling?: string | undefined;
  readonly supplier?: string | undefined;
  readonly statements: readonly VexStatement[];
}

/** Gives a document's one text: keys sorted, two spaces, a newline at the end. */
export function formatOpenVex(document: VexDocument): string {
  return readableJson(toJson(document));
}

/** Takes an image's name and digest and the document about it; gives the in-toto statement to sign and attach. */
export function toVexAttestation(
  subject: { readonly name: string; readonly digest: Digest },
  document: VexDocument,
): Statement {
  return toStatement(subject, PREDICATES.openvex, toJson(document));
}

/** The document as JSON: what is undefined is left out. */
export function toJson(document: VexDocument): Json {
  return document as unknown as Json;
}
