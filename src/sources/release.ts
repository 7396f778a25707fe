// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cache } from '#cache';
import { messageOf } from '#core';
import { compareModuleVersions, type ModuleVersion, prereleaseOf } from '#formats';
import { SourcesError } from './error.ts';
import { nameOf } from './module-name.ts';
import type { ProvedModule } from './prove.ts';

/** One controller of a Flux release, as flux2's own manifests name it. */
export interface ReleaseComponent {
  /** `source-controller`. */
  readonly name: string;
  /** The Go module path, with its major suffix. */
  readonly module: string;
  readonly version: string;
}

/** A Flux release: which version each component has, and the flux2 module that says so. */
export interface FluxRelease {
  /** Without the `v`: `2.9.2`. */
  readonly version: string;
  readonly module: ProvedModule;
  readonly components: readonly ReleaseComponent[];
  /** Newer versions of the line that were passed over, newest first. */
  readonly skipped: readonly { readonly version: string; readonly reason: string }[];
}

/** What releases are found and read with. */
export interface ReleaseReader {
  readonly cache: Cache;
  readonly versions: (path: string) => Promise<readonly string[]>;
  readonly isServed: (module: ModuleVersion) => Promise<boolean>;
  readonly prove: (module: ModuleVersion) => Promise<ProvedModule>;
  readonly folderOf: (module: ProvedModule) => Promise<string>;
}

const PROBE_BATCH = 8;
const MAX_PATCH = 200;
const PASSED_OVER = new Set(['MODULE_NOT_SERVED', 'VERSION_UNKNOWN', 'DATABASE_LACKS_MODULE']);

/**
 * Finds a Flux release: `2.9.2` or `v2.9.2` is that one; `2.9` the newest of its line whose components are all served
 * and proved. `known` adds versions to those that the proxy lists, since its list may be incomplete: both, and what
 * answers when asked for, are candidates. Throws `VERSION_UNKNOWN` saying which are known.
 */
export async function findRelease(
  reader: ReleaseReader,
  wanted: string,
  known: readonly string[],
): Promise<FluxRelease> {
  const [, text, line] = /^v?((\d{1,3}\.\d{1,3})(?:\.\d{1,4}(?:-[0-9A-Za-z.-]+)?)?)$/.exec(wanted) ?? [];
  if (text === undefined || line === undefined) {
    throw new SourcesError('VERSION_UNKNOWN', `${JSON.stringify(wanted)} is not a Flux version`, {
      hint: 'Write 2.9.2 for a release, or 2.9 for the newest of its line.',
    });
  }
  if (text === line) return newestOfLine(reader, line, known);
  const module = { path: fluxPath(text), version: `v${text}` };
  const proved = await reader.prove(module).catch(async (error: unknown) => {
    if (!(error instanceof SourcesError && error.code === 'VERSION_UNKNOWN')) throw error;
    throw await unknown(reader, text, known);
  });
  return { ...(await readRelease(reader, proved)), skipped: [] };
}

async function newestOfLine(reader: ReleaseReader, line: string, known: readonly string[]): Promise<FluxRelease> {
  const path = fluxPath(line);
  const skipped: { version: string; reason: string }[] = [];
  for (const version of await candidates(reader, line, known)) {
    try {
      const release = await readRelease(reader, await reader.prove({ path, version }));
      await Promise.all(
        release.components.map(async (component) => {
          const module = { path: component.module, version: component.version };
          await reader.prove(module);
          if (!(await reader.isServed(module))) {
            throw new SourcesError('MODULE_NOT_SERVED', `${nameOf(module)} is not served by the Go module proxy`);
          }
        }),
      );
      return { ...release, skipped };
    } catch (error) {
      if (!(error instanceof SourcesError) || !PASSED_OVER.has(error.code)) throw error;
      skipped.push({ version: version.slice(1), reason: messageOf(error) });
    }
  }
  throw await unknown(reader, line, known, skipped);
}

