// SPDX-License-Identifier: Apache-2.0
import { type ApiKind, type ApiRef, deprecatedOf, kindsOf, storageOf } from '#compatibility';
import { markdownCode, markdownTable } from '#formats';
import type { ApiNotes } from './request.ts';

/** Gives the section on API versions: what to write, by stability, and what became of what one wrote. */
export function apiSection(line: string, { kinds, since }: ApiNotes): string {
  const stabilities = [
    ['General Availability (GA)', 'stable'],
    ['Beta (Preview)', 'beta'],
    ['Alpha', 'alpha'],
  ] as const;
  const tables = stabilities.map(([title, stability]) => kindTable(line, title, kindsOf(kinds, stability)));
  return ['## API Versions\n', ...tables, ...(since === undefined ? [] : changeSections(since)), deprecations(kinds)]
    .filter((part) => part !== '')
    .join('\n');
}

function kindTable(line: string, title: string, kinds: readonly ApiKind[]): string {
  if (kinds.length === 0) return '';
  const rows = kinds.map((kind) => [kindLink(line, kind), markdownCode(`${kind.group}/${storageOf(kind).name}`)]);
  return `### ${title}\n\n${markdownTable(['kind', 'apiVersion'], rows)}`;
}

/** Upstream keeps the documentation of each line: by component, which a group's name begins with, and plural. */
function kindLink(line: string, { kind, group, plural }: ApiKind): string {
  if (!group.endsWith('.fluxcd.io')) return kind;
  const component = group.split('.', 1)[0] ?? '';
  return `[${kind}](https://v${line.replace('.', '-')}.docs.fluxcd.io/flux/components/${component}/${plural}/)`;
}

function changeSections({ line, changes, from }: NonNullable<ApiNotes['since']>): readonly string[] {
  const basis = from === 'sources' ? `v${line}` : `v${line}, as recorded: its sources are not to be had`;
  const none = (what: string) => `No ${what} since ${basis}.\n`;
  const promoted = changes.promoted.map((ref) => [ref.kind, markdownCode(`${ref.group}/${ref.from}`), apiVersion(ref)]);
  const added = changes.added.map((ref) => [ref.kind, 'new', apiVersion(ref)]);
  const removed = [...changes.removed, ...changes.gone].map((ref) => [ref.kind, apiVersion(ref)]);
  const moved = [...promoted, ...added];
  return [
    `### Promotions\n\n${moved.length === 0 ? none('kind was added or is stored in another version') : `Since ${basis}:\n\n${markdownTable(['kind', 'was', 'apiVersion'], moved)}`}`,
    `### Removals\n\n${removed.length === 0 ? none('version was removed') : `No longer served, since ${basis}; migrate stored objects and manifests before the upgrade:\n\n${markdownTable(['kind', 'apiVersion'], removed)}`}`,
  ];
}

function deprecations(kinds: readonly ApiKind[]): string {
  const refs = deprecatedOf(kinds);
  if (refs.length === 0) return '### Deprecations\n\nNo version that is served is deprecated.\n';
  return `### Deprecations\n\nStill served, to be removed:\n\n${markdownTable(
    ['kind', 'apiVersion'],
    refs.map((ref) => [ref.kind, apiVersion(ref)]),
  )}`;
}

function apiVersion({ group, version }: ApiRef): string {
  return markdownCode(`${group}/${version}`);
}
