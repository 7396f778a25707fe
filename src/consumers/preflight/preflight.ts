// SPDX-License-Identifier: Apache-2.0
import { posix } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type ApiTable, apiTable } from './api-table.ts';
import { examineFile, type Gathered, secretsToDecrypt } from './examine.ts';
import type { SecretUse } from './flux-objects.ts';
import { checkOpenpgpKeys } from './openpgp-keys.ts';
import type { Scope } from './scope.ts';
import { textFile, type TextFile } from './text-file.ts';
import type {
  ChannelTraits,
  LineEdit,
  PreflightEdit,
  PreflightFinding,
  PreflightReport,
  Skipped,
  Splice,
} from './types.ts';
import { listRepository, readText } from './walk.ts';

/** What a preflight asks. */
export interface PreflightRequest {
  readonly channel: ChannelTraits;
  /** The line of Flux to compare API versions with; see {@link NEWEST_LINE}. */
  readonly target: string;
  readonly signal?: AbortSignal | undefined;
}

const FILES_AT_ONCE = 200;
const LONGEST_LINE = 200;

/**
 * Reads a GitOps repository and tells what will not work in a channel, and what of Flux's API the target line has not. Changes nothing,
 * runs nothing, follows no link. Throws `REPOSITORY_UNREADABLE` and `TARGET_UNKNOWN`; what is wrong with a file is told in the report.
 */
export async function preflight(folder: string, request: PreflightRequest): Promise<PreflightReport> {
  const table = apiTable(request.target);
  const listing = await listRepository(folder);
  const isFile = (path: string) => known.has(posix.normalize(path));
  const known = new Set(listing.paths);
  const sink = {
    findings: [] as PreflightFinding[],
    edits: [] as PreflightEdit[],
    skipped: [...listing.skipped] as Skipped[],
  };
  const gathered: Gathered = { keys: [], uses: [], decrypting: [] };
  const files = { read: 0, templates: listing.templates, binary: 0 };
  for (const [index, path] of listing.paths.entries()) {
    if (index % FILES_AT_ONCE === 0) await setImmediate(); // lets an interrupt in
    request.signal?.throwIfAborted();
    const reading = readText(listing.root, path);
    if (reading === 'binary') files.binary += 1;
    else if ('reason' in reading) sink.skipped.push(reading);
    else {
      files.read += 1;
      const isTemplate = examine(textFile(path, reading.text), { request, table, isFile, sink, gathered });
      if (isTemplate) files.templates += 1;
    }
  }
  sink.findings.push(...sink.skipped.filter(mightMatter).map(notChecked));
  if (gathered.keys.length > 0) checkOpenpgpKeys(gathered.keys, [...gathered.uses, ...usesOf(listing.root, gathered)]);
  return {
    folder,
    channel: request.channel,
    target: request.target,
    findings: sink.findings.sort(inPlaceOrder),
    edits: sink.edits,
    skipped: sink.skipped,
    files,
  };
}

/** Links and pipes are no part of what Flux takes; what is no manifest by its name is told of as skipped alone. */
function mightMatter({ path, reason }: Skipped): boolean {
  const isManifest = /\.(?:ya?ml|json)$|(?:^|\/)Kustomization$|\/$/.test(path);
  return isManifest && (reason === 'too large' || reason === 'unreadable' || reason === 'not UTF-8');
}

function notChecked({ path, reason, detail }: Skipped): PreflightFinding {
  return {
    rule: 'not-checked',
    level: 'warning',
    place: { file: path, line: 1, column: 1 },
    message: `this was not looked at: ${reason} (${detail})`,
    fix: 'Let it be read, make it smaller, or take it out of the repository if it is no manifest.',
    fixable: false,
  };
}

function usesOf(root: string, { decrypting }: Gathered): readonly SecretUse[] {
  return decrypting.flatMap((path) => {
    const reading = readText(root, path);
    return typeof reading === 'object' && 'text' in reading ? secretsToDecrypt(reading.text) : [];
  });
}

interface Circumstances {
  readonly request: PreflightRequest;
  readonly table: ApiTable;
  readonly isFile: (path: string) => boolean;
  readonly sink: { readonly findings: PreflightFinding[]; readonly edits: PreflightEdit[] };
  readonly gathered: Gathered;
}

function examine(file: TextFile, { request, table, isFile, sink, gathered }: Circumstances): boolean {
  const splices = new Map<number, Splice>();
  const seen = new Set<string>(); // what aliases use twice stands in one place
  const scope: Scope = {
    file,
    channel: request.channel,
    target: request.target,
    report: ({ at, fixable = false, ...found }) => {
      const key = `${at} ${found.rule} ${found.message}`;
      if (!seen.has(key)) sink.findings.push({ ...found, place: file.placeOf(at), fixable });
      seen.add(key);
    },
    edit: (splice) => void splices.set(splice.start, splice),
  };
  const { isTemplate } = examineFile(scope, { table, isFile, gathered });
  const ordered = [...splices.values()].sort((a, b) => a.start - b.start);
  if (ordered.length > 0)
    sink.edits.push({ path: file.path, splices: ordered.map((splice) => toLineEdit(file, splice)) });
  return isTemplate;
}

function toLineEdit({ text, placeOf }: TextFile, splice: Splice): LineEdit {
  const from = text.lastIndexOf('\n', splice.start - 1) + 1;
  const end = text.indexOf('\n', splice.start);
  const line = (end < 0 ? text.slice(from) : text.slice(from, end)).replace(/\r$/, '');
  const [head, tail] = [line.slice(0, splice.start - from), line.slice(splice.start - from + splice.before.length)];
  const shown = (middle: string) => `${head.slice(-LONGEST_LINE)}${middle}${tail.slice(0, LONGEST_LINE)}`;
  return {
    ...splice,
    line: placeOf(splice.start).line,
    lineBefore: shown(splice.before),
    lineAfter: shown(splice.after),
  };
}

function inPlaceOrder({ place: a }: PreflightFinding, { place: b }: PreflightFinding): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}
