// SPDX-License-Identifier: Apache-2.0
import { type ApiKind, recordedKinds, storageOf } from '#compatibility';
import { ConsumerError } from '../error.ts';

/** What became of a version of a kind in the target line. */
export interface ApiVerdict {
  readonly state: 'removed' | 'deprecated';
  /** The version to write; undefined where the line has no such kind, or where that would be a step back. */
  readonly replacement: string | undefined;
  readonly served: readonly string[];
}

/** The API of a line of Flux, made to be asked quickly. */
export interface ApiTable {
  readonly line: string;
  /** Says what is wrong with a version of a kind; undefined where nothing is, or where the group is not Flux's. */
  judge(group: string, version: string, kind: string): ApiVerdict | undefined;
  /** Says whether a text names a version, or a selector of versions, that may not be what the line stores. */
  mayBeOld(text: string): boolean;
}

/** Lines whose API is recorded, the newest last. */
const LINES = ['2.6', '2.7', '2.8', '2.9'] as const;

/** The newest line whose API is known. */
export const NEWEST_LINE = LINES.at(-1) as string;

/** Gives the API of a line such as 2.9. Throws `TARGET_UNKNOWN` where it is not recorded. */
export function apiTable(line: string): ApiTable {
  const kinds = recordedKinds(line);
  if (kinds === undefined)
    throw new ConsumerError('TARGET_UNKNOWN', `the API versions of Flux ${line} are not known`, {
      hint: `Known lines: ${LINES.join(', ')}.`,
    });
  const byName = new Map(kinds.map((kind) => [`${kind.group}/${kind.kind}`, kind]));
  const groups = new Map<string, readonly ApiKind[]>();
  for (const kind of kinds) groups.set(kind.group, [...(groups.get(kind.group) ?? []), kind]);
  const absent = LINES.flatMap((other) => recordedKinds(other) ?? [])
    .filter(({ group, kind }) => !byName.has(`${group}/${kind}`))
    .map(({ kind }) => kind);
  return {
    line,
    judge(group, version, kind) {
      return groups.has(group) ? judgeVersion(byName.get(`${group}/${kind}`), version) : undefined;
    },
    mayBeOld: (text) => mayBeOld(text, groups) || absent.some((kind) => text.includes(kind)),
  };
}

function judgeVersion(kind: ApiKind | undefined, version: string): ApiVerdict | undefined {
  if (kind === undefined) return { state: 'removed', replacement: undefined, served: [] };
  const found = kind.versions.find(({ name }) => name === version);
  const served = kind.versions.map(({ name }) => name);
  const stored = storageOf(kind).name;
  if (found !== undefined && !found.deprecated) return undefined;
  const isOlder = rank(version) < rank(stored);
  return {
    state: found === undefined ? 'removed' : 'deprecated',
    replacement: isOlder ? stored : undefined,
    served,
  };
}

/** Kubernetes' order of versions: v2 over v1 over v2beta1 over v1beta2 over v1alpha1; but v2beta1 of a kind came after its v1beta1. */
function rank(version: string): number {
  const [, major = '0', stage, minor = '0'] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? [];
  const stability = stage === undefined ? 2 : stage === 'beta' ? 1 : 0;
  return Number(major) * 10_000 + stability * 1000 + Number(minor);
}

/** Bounded, as texts may be made so that a part without end is tried from each of its places. */
const VERSION = /((?:[a-z]{1,40}\.){1,4}fluxcd\.io)\/(v\d[a-z0-9]{0,20})/g;
const SELECTOR = /group["']?\s{0,99}:\s{0,99}["']?(?:[a-z]{1,40}\.){1,4}fluxcd\.io/;

/** A version that is right for each kind of its group that the text names needs no closer look. */
function mayBeOld(text: string, groups: ReadonlyMap<string, readonly ApiKind[]>): boolean {
  if (!text.includes('fluxcd.io')) return false;
  if (SELECTOR.test(text)) return true;
  for (const [, group = '', version = ''] of text.matchAll(VERSION)) {
    const kinds = groups.get(group);
    if (kinds?.every((kind) => isRight(kind, version) || !text.includes(kind.kind)) === false) return true;
    if (kinds !== undefined && !kinds.some((kind) => isRight(kind, version))) return true;
  }
  return false;
}

function isRight({ versions }: ApiKind, wanted: string): boolean {
  return versions.some(({ name, deprecated }) => name === wanted && !deprecated);
}
