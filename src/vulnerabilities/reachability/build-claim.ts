// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { VulnerabilityError } from '../error.ts';

/** What an image's provenance claims of how its program was compiled. Nothing of it is verified here. */
export interface BuildClaim {
  readonly component: string;
  readonly release: string;
  readonly revision: string;
  readonly platform: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** All that went in, by name (`source`, `toolchain`, `module` ...), package URL and digests. */
  readonly materials: readonly {
    readonly name: string;
    readonly uri: string;
    readonly digest: Readonly<Record<string, string>>;
  }[];
}

const text = z.string().max(4096);
const provenance = z.object({
  buildDefinition: z.object({
    externalParameters: z.object({ component: text, release: text, revision: text, platform: text }),
    internalParameters: z.object({
      steps: z.object({ compile: z.object({ argv: z.array(text), env: z.record(text, text) }) }),
    }),
    resolvedDependencies: z.array(z.object({ name: text, uri: text, digest: z.record(text, text) })).max(100_000),
  }),
});

/** Takes a SLSA provenance v1 predicate; gives its claim. Throws `REACHABILITY_INVALID` for one that Oakum did not write. */
export function readBuildClaim(predicate: unknown, where: string): BuildClaim {
  const parsed = provenance.safeParse(predicate);
  if (!parsed.success)
    throw new VulnerabilityError('REACHABILITY_INVALID', 'its provenance does not tell how Oakum compiled it', {
      where,
    });
  const { externalParameters, internalParameters, resolvedDependencies } = parsed.data.buildDefinition;
  return {
    ...externalParameters,
    ...internalParameters.steps.compile,
    materials: resolvedDependencies,
  };
}
