// SPDX-License-Identifier: Apache-2.0
// What tests of `oakum patch` put into the small world of outside.ts: modules with flaws, what depends on them, and advisories.
import { join } from 'node:path';
import { type LockedRevision, parseLock } from '#definition';
import type { PublishedModule } from '#testing';
import { below, goDatabase, goodMirror, writeMirror } from '../src/vulnerabilities/feeds/__fixtures__/mirror.ts';
import { readFile } from 'node:fs/promises';
import type { Outside } from './outside.ts';

const MODULE_TIME = '2026-07-13T10:27:39Z';

/** A module version: what go.mod says after its go line, and the other files. */
export interface ModuleText {
  readonly mod?: string;
  readonly go?: string;
  readonly files?: Readonly<Record<string, string>>;
}

/** Publishes one version of a module. */
export function publishModule(
  { proxy }: Outside,
  path: string,
  version: string,
  { mod = '', go = '1.21', files = {} }: ModuleText = {},
): PublishedModule {
  return proxy.publish({
    path,
    version,
    time: MODULE_TIME,
    files: { 'go.mod': `module ${path}\n\ngo ${go}\n${mod}`, ...files },
  });
}

/** Publishes a library of one file, `package NAME` after the last part of its path. */
export function publishLibrary(
  outside: Outside,
  path: string,
  version: string,
  { body, ...text }: Omit<ModuleText, 'files'> & { readonly body: string },
): PublishedModule {
  return publishModule(outside, path, version, { ...text, files: { 'x.go': `package ${nameOf(path)}\n\n${body}\n` } });
}

/** Publishes a component of Flux that requires some modules, with their lines in go.sum. Its `main.go` calls `use` of each. */
export function publishComponent(
  outside: Outside,
  at: { readonly name: string; readonly version: string },
  content: {
    readonly requires: readonly PublishedModule[];
    readonly main: string;
    readonly files?: Readonly<Record<string, string>>;
  },
): void {
  const { requires, main, files } = content;
  const lines = requires.map(({ path, version }) => `\t${path} ${version}\n`).join('');
  const sums = requires.map(
    ({ path, version, zipHash, modHash }) => `${path} ${version} ${zipHash}\n${path} ${version}/go.mod ${modHash}\n`,
  );
  const imports = requires.filter(({ path }) => main.includes(`${nameOf(path)}.`)).map(({ path }) => `\t"${path}"\n`);
  publishModule(outside, `github.com/fluxcd/${at.name}`, at.version, {
    mod: requires.length === 0 ? '' : `\nrequire (\n${lines})\n`,
    files: {
      'go.sum': sums.join(''),
      'main.go': `package main\n\nimport (\n${imports.join('')})\n\nfunc main() {\n${main}}\n`,
      ...files,
    },
  });
}

/** Publishes a Flux release that names its components. */
export function publishFluxRelease(
  outside: Outside,
  version: string,
  components: Readonly<Record<string, string>>,
): void {
  const bases = Object.entries(components).map(([name, one]) => [
    `manifests/bases/${name}/kustomization.yaml`,
    `resources:\n- https://github.com/fluxcd/${name}/releases/download/${one}/${name}.crds.yaml\n`,
  ]);
  publishModule(outside, 'github.com/fluxcd/flux2/v2', version, { files: Object.fromEntries(bases) });
}

/** An advisory of the Go database about all versions of a module, by default until 1.0.1. */
export function advisory(number: number, name: string, events: readonly object[] = [{ fixed: '1.0.1' }]) {
  return {
    schema_version: '1.3.1',
    id: `GO-2026-${String(number).padStart(4, '0')}`,
    modified: '2026-08-01T00:00:00Z',
    published: '2026-07-01T00:00:00Z',
    affected: [
      {
        package: { ecosystem: 'Go', name },
        ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, ...events] }],
      },
    ],
  };
}

/** Makes the feeds of the world hold these advisories, and no others of Go. Gives what the command said. */
export async function updateFeeds(outside: Outside, advisories: readonly object[]): Promise<string> {
  await writeMirror(join(outside.folder, 'mirror'), {
    ...goodMirror(),
    ...below('go-vulndb', goDatabase([...advisories] as never, new Date().toISOString())),
  });
  const updated = await outside.oakum(['feeds', 'update', '--mirror', 'mirror', '--feed', 'go,osv,debian,endoflife']);
  return updated.stderr + updated.stdout;
}

/** A revision as the lock of the world has it. */
export async function lockedRevision(outside: Outside, revision: string): Promise<LockedRevision | undefined> {
  const file = join(outside.folder, 'oakum.lock');
  return parseLock(await readFile(file, 'utf8'), file).revisions?.[revision];
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
