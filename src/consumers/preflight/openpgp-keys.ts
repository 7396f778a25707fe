// SPDX-License-Identifier: Apache-2.0
import type { SecretUse } from './flux-objects.ts';
import type { ObjectName, OpenpgpKey } from './secrets.ts';

/**
 * Reports OpenPGP keys in secrets that Kustomizations decrypt with. What a secret is for stands in other objects, so this comes last:
 * keys that only verify or sign are left out, and what nothing names is judged by what it is.
 */
export function checkOpenpgpKeys(keys: readonly OpenpgpKey[], uses: readonly SecretUse[]): void {
  for (const { scope, at, secret, key, is } of keys) {
    if (scope.channel.gpg) continue;
    const ways = new Set(uses.filter((use) => isSame(use, secret)).map(({ as }) => as));
    const isKnown = ways.has('decryption');
    if (!isKnown && (ways.size > 0 || is === 'public' || key === 'git.asc')) continue;
    scope.report({
      rule: 'decryption-openpgp-key',
      level: isKnown ? 'error' : 'warning',
      at,
      message: isKnown
        ? `secret ${secret.name} is for decryption and holds ${key}, and channel ${scope.channel.name} has no gpg to import it`
        : `secret ${secret.name} holds ${key}; a Kustomization that decrypts with it fails, as channel ${scope.channel.name} has no gpg`,
      fix: 'Encrypt the files for an age or KMS key first (`sops updatekeys`), then take the *.asc keys out of the secret.',
    });
  }
}

/** A namespace that is not written may be any: kustomize sets it often enough. */
function isSame(use: ObjectName, secret: ObjectName): boolean {
  const anywhere = use.namespace === undefined || secret.namespace === undefined;
  return use.name === secret.name && (anywhere || use.namespace === secret.namespace);
}
