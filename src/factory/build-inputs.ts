// SPDX-License-Identifier: Apache-2.0
import {
  type BaseDefinition,
  channelOfImage,
  type Definition,
  type Lock,
  type LockedRevision,
  parseDefinition,
  parseLock,
} from '#definition';
import type { Json } from '#formats';
import { formatRevision } from '#release';
import { FactoryError } from './error.ts';
import type { BuildRequest } from './images.ts';
import type { Job } from './prepare.ts';

/** What one image was built from, as its provenance has it: definition and lock without what other images need. */
export interface BuildInputs {
  readonly definition: Definition;
  readonly lock: Lock;
  readonly release: string;
  readonly revision: string;
}

/**
 * Cuts a build's definition and lock down to one image, for its provenance. Where things are fetched from is left out: addresses are
 * the reader's own, and every byte is proved by its hash.
 */
export function buildInputs(build: BuildRequest, job: Job, channel: string): Json {
  const { definition, lock, release, exemptions } = build;
  const { component, platform } = job;
  const own = channelOfImage(definition, channel, component);
  const { base: baseName } = own;
  const base = withoutPlaces(definition.bases[baseName]);
  const { flux, components } = lock.releases[release] ?? {};
  const { releases, packages, alpine, image } = lock.bases[baseName] ?? {};
  const revision = formatRevision({ release, number: build.revision });
  const patched = lock.revisions?.[revision];
  const inputs = {
    definition: {
      version: definition.version,
      name: definition.name,
      vendor: definition.vendor,
      registry: definition.registry,
      toolchain: definition.toolchain,
      ...(definition.experiments.length === 0 ? {} : { experiments: definition.experiments }),
      platforms: [platform],
      components: { [component]: definition.components[component] },
      channels: { [channel]: own },
      bases: { [baseName]: base },
      sources: { exemptions },
      ...(job.compiler === undefined ? {} : { buildRoot: { suites: definition.buildRoot.suites } }),
    },
    lock: {
      version: lock.version,
      compressor: lock.compressor,
      toolchains: { [definition.toolchain]: lock.toolchains[definition.toolchain] },
      bases: {
        [baseName]: {
          releases,
          packages: { [platform]: packages?.[platform] },
          ...(alpine === undefined
            ? {}
            : { alpine: { ...alpine, platforms: { [platform]: alpine.platforms[platform] } } }),
          ...(image === undefined ? {} : { image: { ...image, platforms: { [platform]: image.platforms[platform] } } }),
        },
      },
      releases: { [release]: { flux, components: { [component]: components?.[component] } } },
      ...(job.compiler === undefined ? {} : { buildRoot: lock.buildRoot }),
      ...(patched === undefined ? {} : { revisions: { [revision]: ofComponent(patched, component) } }),
    },
  };
  return JSON.parse(JSON.stringify(inputs)) as Json; // what is undefined is left out
}

/** Mirrors and key files are the reader's own; an image's name stays, since without it nobody could find the image. */
function withoutPlaces(base: BaseDefinition | undefined): Json {
  if (base === undefined) return {};
  if (base.kind === 'image') return { kind: base.kind, image: base.image };
  if (base.kind === 'alpine') {
    const { mirror: _mirror, keyring: _keyring, ...rest } = base;
    return rest;
  }
  const { mirror: _mirror, securityMirror: _security, keyring: _keyring, ...rest } = base;
  return rest;
}

/** The bases of the lock are the revision's own already, and what it does not fix built nothing. */
function ofComponent({ bases: _bases, ...patched }: LockedRevision, component: string): LockedRevision {
  const overlay = patched.components[component];
  return { ...patched, components: overlay === undefined ? {} : { [component]: overlay }, staying: [] };
}

/**
 * Takes a SLSA v1 predicate; gives the inputs in it, checked as files are, and what was asked for. Throws `PROVENANCE_INCOMPLETE`,
 * and `DefinitionError` with every fault.
 */
export function readBuildInputs(predicate: unknown, where: string): BuildInputs {
  const build = memberOf(predicate, 'buildDefinition');
  const inputs = memberOf(memberOf(build, 'internalParameters'), 'inputs');
  const [definition, lock] = [memberOf(inputs, 'definition'), memberOf(inputs, 'lock')];
  const parameters = memberOf(build, 'externalParameters');
  const [release, revision] = [memberOf(parameters, 'release'), memberOf(parameters, 'revision')];
  if (!definition || !lock || typeof release !== 'string' || typeof revision !== 'string') {
    throw new FactoryError('PROVENANCE_INCOMPLETE', 'the provenance does not hold what the image was built from', {
      where,
      hint: 'Only images that Oakum has built since it records this can be built again from their provenance alone.',
    });
  }
  const name = `provenance of ${where}`;
  return {
    definition: parseDefinition(JSON.stringify(definition), name),
    lock: parseLock(JSON.stringify(lock), name),
    release,
    revision,
  };
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}
