// SPDX-License-Identifier: Apache-2.0
export { EvidenceError } from './error.ts';
export type { EvidenceErrorCode } from './error.ts';
export { parseStatement, PREDICATES, STATEMENT_MEDIA_TYPE, STATEMENT_TYPE, toStatement } from './statement.ts';
export type { ReadStatement, Statement, Subject } from './statement.ts';
