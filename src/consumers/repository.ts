// SPDX-License-Identifier: Apache-2.0
import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { messageOf, type OakumError, replaceFile, type RunProcess } from '#core';
import { describeRef, identityOf, type KubernetesObject, parseManifests, refOf } from '#kubernetes';
import { Document, isMap, isSeq, parseDocument, type YAMLMap } from 'yaml';
import { ConsumerError } from './error.ts';
import { isController, type ManifestSet } from './manifest-set.ts';
import { editDocument, styleOf } from './yaml-edit.ts';

/** One file of a repository with the change already in its text. */
export interface FileEdit {
  /** Relative to the folder given. */
  readonly path: string;
  readonly kind: 'manifests' | 'pins';
  readonly before: string;
  readonly after: string;
  /** What changes, in words. */
  readonly changes: readonly string[];
}

/** What an upgrade would change in a repository. */
export interface RepositoryEdit {
  readonly folder: string;
  readonly files: readonly FileEdit[];
  /** Files that name Flux but could not be edited, and why. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
}

/** What editing a repository needs of the world; `env` is what git gets. */
export interface RepositoryWorld {
  readonly run: RunProcess;
  readonly env: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

const MOST_FILES = 20_000;
const MOST_BYTES = 8 << 20;
/** What a template engine's braces make of YAML is no concern of whoever runs this. */
const QUIET = { logLevel: 'error' } as const;

/**
 * Finds in a Git working tree what installs Flux: files with its controllers' Deployments (`gotk-components.yaml`), and `images` of
 * kustomizations that pin them. Gives them edited for the revision, comments kept; writes nothing.
 * Throws `GIT_UNUSABLE` where the folder is no working tree or a file has changes that are not committed, `GIT_NOTHING_TO_EDIT` where
 * nothing installs Flux.
 */
export async function planRepository(
  folder: string,
  set: ManifestSet,
  world: RepositoryWorld,
): Promise<RepositoryEdit> {
  await requireWorkingTree(folder, world);
  const files: FileEdit[] = [];
  const skipped: { path: string; reason: string }[] = [];
  let found = 0;
  for (const path of await yamlFiles(folder)) {
    const text = await readFile(join(folder, path), 'utf8');
    if (!set.images.some(({ component }) => text.includes(component))) continue;
    try {
      const edit = editFile(path, text, set);
      if (edit === undefined) continue;
      found += 1;
      if (edit.before !== edit.after) files.push(edit);
    } catch (error) {
      skipped.push({ path, reason: messageOf(error) });
    }
  }
  if (found === 0) {
    throw new ConsumerError(
      'GIT_NOTHING_TO_EDIT',
      'no file here installs Flux: neither its controllers nor kustomize images of them',
      {
        where: folder,
        hint: 'Name the folder of the cluster, such as clusters/production/flux-system.',
      },
    );
  }
  await requireClean(folder, files, world);
  return { folder, files, skipped };
}

/** Writes the edits, each file whole or not at all. Commits nothing. */
export async function writeRepository({ folder, files }: RepositoryEdit): Promise<void> {
  for (const { path, after } of files) await replaceFile(join(folder, path), after);
}

async function git(folder: string, args: readonly string[], world: RepositoryWorld) {
  try {
    return await world.run({
      argv: ['git', '-C', folder, ...args],
      env: { ...world.env, GIT_OPTIONAL_LOCKS: '0' },
      timeoutMilliseconds: 60_000,
      ...(world.signal === undefined ? {} : { signal: world.signal }),
    });
  } catch (error) {
    const { code } = error as OakumError;
    if (code !== 'PROCESS_NOT_FOUND') throw error;
    throw new ConsumerError('GIT_UNUSABLE', 'git is not installed', {
      hint: 'Install git: it tells what would be overwritten.',
      cause: error,
    });
  }
}

async function requireWorkingTree(folder: string, world: RepositoryWorld): Promise<void> {
  const { exitCode, stdout } = await git(folder, ['rev-parse', '--is-inside-work-tree'], world);
  if (exitCode === 0 && stdout.trim() === 'true') return;
  throw new ConsumerError('GIT_UNUSABLE', 'this is no working tree of Git', {
    where: folder,
    hint: 'Clone the repository, and name the clone or a folder in it.',
  });
}

async function requireClean(folder: string, files: readonly FileEdit[], world: RepositoryWorld): Promise<void> {
  if (files.length === 0) return;
  const { stdout } = await git(folder, ['status', '--porcelain', '--', ...files.map(({ path }) => path)], world);
  const dirty = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('??'));
  if (dirty.length === 0) return;
  throw new ConsumerError(
    'GIT_UNUSABLE',
    `files that would be edited have changes that are not committed:\n  ${dirty.join('\n  ')}`,
    {
      where: folder,
      hint: 'Commit or stash them first, so that nothing of yours is mixed in.',
    },
  );
}

/** Links are not followed: what they point at may lie outside. */
async function yamlFiles(folder: string): Promise<readonly string[]> {
  const root = await realpath(folder);
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && /\.ya?ml$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !path.split(sep).some((part) => part === '.git' || part === 'node_modules'));
  if (paths.length > MOST_FILES) {
    throw new ConsumerError('GIT_UNUSABLE', `there are more than ${MOST_FILES} YAML files here`, {
      where: folder,
      hint: 'Name the folder of one cluster.',
    });
  }
  const small = await Promise.all(
    paths.map(async (path) => ((await lstat(join(root, path))).size <= MOST_BYTES ? path : undefined)),
  );
  return small.filter((path) => path !== undefined).sort();
}

