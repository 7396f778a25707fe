// SPDX-License-Identifier: Apache-2.0
import { posix } from 'node:path';
import { entriesOf, itemsOf, offsetOf, textAt, textOf, valueOf, valuesAt, type View } from './documents.ts';
import { guessHttpUrl, isGitUrl, isHttpUrl, type RemoteKind } from './kustomize-url.ts';
import type { Scope } from './scope.ts';

/** The names kustomize looks for (`RecognizedKustomizationFileNames` of its konfig). */
const NAMES = new Set(['kustomization.yaml', 'kustomization.yml', 'Kustomization']);

/** Lists whose entries are tried as files, then as folders or repositories (`accumulateResources` of kustomize's target). */
const FILES_OR_FOLDERS = ['resources', 'bases', 'generators', 'transformers', 'validators'];

/** What is only ever loaded as a file; `*` is each item. */
const FILES: readonly (readonly string[])[] = [
  ['crds', '*'],
  ['configurations', '*'],
  ['openapi', 'path'],
  ['patches', '*', 'path'],
  ['patchesJson6902', '*', 'path'],
  ['patchesStrategicMerge', '*'],
  ['replacements', '*', 'path'],
  ['configMapGenerator', '*', 'files', '*'],
  ['configMapGenerator', '*', 'envs', '*'],
  ['configMapGenerator', '*', 'env'],
  ['secretGenerator', '*', 'files', '*'],
  ['secretGenerator', '*', 'envs', '*'],
  ['secretGenerator', '*', 'env'],
];

const CHARTS = ['helmCharts', 'helmChartInflationGenerator'];

/** Says whether kustomize would take a file for a kustomization by its name. */
export function isKustomization(path: string): boolean {
  return NAMES.has(posix.basename(path));
}

/** Says whether a text may hold what {@link checkKustomization} reports; comments do not count. */
export function mayBeRemote(text: string): boolean {
  return /^(?![ \t]{0,99}#).*(?::\/\/|git::|@|github\.com|https?:|helmChart)/im.test(text);
}

/**
 * Reports what a kustomization takes from elsewhere. `isFile` says whether the repository has a file of this path: kustomize takes a
 * file before it looks for a repository, but a repository before a folder.
 */
export function checkKustomization(view: View, scope: Scope, isFile: (path: string) => boolean): void {
  const version = textAt(view, view.root, 'apiVersion') ?? '';
  if (version !== '' && !version.startsWith('kustomize.config.k8s.io/')) return; // an object of Flux that has the name
  const remote = (node: unknown, kind: RemoteKind | 'either', url: string) =>
    reportRemote(view, scope, { node, kind, url });
  const isLocal = (path: string) => isFile(posix.join(posix.dirname(scope.file.path), path));
  for (const list of FILES_OR_FOLDERS) {
    for (const { node, text } of textsAt(view, [list, '*'])) {
      if (isHttpUrl(text)) remote(node, isGitUrl(text) ? guessHttpUrl(text) : 'http', text);
      else if (isGitUrl(text) && !isLocal(text)) remote(node, 'git', text);
    }
  }
  for (const { node, text } of textsAt(view, ['components', '*'])) if (isGitUrl(text)) remote(node, 'git', text);
  for (const path of FILES) {
    const isPair = path.includes('files');
    for (const { node, text } of textsAt(view, path)) {
      const url = isPair ? text.replace(/^[-._a-zA-Z0-9]+=/, '') : text;
      if (isHttpUrl(url)) remote(node, 'http', url);
    }
  }
  reportCharts(view, scope);
}

/** Texts in one line: what has more is YAML in place of a path. */
function textsAt(view: View, path: readonly string[]): readonly { readonly node: unknown; readonly text: string }[] {
  return valuesAt(view, view.root, path).flatMap((node) => {
    const text = textOf(node);
    return text === undefined || text.includes('\n') ? [] : [{ node, text }];
  });
}

interface Remote {
  readonly node: unknown;
  readonly kind: RemoteKind | 'either';
  readonly url: string;
}

function reportRemote(view: View, { channel, report }: Scope, { node, kind, url }: Remote): void {
  if (channel.git) return;
  const at = offsetOf(view, node);
  if (kind === 'http') {
    report({
      rule: 'remote-file',
      level: 'note',
      at,
      message: `${url} is fetched by HTTP at each reconciliation`,
      fix: 'Copy the file into the repository, so that what is applied is reviewed and does not depend on another server.',
    });
    return;
  }
  report({
    rule: 'remote-base',
    level: kind === 'git' ? 'error' : 'warning',
    at,
    message:
      kind === 'git'
        ? `${url} is fetched with git, which channel ${channel.name} has not`
        : `${url} is fetched with git if it is a repository and no manifest, and channel ${channel.name} has no git`,
    fix: fixFor(url),
  });
}

function fixFor(url: string): string {
  const instead =
    'Fetch it with a GitRepository (or OCIRepository) and a Flux Kustomization of its own, or copy it into the repository.';
  const isPlain = /^github\.com[/:]/i.test(url);
  return isPlain
    ? `${instead} If a folder of this name is meant, write ./${url}: kustomize takes it for a repository.`
    : instead;
}

function reportCharts(view: View, { report }: Scope): void {
  const [entry] = entriesOf(view, view.root).filter(
    ({ key, value }) => CHARTS.includes(key) && itemsOf(view, value).length > 0,
  );
  if (entry === undefined) return;
  const names = itemsOf(view, entry.value).map((chart) => textOf(valueOf(view, chart, 'name')) ?? '?');
  report({
    rule: 'kustomize-helm',
    level: 'warning',
    at: entry.at,
    message: `${entry.key} is not built by Flux (${names.join(', ')})`,
    fix: 'Install the chart with a HelmRelease.',
  });
}
