// SPDX-License-Identifier: Apache-2.0
import { posix } from 'node:path';
import type { ApiTable } from './api-table.ts';
import { checkApiVersions } from './api-versions.ts';
import { type DocumentText, splitDocuments, type Unparsed, type View, viewDocument } from './documents.ts';
import { checkFluxObjects, decryptionSecrets, mayDecrypt, mayUseOpenpgp, type SecretUse } from './flux-objects.ts';
import { checkKustomization, isKustomization, mayBeRemote } from './kustomization.ts';
import type { Scope } from './scope.ts';
import { checkSecrets, generatedKeys, maySecret, type OpenpgpKey } from './secrets.ts';
import { checkSopsDocument, checkSopsLines, maySops } from './sops.ts';
import { checkSopsRules } from './sops-rules.ts';
import { checkKnownHosts, checkSshFlags, maySshFlags } from './ssh-rules.ts';

/** What is judged when all files are read. */
export interface Gathered {
  readonly keys: OpenpgpKey[];
  readonly uses: SecretUse[];
  /** Files with Kustomizations that decrypt, to be read again where there are keys. */
  readonly decrypting: string[];
}

/** What an examination needs beside the file. */
export interface Examination {
  readonly table: ApiTable;
  readonly isFile: (path: string) => boolean;
  readonly gathered: Gathered;
}

/** Applies every rule to a file; says whether it is a template in place of YAML. */
export function examineFile(scope: Scope, examination: Examination): { readonly isTemplate: boolean } {
  const { path, text } = scope.file;
  const name = posix.basename(path);
  if (name === 'known_hosts') checkKnownHosts(text, scope, (at) => at);
  const isYaml = /\.ya?ml$/.test(name) || isKustomization(path);
  if (isYaml || name.endsWith('.json')) {
    if (maySshFlags(text)) checkSshFlags(scope);
    if (mayDecrypt(text)) examination.gathered.decrypting.push(path);
    const documents = isYaml ? splitDocuments(text) : [{ start: 0, text }];
    const unparsed = documents.map((document) => examineDocument(document, scope, examination));
    return { isTemplate: unparsed.includes('template') };
  }
  if (maySops(text)) checkSopsFile(scope, examination);
  return { isTemplate: false };
}

/** Gives the secrets that Kustomizations in a text decrypt with. */
export function secretsToDecrypt(text: string): readonly SecretUse[] {
  return splitDocuments(text)
    .filter((document) => mayDecrypt(document.text))
    .map(viewDocument)
    .flatMap((view) => ('root' in view ? decryptionSecrets(view) : []));
}

/** SOPS files that are no manifests: dotenv, INI, and binary ones, which are JSON. */
function checkSopsFile(scope: Scope, examination: Examination): void {
  const { text } = scope.file;
  const isDocument = /^\uFEFF?\s*\{/.test(text) || /^sops:\s*$/m.test(text);
  if (!isDocument) checkSopsLines(scope);
  else for (const document of splitDocuments(text)) examineDocument(document, scope, examination);
}

/** A check, and a quick look at the text that tells whether there can be anything to find. */
interface Check {
  readonly may: (text: string) => boolean;
  readonly run: (view: View) => void;
}

function checksFor(scope: Scope, { table, isFile, gathered }: Examination): readonly Check[] {
  const { path } = scope.file;
  const isKustomize = isKustomization(path);
  const isRules = posix.basename(path) === '.sops.yaml';
  return [
    { may: (text) => table.mayBeOld(text), run: (view) => checkApiVersions(view, scope, table) },
    { may: maySops, run: (view) => checkSopsDocument(view, scope) },
    { may: maySecret, run: (view) => void gathered.keys.push(...checkSecrets(view, scope)) },
    { may: mayUseOpenpgp, run: (view) => void gathered.uses.push(...checkFluxObjects(view, scope)) },
    { may: (text) => isKustomize && mayBeRemote(text), run: (view) => checkKustomization(view, scope, isFile) },
    {
      may: (text) => isKustomize && text.includes('.asc'),
      run: (view) => void gathered.keys.push(...generatedKeys(view, scope)),
    },
    { may: (text) => isRules && text.includes('pgp'), run: (view) => checkSopsRules(view, scope) },
  ];
}

function examineDocument(document: DocumentText, scope: Scope, examination: Examination): 'template' | undefined {
  const plain = withoutEscapes(document.text);
  const checks = checksFor(scope, examination).filter(({ may }) => may(plain));
  if (checks.length === 0) return undefined;
  const view = viewDocument(document);
  if ('root' in view) for (const check of checks) check.run(view);
  else if (/\{\{/.test(document.text)) return 'template';
  else reportUnparsed(scope, view);
  return undefined;
}

function reportUnparsed({ report }: Scope, { offset, reason }: Unparsed): void {
  report({
    rule: 'not-checked',
    level: 'warning',
    at: offset,
    message: `this can't be read: ${reason}`,
    fix: 'Mend it, or take it out of the repository if it is no manifest.',
  });
}

const ESCAPES = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(\/)|\r?\n[ \t]*)/g;

/** What a quoted text could hide from a look at the bytes (YAML 1.2.2, 5.7) is written out; the rest stays. */
function withoutEscapes(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(ESCAPES, (_, two?: string, four?: string, eight?: string, slash?: string) => {
    const code = two ?? four ?? eight;
    if (code === undefined) return slash ?? '';
    const point = Number.parseInt(code, 16);
    return point > 0x10ffff ? '' : String.fromCodePoint(point);
  });
}
