// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type LocatedYaml, locateYaml, toFaults } from '#formats';
import { CompatibilityError } from '../error.ts';

/** Where controllers made with kubebuilder keep their CustomResourceDefinitions. */
const CRD_FOLDER = 'config/crd/bases';

const MOST = { files: 200, bytes: 4 << 20, versions: 50 } as const;

/** One version of a kind as its CustomResourceDefinition declares it. */
export interface ApiVersion {
  readonly name: string;
  readonly storage: boolean;
  readonly deprecated: boolean;
}

/** A kind and its served versions, the most stable and newest first. */
export interface ApiKind {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly versions: readonly ApiVersion[];
}

/** Of a CustomResourceDefinition (apiextensions.k8s.io/v1) only what tells which versions there are; its schemas are most of it. */
const definition = z.object({
  apiVersion: z.literal('apiextensions.k8s.io/v1'),
  kind: z.literal('CustomResourceDefinition'),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    group: z.string().regex(/^[a-z0-9]+(?:[.-][a-z0-9]+)+$/, 'must be the name of an API group'),
    names: z.object({
      kind: z.string().regex(/^[A-Z][A-Za-z0-9]{0,62}$/, 'must be the name of a kind'),
      plural: z.string().regex(/^[a-z][a-z0-9]{0,62}$/, 'must be a plural name'),
    }),
    versions: z
      .array(
        z.object({
          name: z.string().regex(/^v[0-9]+(?:(?:alpha|beta)[0-9]+)?$/, 'must be a version like v1 or v1beta2'),
          served: z.boolean(),
          storage: z.boolean(),
          deprecated: z.boolean().default(false),
        }),
      )
      .min(1)
      .max(MOST.versions),
  }),
});

/**
 * Reads the CustomResourceDefinitions that a controller's source declares; none where it has no such folder. Throws `CRD_INVALID` with
 * file and line.
 */
export async function readCrds(source: string): Promise<readonly ApiKind[]> {
  const folder = join(source, CRD_FOLDER);
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.yaml')).sort();
  if (names.length > MOST.files) throw invalid(folder, `it holds ${names.length} files, more than ${MOST.files}`);
  const kinds = await Promise.all(names.map((name) => readCrd(join(folder, name), `${CRD_FOLDER}/${name}`)));
  return kinds.filter((kind) => kind !== undefined);
}

async function readCrd(file: string, shown: string): Promise<ApiKind | undefined> {
  if ((await stat(file)).size > MOST.bytes) throw invalid(shown, `it is larger than ${MOST.bytes} bytes`);
  return parseCrd(await readFile(file, 'utf8'), shown);
}

/** Takes the text of a CustomResourceDefinition; gives its kind, or undefined where none of its versions is served. Throws `CRD_INVALID`. */
export function parseCrd(text: string, file: string): ApiKind | undefined {
  const located = locateYaml(text, file);
  const [syntax] = located.faults;
  if (syntax !== undefined) throw invalid(syntax.where, syntax.message);
  const parsed = definition.safeParse(located.value);
  if (!parsed.success) {
    const [fault] = toFaults(located, parsed.error);
    throw invalid(fault?.where ?? file, fault?.message ?? 'it is no CustomResourceDefinition');
  }
  const { metadata, spec } = parsed.data;
  requireConsistent(parsed.data, located);
  const versions = spec.versions
    .filter(({ served }) => served)
    .map(({ name, storage, deprecated }) => ({ name, storage, deprecated }))
    .sort((a, b) => compareApiVersions(b.name, a.name));
  if (versions.length === 0) return undefined;
  return { group: spec.group, kind: spec.names.kind, plural: metadata.name.split('.', 1)[0] ?? '', versions };
}

/** What the API server would refuse (apiextensions.k8s.io/v1: the name is `plural.group`, and exactly one version is stored). */
function requireConsistent({ metadata, spec }: z.output<typeof definition>, located: LocatedYaml): void {
  const name = `${spec.names.plural}.${spec.group}`;
  if (metadata.name !== name) throw invalid(located.where(['metadata', 'name']), `its name must be ${name}`);
  const stored = spec.versions.filter(({ storage }) => storage);
  if (stored.length !== 1)
    throw invalid(located.where(['spec', 'versions']), `${stored.length} versions are stored; it must be one`);
  const names = spec.versions.map((version) => version.name);
  const twice = names.findIndex((one, index) => names.indexOf(one) !== index);
  if (twice >= 0) throw invalid(located.where(['spec', 'versions', twice]), `${names[twice]} is there twice`);
}

/** Orders API versions as Kubernetes does: stable before beta before alpha, then by number. */
export function compareApiVersions(a: string, b: string): number {
  const [majorA, levelA, minorA] = rankOf(a);
  const [majorB, levelB, minorB] = rankOf(b);
  return levelA - levelB || majorA - majorB || minorA - minorB;
}

/** Says how stable a version is. */
export function stabilityOf(version: string): 'stable' | 'beta' | 'alpha' {
  return version.includes('alpha') ? 'alpha' : version.includes('beta') ? 'beta' : 'stable';
}

function rankOf(version: string): readonly [major: number, level: number, minor: number] {
  const [, major = '0', minor = '0'] = /^v(\d+)(?:(?:alpha|beta)(\d+))?$/.exec(version) ?? [];
  return [Number(major), { alpha: 0, beta: 1, stable: 2 }[stabilityOf(version)], Number(minor)];
}

function invalid(where: string, message: string): CompatibilityError {
  return new CompatibilityError('CRD_INVALID', `this is no usable CustomResourceDefinition: ${message}`, { where });
}