/** The line's versions, newest first: listed, known from elsewhere, or served when asked for by number. */
async function candidates(reader: ReleaseReader, line: string, known: readonly string[]): Promise<readonly string[]> {
  const path = fluxPath(line);
  const named = [...(await reader.versions(path)), ...known.map((version) => `v${version.replace(/^v/, '')}`)];
  const found = new Set(named.filter((version) => version.startsWith(`v${line}.`) && prereleaseOf(version) === ''));
  const newest = Math.max(-1, ...[...found].map((version) => Number(version.split('.')[2])));
  for (let start = 0; start <= MAX_PATCH; start += PROBE_BATCH) {
    const numbers = Array.from({ length: PROBE_BATCH }, (_, index) => start + index);
    const served = await Promise.all(
      numbers.map(async (patch) => {
        const version = `v${line}.${patch}`;
        if (found.has(version) || !(await reader.isServed({ path, version }))) return false;
        found.add(version);
        return true;
      }),
    );
    if (!served.includes(true) && start + PROBE_BATCH > newest) break;
  }
  return [...found].sort((a, b) => compareModuleVersions(b, a));
}

/** Reads the components from `manifests/bases/<name>/kustomization.yaml`: the release URLs there carry the versions. */
async function readRelease(reader: ReleaseReader, module: ProvedModule): Promise<Omit<FluxRelease, 'skipped'>> {
  const { path, version, zipHash } = module;
  const step = await reader.cache.step(
    { name: 'read-flux-release', inputs: { path, version, zipHash } },
    () => [],
    async () => {
      const bases = join(await reader.folderOf(module), 'manifests/bases');
      const names = (await readdir(bases).catch(() => [])).sort((a, b) => (a < b ? -1 : 1));
      const read = await Promise.all(names.map((name) => readComponent(join(bases, name, 'kustomization.yaml'))));
      const components = read.filter((component) => component !== undefined);
      if (components.length === 0) throw notRead(module, 'its manifests name no component');
      return components.map((component) => ({ ...component }));
    },
  );
  return { version: version.slice(1), module, components: step.value };
}

async function readComponent(file: string): Promise<ReleaseComponent | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { parse } = await import('yaml');
  const document: unknown = parse(text);
  const resources = (document as { resources?: unknown } | null)?.resources;
  const found = new Map<string, { name: string; version: string }>();
  for (const resource of Array.isArray(resources) ? resources : []) {
    const [, name, version] =
      /^https:\/\/github\.com\/fluxcd\/([a-z0-9-]+)\/releases\/download\/(v\d+\.\d+\.\d+[0-9A-Za-z.-]*)\//.exec(
        String(resource),
      ) ?? [];
    if (name !== undefined && version !== undefined) found.set(`${name}@${version}`, { name, version });
  }
  const [first, second] = found.values();
  if (second !== undefined) {
    throw new SourcesError('RELEASE_INVALID', 'one component of the Flux release has two versions', { where: file });
  }
  if (first === undefined) return undefined;
  return { ...first, module: `github.com/fluxcd/${first.name}${majorSuffix(first.version)}` };
}

/** https://go.dev/ref/mod#major-version-suffixes: none for 0 and 1. */
function majorSuffix(version: string): string {
  const major = /^v?(\d+)/.exec(version)?.[1] ?? '0';
  return Number(major) < 2 ? '' : `/v${major}`;
}

/** Gives the Go module whose versions are Flux's releases, for a version or line such as `2.9`. */
export function fluxPath(version: string): string {
  return `github.com/fluxcd/flux2${majorSuffix(version)}`;
}

async function unknown(
  reader: ReleaseReader,
  wanted: string,
  known: readonly string[],
  skipped: FluxRelease['skipped'] = [],
): Promise<SourcesError> {
  const listed = await reader.versions(fluxPath(wanted)).catch(() => []);
  const all = [...new Set([...listed.map((version) => version.slice(1)), ...known])].sort(compareBare).slice(-20);
  const why = skipped.map((one) => `${one.version} was passed over: ${one.reason}`).join('; ');
  return new SourcesError(
    'VERSION_UNKNOWN',
    `the Go module proxy has no Flux ${wanted}${skipped.length === 0 ? '' : ` that can be built (${why})`}`,
    {
      hint:
        all.length === 0
          ? 'The proxy lists no versions of Flux at all; check that GOPROXY names the proxy you mean.'
          : `Known are ${all.join(', ')}; the proxy may serve more than it lists.`,
    },
  );
}

function compareBare(a: string, b: string): number {
  return compareModuleVersions(`v${a}`, `v${b}`);
}

function notRead(module: ModuleVersion, why: string): SourcesError {
  return new SourcesError('RELEASE_INVALID', `the components of ${nameOf(module)} cannot be read: ${why}`);
}
