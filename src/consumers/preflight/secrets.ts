// SPDX-License-Identifier: Apache-2.0
import { posix } from 'node:path';
import { entriesOf, itemsOf, objectsOf, offsetOf, textAt, textOf, valueOf, type View } from './documents.ts';
import { innerPlaces } from './inner-text.ts';
import type { Scope } from './scope.ts';
import { checkIdentity, checkKnownHosts } from './ssh-rules.ts';

/** A `*.asc` of a secret; what it is for is known only when all of the repository is read. */
export interface OpenpgpKey {
  readonly scope: Scope;
  readonly at: number;
  readonly secret: ObjectName;
  readonly key: string;
  /** What its text says it is; undefined where the text is encrypted or elsewhere. */
  readonly is: 'private' | 'public' | undefined;
}

/** A name with its namespace, where one is written. */
export interface ObjectName {
  readonly name: string;
  readonly namespace: string | undefined;
}

/** Says whether a text may hold a secret that {@link checkSecrets} looks at. */
export function maySecret(text: string): boolean {
  return text.includes('Secret') && /known_hosts|identity|\.asc/.test(text);
}

/** Reports keys of SSH in the secrets of a document; gives their OpenPGP keys. */
export function checkSecrets(view: View, scope: Scope): readonly OpenpgpKey[] {
  return objectsOf(view).flatMap((object) =>
    textAt(view, object, 'kind') === 'Secret' && textAt(view, object, 'apiVersion') === 'v1'
      ? checkSecret(view, scope, object)
      : [],
  );
}

function checkSecret(view: View, scope: Scope, object: unknown): readonly OpenpgpKey[] {
  const secret = {
    name: textAt(view, object, 'metadata', 'name') ?? '',
    namespace: textAt(view, object, 'metadata', 'namespace'),
  };
  const found: OpenpgpKey[] = [];
  for (const field of ['data', 'stringData']) {
    for (const { key, at, value } of entriesOf(view, valueOf(view, object, field))) {
      const written = textOf(value) ?? '';
      const text = field === 'data' ? fromBase64(written) : written;
      const start = offsetOf(view, value);
      if (key === 'known_hosts')
        checkKnownHosts(text, scope, field === 'data' ? () => start : innerPlaces(view, value));
      if (key === 'identity') checkIdentity(text, scope, start);
      if (key.endsWith('.asc')) found.push({ scope, at, secret, key, is: kindOf(text) });
    }
  }
  return found;
}

/** Gives the OpenPGP keys of secrets that a kustomization generates, by the names its files get there. */
export function generatedKeys(view: View, scope: Scope): readonly OpenpgpKey[] {
  return itemsOf(view, valueOf(view, view.root, 'secretGenerator')).flatMap((generator) => {
    const secret = { name: textAt(view, generator, 'name') ?? '', namespace: textAt(view, generator, 'namespace') };
    return itemsOf(view, valueOf(view, generator, 'files')).flatMap((node) => {
      const [first = ''] = (textOf(node) ?? '').split('=', 1);
      const key = posix.basename(first);
      return key.endsWith('.asc') ? [{ scope, at: offsetOf(view, node), secret, key, is: undefined }] : [];
    });
  });
}

function fromBase64(text: string): string {
  return text.startsWith('ENC[') ? text : Buffer.from(text, 'base64').toString('latin1');
}

function kindOf(text: string): OpenpgpKey['is'] {
  const [, kind] = /-----BEGIN PGP (PRIVATE|PUBLIC) KEY BLOCK-----/.exec(text) ?? [];
  return kind === 'PRIVATE' ? 'private' : kind === 'PUBLIC' ? 'public' : undefined;
}
