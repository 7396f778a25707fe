// SPDX-License-Identifier: Apache-2.0
import { messageOf } from '#core';
import { EvidenceError } from '../error.ts';

/** Where the trusted root is kept up to date through TUF (theupdateframework.github.io, "Client workflow"). */
export interface PublicRootOptions {
  /** Where the newest metadata seen is kept, which protects against roll-back. */
  readonly folder: string;
  /** A TUF repository. Default: Sigstore's own, whose first root comes with the library. */
  readonly mirror?: string;
  /** The first TUF root of another mirror (a file). */
  readonly rootFile?: string;
}

/** Fetches Sigstore's trusted root, proved by TUF. Throws `TRUSTED_ROOT_UNAVAILABLE`. The library speaks HTTP by itself, without proxies. */
export async function fetchPublicRoot({ folder, mirror, rootFile }: PublicRootOptions): Promise<unknown> {
  const [{ getTrustedRoot }, { TrustedRoot }] = await Promise.all([
    import('@sigstore/tuf'),
    import('@sigstore/protobuf-specs'),
  ]);
  try {
    const root = await getTrustedRoot({
      cachePath: folder,
      ...(mirror === undefined ? {} : { mirrorURL: mirror }),
      ...(rootFile === undefined ? {} : { rootPath: rootFile }),
    });
    return TrustedRoot.toJSON(root);
  } catch (error) {
    throw new EvidenceError(
      'TRUSTED_ROOT_UNAVAILABLE',
      `the trusted root can't be brought up to date: ${messageOf(error)}`,
      {
        ...(mirror === undefined ? {} : { where: mirror }),
        cause: error,
        hint: 'Without a network, name a file with --trusted-root.',
      },
    );
  }
}
