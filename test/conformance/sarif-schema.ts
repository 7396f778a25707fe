// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';

/** Microsoft's package brings the schema of the standard, and a validator for its draft of JSON Schema. */
const fromMicrosoft = createRequire(createRequire(import.meta.url).resolve('@microsoft/jest-sarif/package.json'));
const Ajv6 = fromMicrosoft('ajv') as new (
  options: object,
) => { addMetaSchema(schema: unknown): void; compile(schema: unknown): Validate; errorsText(errors: unknown): string };
type Validate = ((value: unknown) => boolean) & { errors?: unknown };
const draft4 = new Ajv6({ schemaId: 'id', meta: false, allErrors: true });
draft4.addMetaSchema(fromMicrosoft('ajv/lib/refs/json-schema-draft-04.json'));

/** Says whether a value fits the schema of SARIF 2.1.0; its `errors` tell what of the last one did not. */
export const isSarif = draft4.compile(fromMicrosoft('./lib/schemas/sarif-2.1.0-rtm.5.json'));

/** Gives what of a value does not fit the schema, in words; nothing where it fits. */
export function sarifFaults(value: unknown): string {
  return isSarif(value) ? '' : draft4.errorsText(isSarif.errors);
}
