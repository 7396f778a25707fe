// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { PREDICATES } from '../statement.ts';

const text = z.string().min(1);

/** The members without which a predicate says nothing, by its type. */
const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  // SLSA provenance v1, "Model": both are required.
  [PREDICATES.provenanceV1]: z.object({
    buildDefinition: z.object({ buildType: text }),
    runDetails: z.object({ builder: z.object({ id: text }) }),
  }),
  // SLSA provenance v0.2.
  [PREDICATES.provenanceV02]: z.object({ builder: z.object({ id: text }), buildType: text }),
  // SPDX 2.3, clause 6: the document; a list of no package describes nothing.
  [PREDICATES.spdx]: z.object({ spdxVersion: text, packages: z.array(z.unknown()).min(1) }),
  [PREDICATES.cyclonedx]: z.object({ bomFormat: z.literal('CycloneDX'), components: z.array(z.unknown()).min(1) }),
  [PREDICATES.openvex]: z.object({ statements: z.array(z.unknown()).min(1) }),
  // in-toto test-result v0.1: both are required.
  [PREDICATES.testResult]: z.object({
    result: z.enum(['PASSED', 'WARNED', 'FAILED']),
    configuration: z.array(z.unknown()).min(1),
  }),
  // in-toto vulns v0.2: a scanner that found nothing has an empty list.
  [PREDICATES.vulnerabilities]: z.object({
    scanner: z.object({ uri: text, db: z.object({ lastUpdate: text }), result: z.array(z.object({ id: text })) }),
    metadata: z.object({ scanStartedOn: text, scanFinishedOn: text }),
  }),
  'https://openvex.dev/ns/v0.2.0': z.object({ statements: z.array(z.unknown()).min(1) }),
};

const anything = z.record(z.string(), z.unknown()).refine((value) => Object.keys(value).length > 0, 'it is empty');

/** Takes a predicate and its type; gives why it says nothing, or undefined. A signed but empty one proves nothing. */
export function predicateFault(predicateType: string, predicate: unknown): string | undefined {
  const parsed = (SCHEMAS[predicateType] ?? anything).safeParse(predicate);
  if (parsed.success) return undefined;
  const faults = parsed.error.issues.slice(0, 3).map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
  return `the predicate is empty or no ${predicateType}: ${faults.join('; ')}`;
}
