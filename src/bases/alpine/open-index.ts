// SPDX-License-Identifier: Apache-2.0
import { type Digest, digestOf, oneChunk } from '#core';
import { type ApkIndex, readApkIndex, splitApkSignatures } from '#formats';
import { BaseError } from '../error.ts';
import { firstMirror } from '../first-mirror.ts';
import { getFile } from '../transfer.ts';
import { checkIndexFresh, rememberIndex } from './freshness.ts';
import { readAlpineKeyring } from './keys.ts';
import { addressesOf, branchOf, type Repository } from './repository.ts';
import { verifyApkSignatures } from './signature.ts';
import type { AlpineOptions } from './types.ts';

/** A proved, fresh index. */
export interface OpenIndex {
  readonly repository: Repository;
  /** In apk's words. */
  readonly architecture: string;
  readonly index: ApkIndex;
  /** Of the file as served. */
  readonly digest: Digest;
  readonly signers: readonly string[];
}

/** Compressed; Alpine's largest is of 3 MiB. */
const MAX_INDEX = 64 << 20;
const CODES = { unsigned: 'BASE_INDEX_UNSIGNED', signature: 'BASE_INDEX_SIGNATURE' } as const;

/** Finds a repository's index on the first mirror whose file passes every check; see {@link firstMirror}. */
export async function openIndex(
  repository: Repository,
  architecture: string,
  options: AlpineOptions,
): Promise<OpenIndex> {
  const addresses = addressesOf(`${repository.path}/${architecture}/APKINDEX.tar.gz`, options.mirrors);
  return firstMirror(addresses, (where) => tryMirror(where, { repository, architecture }, options), {
    ...options,
    missing: () => noMirror(repository),
  });
}

async function tryMirror(
  where: string,
  wanted: { readonly repository: Repository; readonly architecture: string },
  options: AlpineOptions,
): Promise<OpenIndex> {
  const { repository, architecture } = wanted;
  const bytes = await getFile(options, where, MAX_INDEX);
  if (bytes === undefined) {
    throw new BaseError('BASE_INDEX_MISSING', `the mirror has no repository ${repository.path} for ${architecture}`, {
      where,
      hint: 'Check `branch` and `repositories` of the base in the definition, or use another mirror.',
    });
  }
  const keyring = options.keyring ?? (await readAlpineKeyring());
  const what = `the index of ${repository.path}`;
  const { signatures, signed } = await splitApkSignatures(bytes, where);
  const signers = verifyApkSignatures(signatures, signed, { what, where, architecture, keyring, codes: CODES });
  const index = await readApkIndex(oneChunk(signed), { where });
  checkBranch(index, repository, where);
  const digest = digestOf(bytes);
  const freshness = { what, where, architecture, path: repository.path, ...options };
  await checkIndexFresh(index, freshness);
  await rememberIndex(index, digest, freshness);
  return { repository, architecture, index, digest, signers };
}

/** One key signs all branches: a mirror could serve the index of an old one under a new one's name, but for what it calls itself. */
function checkBranch({ description }: ApkIndex, { path }: Repository, where: string): void {
  const branch = branchOf(path);
  const own = /^v(\d+\.\d+)[.-]/.exec(description)?.[1];
  if (own === undefined || branch === undefined || !/^v\d+\.\d+$/.test(branch) || branch === `v${own}`) return;
  throw new BaseError('BASE_INDEX_BRANCH', `the mirror gave an index of v${own} where ${branch} was asked for`, {
    where,
    hint: 'The mirror mixes branches up, or someone replays an old one: use another mirror.',
  });
}

function noMirror({ path }: Repository): BaseError {
  return new BaseError('BASE_MIRROR_MISSING', `no mirror of Alpine is known, which ${path} needs`, {
    hint: 'Set `mirror` of the base in the definition, or OAKUM_ALPINE_MIRROR.',
  });
}
