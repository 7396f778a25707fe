// SPDX-License-Identifier: Apache-2.0
import { compareMinors } from '#compatibility';
import { objectsOf, offsetOf, textAt, textOf, valuesAt, type View } from './documents.ts';
import type { Scope } from './scope.ts';
import type { ObjectName } from './secrets.ts';

/** A reference to a secret, and what it is used for. */
export interface SecretUse extends ObjectName {
  readonly as: 'decryption' | 'verification' | 'signing';
}

/** Says whether a text may hold an object that {@link checkFluxObjects} has something to report of. */
export function mayUseOpenpgp(text: string): boolean {
  return text.includes('fluxcd.io') && /verify|signingKey|messageTemplate/.test(text);
}

/** Says whether a text may hold a Kustomization that decrypts; which secret it names matters only where one holds OpenPGP keys. */
export function mayDecrypt(text: string): boolean {
  return text.includes('kustomize.toolkit.fluxcd.io') && text.includes('decryption');
}

/** Gives the secrets that Kustomizations of a document decrypt with. */
export function decryptionSecrets(view: View): readonly SecretUse[] {
  return objectsOf(view)
    .filter((object) => groupOf(view, object) === 'kustomize.toolkit.fluxcd.io')
    .flatMap((object) => secretAt(view, object, { path: ['spec', 'decryption'], as: 'decryption' }));
}

/** Reports objects of Flux that use OpenPGP, or templates with removed fields; gives which secrets they name for keys. */
export function checkFluxObjects(view: View, scope: Scope): readonly SecretUse[] {
  return objectsOf(view).flatMap((object) => {
    const group = groupOf(view, object);
    const kind = textAt(view, object, 'kind');
    if (group === 'source.toolkit.fluxcd.io' && kind === 'GitRepository') return checkVerification(view, scope, object);
    if (group === 'image.toolkit.fluxcd.io' && kind === 'ImageUpdateAutomation')
      return checkAutomation(view, scope, object);
    return [];
  });
}

function groupOf(view: View, object: unknown): string | undefined {
  return (textAt(view, object, 'apiVersion') ?? '').split('/')[0];
}

interface Reference {
  readonly path: readonly string[];
  readonly as: SecretUse['as'];
}

function secretAt(view: View, object: unknown, { path, as }: Reference): readonly SecretUse[] {
  const name = textAt(view, object, ...path, 'secretRef', 'name');
  return name === undefined ? [] : [{ name, namespace: textAt(view, object, 'metadata', 'namespace'), as }];
}

function checkVerification(view: View, { channel, report }: Scope, object: unknown): readonly SecretUse[] {
  const [verify] = valuesAt(view, object, ['spec', 'verify']);
  if (verify === undefined) return [];
  if (channel.crypto !== 'none')
    report({
      rule: 'git-verify-openpgp',
      level: 'note',
      at: offsetOf(view, verify),
      message: 'commits are verified by OpenPGP, outside the validated module, where the secret holds *.asc keys',
      fix: 'Where that must not be, sign commits with SSH keys and give the secret *.sshpub keys alone (from Flux 2.9 on).',
    });
  return secretAt(view, object, { path: ['spec', 'verify'], as: 'verification' });
}

const SIGNING = ['spec', 'git', 'commit', 'signingKey'];

function checkAutomation(view: View, scope: Scope, object: unknown): readonly SecretUse[] {
  checkTemplate(view, scope, object);
  const [key] = valuesAt(view, object, SIGNING);
  if (key === undefined) return [];
  const isOpenpgp = (textAt(view, key, 'type') ?? 'gpg') === 'gpg';
  if (isOpenpgp && scope.channel.crypto !== 'none')
    scope.report({
      rule: 'commit-signing-openpgp',
      level: 'note',
      at: offsetOf(view, key),
      message: 'commits are signed by OpenPGP, outside the validated module',
      fix: 'Where that must not be, set `type: ssh` with an SSH key in the secret (from Flux 2.9 on).',
    });
  return secretAt(view, object, { path: SIGNING, as: 'signing' });
}

/** Fields that image-automation-controller of Flux 2.9 fails on (its internal/source/source.go). */
function checkTemplate(view: View, { target, report }: Scope, object: unknown): void {
  if (compareMinors(target, '2.9') < 0) return;
  const [template] = valuesAt(view, object, ['spec', 'git', 'commit', 'messageTemplate']);
  const text = textOf(template) ?? '';
  const [, field] = /\{\{[^}]{0,999}?(\.Updated|\.Changed\.ImageResult)\b/.exec(text) ?? [];
  if (field === undefined) return;
  report({
    rule: 'template-field-removed',
    level: 'error',
    at: offsetOf(view, template),
    message: `the message template uses ${field}`,
    fix: field === '.Updated' ? 'Use .Changed.' : 'Use .Changed.FileChanges or .Changed.Objects.',
  });
}