/** Gives a file with the revision in it; undefined where it is none of ours to edit. */
export function editFile(path: string, text: string, set: ManifestSet): FileEdit | undefined {
  return /(^|\/)kustomization\.ya?ml$/.test(path) ? editPins(path, text, set) : editManifests(path, text, set);
}

function editPins(path: string, text: string, set: ManifestSet): FileEdit | undefined {
  const document = parseDocument(text, QUIET);
  const [error] = document.errors;
  if (error !== undefined) throw error;
  const images = document.get('images');
  if (!isSeq(images)) return undefined;
  const changes: string[] = [];
  let found = false;
  for (const entry of images.items) {
    if (!isMap(entry)) continue;
    const component = stringIn(entry, 'name').split('/').at(-1);
    const image = set.images.find((one) => one.component === component);
    if (image === undefined) continue;
    found = true;
    const before = [entry.get('newName'), entry.get('newTag'), entry.get('digest')].join(' ');
    if (image.name !== entry.get('name') || entry.has('newName')) entry.set('newName', image.name);
    if (image.tag !== undefined) entry.set('newTag', image.tag);
    if (image.digest === undefined) entry.delete('digest');
    else entry.set('digest', image.digest);
    const after = [entry.get('newName'), entry.get('newTag'), entry.get('digest')].join(' ');
    if (before !== after)
      changes.push(`${component}: ${image.tag ?? ''}${image.digest === undefined ? '' : `@${image.digest}`}`);
  }
  if (!found) return undefined;
  return {
    path,
    kind: 'pins',
    before: text,
    after: changes.length === 0 ? text : document.toString(styleOf(text)),
    changes,
  };
}

function stringIn(map: YAMLMap, key: string): string {
  const value = map.get(key);
  return typeof value === 'string' ? value : '';
}

function editManifests(path: string, text: string, set: ManifestSet): FileEdit | undefined {
  const objects = parseManifests(text, path);
  if (!objects.some(isController)) return undefined;
  const style = styleOf(text);
  const wanted = new Map(set.objects.map((object) => [identityOf(refOf(object)), object]));
  const changes: string[] = [];
  const kept: string[] = [];
  for (const part of splitDocuments(text)) {
    const document = parseDocument(part, QUIET);
    const identity = identityIn(document);
    const object = identity === undefined ? undefined : wanted.get(identity);
    if (identity === undefined) kept.push(part);
    else if (object === undefined) changes.push(`remove ${describe(document)}`);
    else {
      wanted.delete(identity);
      const changed = editDocument(document, object);
      if (changed) changes.push(`change ${describeRef(refOf(object))}`);
      kept.push(changed ? withMark(document.toString(style), part) : part);
    }
  }
  const added = [...wanted.values()];
  changes.push(...added.map((object) => `add ${describeRef(refOf(object))}`));
  if (changes.length === 0) return { path, kind: 'manifests', before: text, after: text, changes };
  const after =
    retitle(kept.join(''), set) + added.map((object) => `---\n${new Document(object).toString(style)}`).join('');
  return { path, kind: 'manifests', before: text, after, changes };
}

/** A line that begins with three dashes can't be within a document of objects: there everything else is indented. */
function splitDocuments(text: string): readonly string[] {
  return text.split(/^(?=---(?:\s|$))/m).filter((part) => part !== '');
}

/** The library writes the mark only where a document needs it. */
function withMark(text: string, before: string): string {
  return before.startsWith('---') && !text.startsWith('---') ? `---\n${text}` : text;
}

function identityIn(document: Document): string | undefined {
  const value = document.toJS() as KubernetesObject | null;
  if (value === null || typeof value !== 'object' || typeof value.metadata?.name !== 'string') return undefined;
  return identityOf(refOf(value));
}

function describe(document: Document): string {
  return describeRef(refOf(document.toJS() as KubernetesObject));
}

/** The first lines say which version it is: tools of Flux read them. */
function retitle(text: string, { release, revision, channel, images }: ManifestSet): string {
  const values: Readonly<Record<string, string | undefined>> = {
    'Flux Version': `v${release}`,
    Components: images.map(({ component }) => component).join(','),
    Revision: revision,
    Channel: channel,
  };
  return text.replace(
    /^(# (Flux Version|Components|Revision|Channel): )\S+$/gm,
    (line, start: string, name: string) => {
      const value = values[name];
      return value === undefined ? line : `${start}${value}`;
    },
  );
}
