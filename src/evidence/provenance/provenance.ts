// SPDX-License-Identifier: Apache-2.0
import type { Json } from '#formats';
import { toRfc3339 } from '#image';
import { buildTypeOf, claimedLevel } from './levels.ts';
import { type Resource, toResources } from './materials.ts';
import type { BuildRecord } from './record.ts';

/** Gives a record as a SLSA provenance v1 predicate (slsa.dev/spec/v1.0/provenance). Deterministic: all times come from the record. */
export function toProvenanceV1(record: BuildRecord): Json {
  const { builder, invocation } = record;
  return {
    buildDefinition: {
      buildType: buildTypeOf(record.documentationBase),
      externalParameters: externalParameters(record),
      internalParameters: {
        ...environment(record),
        exemptions: exemptions(record),
        inputs: record.inputs,
        steps: steps(record),
      },
      resolvedDependencies: toResources(record).map(({ name, uri, digest }) => ({ name, uri, digest })),
    },
    runDetails: {
      builder: { id: builder.id, version: { ...builder.version } },
      metadata: {
        invocationId: invocation.id,
        startedOn: toRfc3339(invocation.startedOn),
        finishedOn: toRfc3339(invocation.finishedOn),
      },
    },
  };
}

/**
 * Gives a record as a SLSA provenance v0.2 predicate (slsa.dev/spec/v0.2/provenance), which older verifiers and buildx's
 * users read. Git commits are named `sha1` here besides, as v0.2's examples and tools do.
 */
export function toProvenanceV02(record: BuildRecord): Json {
  const { builder, invocation, request, materials } = record;
  const resources = toResources(record);
  const definition = resources.find(({ name }) => name === 'distribution.yaml');
  const { repository, commit } = materials.source;
  return {
    builder: { id: builder.id },
    buildType: buildTypeOf(record.documentationBase),
    invocation: {
      configSource: {
        ...(definition === undefined ? {} : { uri: definition.uri, digest: definition.digest }),
        entryPoint: `${request.channel}/${request.component}`,
      },
      parameters: externalParameters(record),
      environment: { ...environment(record), versions: { ...builder.version } },
    },
    buildConfig: { exemptions: exemptions(record), inputs: record.inputs, steps: steps(record) },
    metadata: {
      buildInvocationId: invocation.id,
      buildStartedOn: toRfc3339(invocation.startedOn),
      buildFinishedOn: toRfc3339(invocation.finishedOn),
      // The kernel and the CPU below the sandbox are not recorded, so the environment is not complete.
      completeness: { parameters: true, environment: false, materials: true },
      reproducible: true,
      ...(repository === undefined || commit === undefined
        ? {}
        : { [`${buildTypeOf(record.documentationBase)}#vcs`]: { source: repository, revision: commit } }),
    },
    materials: resources.map(toMaterial),
  };
}

function externalParameters({ request }: BuildRecord): { readonly [key: string]: Json } {
  return { ...request };
}

function environment({ builder }: BuildRecord): { readonly [key: string]: Json } {
  return { engine: builder.engine, sandbox: builder.sandbox, buildLevel: claimedLevel(builder) };
}

function exemptions({ materials }: BuildRecord): Json {
  return materials.exemptions
    .map(({ module, reason }) => ({ module, reason }))
    .sort((a, b) => (`${a.module} ${a.reason}` < `${b.module} ${b.reason}` ? -1 : 1));
}

function steps({ steps: recorded }: BuildRecord): Json {
  const entries = Object.entries(recorded).map(([name, { argv, env, parameters }]): [string, Json] => [
    name,
    { argv, env, parameters },
  ]);
  return Object.fromEntries(entries);
}

function toMaterial({ uri, digest }: Resource): Json {
  const { gitCommit } = digest;
  return { uri, digest: gitCommit === undefined ? digest : { ...digest, sha1: gitCommit } };
}
