// SPDX-License-Identifier: Apache-2.0
import type { StoredBlob } from '#cache';
import type { Digest } from '#core';
import { type IndexedAlpinePackage, openApk, type OpenApk } from '#formats';
import { BaseError } from '../error.ts';
import { getBlobFromAny } from '../transfer.ts';
import { alpineFingerprint, readAlpineKeyring } from './keys.ts';
import { addressesOf } from './repository.ts';
import { verifyApkSignatures } from './signature.ts';
import type { AlpineOptions, LockedApk } from './types.ts';

const CODES = { unsigned: 'BASE_PACKAGE_SIGNATURE', signature: 'BASE_PACKAGE_SIGNATURE' } as const;

/** A package as an index names it, and where it lies. */
export interface ListedApk {
  readonly listed: IndexedAlpinePackage;
  /** As {@link LockedApk.path}. */
  readonly path: string;
  /** That of the repository, in apk's words. */
  readonly architecture: string;
}

/**
 * Makes a listed package exact: fetches it, and proves all of it, by the index's checksum, its own signature, and the data hash. An index
 * knows only SHA-1 of a part; from here on the lock knows SHA-256 of the whole. Done once for each; throws as {@link openLocked}, and
 * `BASE_PACKAGE_SIGNATURE`.
 */
export async function provePackage(one: ListedApk, options: AlpineOptions): Promise<LockedApk> {
  const { listed, path, architecture } = one;
  const { name, version, checksum, size, origin, commit } = listed;
  const keyring = options.keyring ?? (await readAlpineKeyring());
  const keys = keyring.keys.map(({ key }) => alpineFingerprint(key)).sort();
  const { value } = await options.cache.step<{ sha256: Digest }>(
    { name: 'prove-apk', inputs: { checksum, name, version, size, architecture, keys } },
    (proved) => [proved.sha256],
    async () => {
      const { digest } = await fetchFile({ name, version, path, size }, options);
      const locked = { name, version, checksum, sha256: digest, architecture: listed.architecture };
      try {
        await proveAll(locked, { path, architecture, keyring }, options);
      } catch (error) {
        await options.cache.blobs.remove(digest);
        throw error;
      }
      return { sha256: digest };
    },
  );
  return {
    name,
    version,
    architecture: listed.architecture,
    origin,
    commit,
    path,
    size,
    checksum,
    sha256: value.sha256,
  };
}

type Identity = Pick<LockedApk, 'name' | 'version' | 'architecture' | 'checksum' | 'sha256'>;

async function proveAll(
  one: Identity,
  by: {
    readonly path: string;
    readonly architecture: string;
    readonly keyring: Awaited<ReturnType<typeof readAlpineKeyring>>;
  },
  options: AlpineOptions,
): Promise<void> {
  const apk = await openCached(one, by.path, options);
  try {
    const what = `the package ${one.name} ${one.version}`;
    verifyApkSignatures(apk.signatures, apk.control, { what, where: by.path, ...by, codes: CODES });
    for await (const entry of apk.entries()) {
      if (entry.kind !== 'file') continue;
      for await (const chunk of entry.body) void chunk; // each file and the data hash are checked by being read
    }
  } finally {
    await apk.close();
  }
}

/**
 * Opens a locked package, fetching it where the cache lacks it. Throws `BASE_PACKAGE_GONE` where no mirror has the locked version any
 * more, `BASE_PACKAGE_DIFFERS` where one serves other bytes or what is inside is not the package that was locked.
 */
export async function openLocked(one: LockedApk, options: AlpineOptions): Promise<OpenApk> {
  await fetchLocked(one, options);
  return openCached(one, one.path, options);
}

/** Brings a locked package into the cache; throws as {@link openLocked}. */
export async function fetchLocked(one: LockedApk, options: AlpineOptions): Promise<StoredBlob> {
  return (await options.cache.blobs.find(one.sha256)) ?? fetchFile({ ...one, digest: one.sha256 }, options);
}

async function openCached(one: Identity, where: string, options: AlpineOptions): Promise<OpenApk> {
  const maxBytes = options.maxUnpackedBytes;
  const apk = await openApk(options.cache.blobs.read(one.sha256), {
    where,
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
  const { info } = apk;
  const inside = `${info.name} ${info.version} for ${info.architecture}`;
  const fault =
    inside !== `${one.name} ${one.version} for ${one.architecture}`
      ? `is ${inside} by its own .PKGINFO`
      : apk.checksum !== one.checksum
        ? 'is not the one that the index names: its control part has another checksum'
        : undefined;
  if (fault === undefined) return apk;
  await apk.close();
  throw new BaseError('BASE_PACKAGE_DIFFERS', `the package ${one.name} ${one.version} ${fault}`, {
    where,
    hint: 'The mirror serves another package under this name: use another mirror, and tell its keeper.',
  });
}

async function fetchFile(
  one: {
    readonly name: string;
    readonly version: string;
    readonly path: string;
    readonly size: number;
    readonly digest?: Digest;
  },
  options: AlpineOptions,
): Promise<StoredBlob> {
  const title = `${one.name} ${one.version}`;
  const urls = addressesOf(one.path, options.mirrors);
  const differs = (url: string, cause: unknown) =>
    new BaseError(
      'BASE_PACKAGE_DIFFERS',
      `the package ${title} is not the one that ${one.digest === undefined ? 'the index names' : 'was locked'}`,
      {
        where: url,
        hint: 'The mirror may be in the middle of an update: try again in some minutes, or use another mirror.',
        cause,
      },
    );
  const known = one.digest === undefined ? {} : { digest: one.digest };
  const blob = await getBlobFromAny(options, urls, { ...known, size: one.size, differs });
  if (blob !== undefined) return blob;
  if (urls.length === 0) {
    throw new BaseError('BASE_MIRROR_MISSING', `no mirror of Alpine is known that could serve ${title}`, {
      hint: 'Set `mirror` of the base in the definition, or OAKUM_ALPINE_MIRROR.',
    });
  }
  throw new BaseError(
    'BASE_PACKAGE_GONE',
    `the mirror has no ${title}, which ${one.digest === undefined ? 'its index lists' : 'is locked'}`,
    {
      ...(urls[0] === undefined ? {} : { where: urls[0] }),
      hint: 'Alpine keeps only the newest version of each package: run `oakum lock --refresh bases`, or use a mirror that keeps old ones.',
    },
  );
}
