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
  return [
    `## API Versions\n\n${basisOf(since)}`,
    ...tables,
    ...(since === undefined ? [] : changeSections(since)),
    deprecations(kinds),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function basisOf(since: ApiNotes['since']): string {
  const read = "Read from the CustomResourceDefinitions in the controllers' sources";
  if (since === undefined) return `${read}; nothing is known of the line before.\n`;
  const other = since.from === 'sources' ? 'read likewise' : 'as recorded, since its sources are not at hand';
  return `${read}, and compared with those of v${since.line}, ${other}.\n`;
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

function changeSections({ line, changes }: NonNullable<ApiNotes['since']>): readonly string[] {
  const { promoted, added, removed, gone } = changes;
  const moved = [
    ...promoted.map((ref) => [ref.kind, markdownCode(`${ref.group}/${ref.from}`), apiVersion(ref)]),
    ...added.map((ref) => [ref.kind, 'new', apiVersion(ref)]),
  ];
  const lost = [...removed, ...gone].map((ref) => [ref.kind, apiVersion(ref)]);
  const promotions =
    moved.length === 0
      ? `No kind is new or stored in another version since v${line}.\n`
      : `Since v${line}:\n\n${markdownTable(['kind', 'was', 'apiVersion'], moved)}`;
  const removals =
    lost.length === 0
      ? `Every version of v${line} is still served.\n`
      : `Served by v${line} and no longer. \`oakum upgrade\` migrates stored objects; what is in Git must name a version that is served:\n\n${markdownTable(['kind', 'apiVersion'], lost)}`;
  return [`### Promotions\n\n${promotions}`, `### Removals\n\n${removals}`];
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
