// SPDX-License-Identifier: Apache-2.0
import type { TestComparison, TestRun } from '#build';
import { hexOf } from '#core';
import type { LockedModule } from '#definition';
import type { Json } from '#formats';
import { digestOfOverlay } from '#patch';
import { nameOf, type OverlayTests } from './test-overlay.ts';

/**
 * Takes what the tests of a component gave before and after an overlay; gives the predicate of an in-toto test result, version
 * 0.1: `PASSED`, `WARNED` where tests prove nothing because they failed before too, or are lost, `FAILED` where one broke.
 * `oakum_comparison` says how each package ended before and after, and which were left out.
 */
export function toTestResult(
  comparison: TestComparison,
  { component, definition, lock, release, overlay }: OverlayTests,
  platform: string,
): Json {
  const { before, after, passed, regressions, lost, unusable } = comparison;
  const locked = lock.releases[release]?.components[component];
  const toolchains = lock.toolchains[definition.toolchain] ?? {};
  const toolchain = Object.entries(toolchains).flatMap(([name, one]) => (name === platform ? [one] : []));
  const modules = [...(locked === undefined ? [] : [locked.module, ...locked.nested]), ...toolchain];
  const warned = [...lost.map(nameOf), ...unusable];
  return {
    result: regressions.length > 0 ? 'FAILED' : warned.length > 0 ? 'WARNED' : 'PASSED',
    configuration: [
      ...modules.map(toDescriptor),
      { name: 'overlay', digest: { sha256: hexOf(digestOfOverlay(overlay)) } },
      ...overlay.patches.map(({ file, digest }) => ({ name: file, digest: { sha256: hexOf(digest) } })),
    ],
    passedTests: passed,
    warnedTests: warned,
    failedTests: regressions.map(nameOf),
    oakum_comparison: {
      platform,
      isolation: after.isolation,
      packages: packagesOf(before, after),
      regressions: regressions.map((one) => ({ ...one })),
      lost: lost.map((one) => ({ ...one })),
      leftOut: after.leftOut.map((one) => ({ ...one })),
    },
  };
}

function packagesOf(before: TestRun, after: TestRun): Json {
  const now = new Map(after.packages.map(({ path, result }) => [path, result]));
  return before.packages.map(({ path, result }) => ({ path, before: result, after: now.get(path) ?? 'gone' }));
}

/** A module by Go's directory hash, in hex (in-toto digest_set.md, "dirHash"). */
function toDescriptor({ path, version, zipHash }: LockedModule): Json {
  return {
    name: `${path}@${version}`,
    digest: { dirHash: Buffer.from(zipHash.slice('h1:'.length), 'base64').toString('hex') },
  };
}
