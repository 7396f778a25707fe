// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { EvidenceError } from '../error.ts';
import { PREDICATES } from '../statement.ts';

/** One thing that provenance says was used. */
export interface ReadMaterial {
  readonly name: string | undefined;
  readonly uri: string | undefined;
  readonly digest: Readonly<Record<string, string>>;
}

/** A git repository that provenance says was built from: without `git+` and ref, and the commit where it tells. */
export interface ReadSource {
  readonly repository: string;
  readonly ref: string | undefined;
  readonly commit: string | undefined;
}

/** What provenance of either version says, ours or other people's; claims, until its signature is verified. Times as written. */
export interface ProvenanceReading {
  readonly builderId: string;
  readonly buildType: string;
  readonly invocationId: string | undefined;
  readonly startedOn: string | undefined;
  readonly finishedOn: string | undefined;
  readonly versions: Readonly<Record<string, string>>;
  /** External parameters (v1), parameters (v0.2). */
  readonly parameters: unknown;
  readonly sources: readonly ReadSource[];
  readonly materials: readonly ReadMaterial[];
}

/** Empty strings stand for absence in what Go programs write. */
const text = z
  .string()
  .nullish()
  .transform((value) => value || undefined);
const digests = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});
const resource = z.object({ name: text, uri: text, digest: digests });
const resources = z
  .array(resource)
  .nullish()
  .transform((value) => value ?? []);

const v1Schema = z.object({
  buildDefinition: z.object({
    buildType: z.string().min(1),
    externalParameters: z.unknown(),
    resolvedDependencies: resources,
  }),
  runDetails: z.object({
    builder: z.object({ id: z.string().min(1), version: digests }),
    metadata: z.object({ invocationId: text, startedOn: text, finishedOn: text }).nullish(),
  }),
});

const v02Schema = z.object({
  builder: z.object({ id: z.string().min(1) }),
  buildType: z.string().min(1),
  invocation: z
    .object({
      configSource: z.object({ uri: text, digest: digests }).nullish(),
      parameters: z.unknown(),
    })
    .nullish(),
  metadata: z.object({ buildInvocationId: text, buildStartedOn: text, buildFinishedOn: text }).nullish(),
  materials: resources,
});

/** Says whether a predicate type is provenance that {@link readProvenance} reads. */
export function isProvenanceType(predicateType: string): boolean {
  return predicateType === PREDICATES.provenanceV1 || predicateType === PREDICATES.provenanceV02;
}

/** Reads a SLSA provenance predicate, v1 or v0.2. Throws `PROVENANCE_INVALID` for another type or one that lacks what it must have. */
export function readProvenance(predicateType: string, predicate: unknown, where?: string): ProvenanceReading {
  if (predicateType === PREDICATES.provenanceV1) return readV1(checked(v1Schema, predicate, where));
  if (predicateType === PREDICATES.provenanceV02) return readV02(checked(v02Schema, predicate, where));
  const details = where === undefined ? {} : { where };
  throw new EvidenceError('PROVENANCE_INVALID', `${predicateType} is no SLSA provenance of version 1 or 0.2`, details);
}

function readV1({ buildDefinition, runDetails }: z.output<typeof v1Schema>): ProvenanceReading {
  const { builder, metadata } = runDetails;
  const materials = buildDefinition.resolvedDependencies;
  return {
    builderId: builder.id,
    buildType: buildDefinition.buildType,
    invocationId: metadata?.invocationId,
    startedOn: metadata?.startedOn,
    finishedOn: metadata?.finishedOn,
    versions: builder.version,
    parameters: buildDefinition.externalParameters,
    sources: sourcesOf(materials),
    materials,
  };
}

function readV02({
  builder,
  buildType,
  invocation,
  metadata,
  materials,
}: z.output<typeof v02Schema>): ProvenanceReading {
  const config = invocation?.configSource;
  const configSource = config == null ? [] : [{ name: undefined, ...config }];
  return {
    builderId: builder.id,
    buildType,
    invocationId: metadata?.buildInvocationId,
    startedOn: metadata?.buildStartedOn,
    finishedOn: metadata?.buildFinishedOn,
    versions: {},
    parameters: invocation?.parameters,
    sources: sourcesOf([...materials, ...configSource]),
    materials,
  };
}

/**
 * `git+https://host/path@refs/tags/v1`, or BuildKit's `https://host/path.git#refs/tags/v1`: the address, then the ref. The
 * user before a host's `@` belongs to the address.
 */
const GIT_URI = /^(git\+)?([a-z]+:\/\/[^/]*\/[^@#]*)(?:@([^#]*))?(?:#(.*))?$/;

/** The commit is in the digests: gitCommit, or sha1 in version 0.2. */
function sourcesOf(materials: readonly ReadMaterial[]): readonly ReadSource[] {
  const found = materials.flatMap(({ uri, digest }): [string, ReadSource][] => {
    const [, isGit, url, ref, fragment] = GIT_URI.exec(uri ?? '') ?? [];
    if (url === undefined || (isGit === undefined && !url.endsWith('.git'))) return [];
    const repository = url.replace(/\/$/, '').replace(/\.git$/, '');
    const source = { repository, ref: ref ?? fragment, commit: digest['gitCommit'] ?? digest['sha1'] };
    return [[JSON.stringify(source), source]];
  });
  return [...new Map(found).values()];
}

function checked<T>(schema: z.ZodType<T>, predicate: unknown, where: string | undefined): T {
  const parsed = schema.safeParse(predicate);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
  throw new EvidenceError('PROVENANCE_INVALID', `no SLSA provenance: ${faults.join('; ')}`, {
    ...(where === undefined ? {} : { where }),
    cause: parsed.error,
  });
}
