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

/** What an image's provenance claims it to be; not verified. */
export interface ImageClaim {
  readonly distribution: string;
  readonly revision: string;
  readonly channel: string;
  readonly component: string;
  readonly platform: string;
}

const text = z.string().max(4096);
const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,127}$/i);
const imageClaim = z.object({
  buildDefinition: z.object({
    externalParameters: z.object({
      distribution: name,
      revision: z.string().regex(/^\d{1,6}\.\d{1,6}\.\d{1,6}(?:-[a-z]+\.\d{1,6})?-r\d{1,6}$/),
      channel: name,
      component: name,
      platform: text,
    }),
  }),
});
const provenance = z.object({
  buildDefinition: z.object({
    externalParameters: z.object({ component: text, release: text, revision: text, platform: text }),
    internalParameters: z.object({
      steps: z.object({ compile: z.object({ argv: z.array(text), env: z.record(text, text) }) }),
    }),
    resolvedDependencies: z.array(z.object({ name: text, uri: text, digest: z.record(text, text) })).max(100_000),
  }),
});

/** Takes a SLSA provenance v1 predicate; gives what it claims the image to be. Throws `REACHABILITY_INVALID` for one that Oakum did not write. */
export function readImageClaim(predicate: unknown, where: string): ImageClaim {
  const parsed = imageClaim.safeParse(predicate);
  if (parsed.success) return parsed.data.buildDefinition.externalParameters;
  throw new VulnerabilityError('REACHABILITY_INVALID', 'its provenance does not tell what it is', { where });
}

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
