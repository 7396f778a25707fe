// SPDX-License-Identifier: Apache-2.0
import { CompatibilityError } from '../error.ts';
import { type ApiKind, type ApiVersion, stabilityOf } from './crds.ts';

/** One version of a kind. */
export interface ApiRef {
  readonly group: string;
  readonly kind: string;
  readonly version: string;
}

/** What became of the API from one line to the next; each list in the order of group and kind. */
export interface ApiChanges {
  /** Kinds that were not there, with the version they are stored in. */
  readonly added: readonly ApiRef[];
  /** Kinds that are gone, with the version they were stored in. */
  readonly gone: readonly ApiRef[];
  /** Kinds now stored in another version: `from` the one before. */
  readonly promoted: readonly (ApiRef & { readonly from: string })[];
  /** Versions no longer served, of kinds that are still there. */
  readonly removed: readonly ApiRef[];
  /** Versions that are deprecated now and were not before. */
  readonly deprecated: readonly ApiRef[];
}

/** Puts the kinds of several controllers together, by group and kind. Throws `CRD_INVALID` where two of them declare one kind. */
export function mergeKinds(lists: readonly (readonly ApiKind[])[]): readonly ApiKind[] {
  const kinds = lists.flat().sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const twice = kinds.find((kind, index) => index > 0 && keyOf(kind) === keyOf(kinds[index - 1] as ApiKind));
  if (twice === undefined) return kinds;
  throw new CompatibilityError('CRD_INVALID', `two components declare the kind ${twice.kind} of ${twice.group}`);
}

/** Compares the kinds of two lines. */
export function compareApis(before: readonly ApiKind[], after: readonly ApiKind[]): ApiChanges {
  const older = new Map(before.map((kind) => [keyOf(kind), kind]));
  const newer = new Map(after.map((kind) => [keyOf(kind), kind]));
  const pairs = after.flatMap((kind) => {
    const old = older.get(keyOf(kind));
    return old === undefined ? [] : [{ old, kind }];
  });
  return {
    added: after.filter((kind) => !older.has(keyOf(kind))).map(storedRef),
    gone: before.filter((kind) => !newer.has(keyOf(kind))).map(storedRef),
    promoted: pairs.flatMap(({ old, kind }) => {
      const from = storageOf(old).name;
      return from === storageOf(kind).name ? [] : [{ ...storedRef(kind), from }];
    }),
    removed: pairs.flatMap(({ old, kind }) =>
      old.versions.filter(({ name }) => versionOf(kind, name) === undefined).map((version) => refOf(kind, version)),
    ),
    deprecated: pairs.flatMap(({ old, kind }) =>
      kind.versions
        .filter(({ name, deprecated }) => deprecated && versionOf(old, name)?.deprecated !== true)
        .map((version) => refOf(kind, version)),
    ),
  };
}

/** Gives the version that a kind's objects are stored in, which is the one to write; where that is not served, the first that is. */
export function storageOf({ versions }: ApiKind): ApiVersion {
  return versions.find(({ storage }) => storage) ?? (versions[0] as ApiVersion);
}

/** Gives the kinds whose version to write is of this stability. */
export function kindsOf(kinds: readonly ApiKind[], stability: 'stable' | 'beta' | 'alpha'): readonly ApiKind[] {
  return kinds.filter((kind) => stabilityOf(storageOf(kind).name) === stability);
}

/** Gives every version that is served and deprecated. */
export function deprecatedOf(kinds: readonly ApiKind[]): readonly ApiRef[] {
  return kinds.flatMap((kind) =>
    kind.versions.filter(({ deprecated }) => deprecated).map((version) => refOf(kind, version)),
  );
}

function versionOf({ versions }: ApiKind, wanted: string): ApiVersion | undefined {
  return versions.find(({ name }) => name === wanted);
}

function storedRef(kind: ApiKind): ApiRef {
  return refOf(kind, storageOf(kind));
}

function refOf({ group, kind }: ApiKind, { name }: ApiVersion): ApiRef {
  return { group, kind, version: name };
}

function keyOf({ kind, group }: ApiKind): string {
  return `${kind} ${group}`;
}
