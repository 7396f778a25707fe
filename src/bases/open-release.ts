// SPDX-License-Identifier: Apache-2.0
import { type Digest, digestOf } from '#core';
import { archiveOf, readDebianKeyring } from './archive-keys.ts';
import { BaseError } from './error.ts';
import { firstMirror } from './first-mirror.ts';
import { checkFresh, DEFAULT_MAX_AGE_DAYS, rememberSeen } from './freshness.ts';
import { parseRelease, type Release } from './release-file.ts';
import { verifyInRelease } from './signature.ts';
import { getFile } from './transfer.ts';
import type { DebianOptions } from './types.ts';

/** A proved, fresh Release file and the mirror that served it. */
export interface OpenRelease {
  readonly suite: string;
  readonly release: Release;
  readonly inRelease: Digest;
  readonly signers: readonly string[];
  /** The archive's base URI there. */
  readonly mirror: string;
}

const MAX_IN_RELEASE = 4 << 20;

/** Finds a suite's Release file on the first mirror whose file passes every check; see {@link firstMirror}. */
export async function openRelease(suite: string, options: DebianOptions): Promise<OpenRelease> {
  if (!/^[a-z][a-z0-9-]*$/.test(suite)) {
    throw new BaseError('BASE_SUITE_MISSING', `${JSON.stringify(suite)} is not the name of a suite`);
  }
  return firstMirror(options.mirrors[archiveOf(suite)], (mirror) => tryMirror(mirror, suite, options), {
    ...options,
    missing: () => noMirror(suite),
  });
}

async function tryMirror(mirror: string, suite: string, options: DebianOptions): Promise<OpenRelease> {
  const where = `${mirror}/dists/${suite}/InRelease`;
  const bytes = await getFile(options, where, MAX_IN_RELEASE);
  if (bytes === undefined) {
    throw new BaseError('BASE_SUITE_MISSING', `the mirror does not serve the suite ${suite}`, {
      where,
      hint: 'Check the suite in the definition, or use another mirror.',
    });
  }
  const now = options.clock.now();
  const keyrings = options.keyrings ?? [await readDebianKeyring()];
  const { text, signers } = await verifyInRelease(bytes, { suite, keyrings, now, where });
  const release = parseRelease(text, where);
  const inRelease = digestOf(bytes);
  const maxAgeDays = options.maxAgeDays ?? DEFAULT_MAX_AGE_DAYS;
  const freshness = { suite, now, maxAgeDays, stateFolder: options.stateFolder, where };
  await checkFresh(release, freshness);
  await rememberSeen(release, inRelease, freshness);
  return { suite, release, inRelease, signers, mirror };
}

function noMirror(suite: string): BaseError {
  const archive = archiveOf(suite) === 'security' ? 'the Debian security archive' : 'the Debian archive';
  return new BaseError('BASE_MIRROR_MISSING', `no mirror of ${archive} is known, which ${suite} needs`, {
    hint: 'Set `mirror` and `securityMirror` of the base in the definition, or configure apt on this machine (/etc/apt/sources.list.d).',
  });
}
