// SPDX-License-Identifier: Apache-2.0
import type { ErrorFamily } from '#core';
import type { ScanVerdict } from '#vulnerabilities';

/** The exit code of each family of errors, and what it tells a script; docs/cli.md is generated from it. */
export const EXIT_CODES: Readonly<Record<ErrorFamily, { readonly code: number; readonly meaning: string }>> = {
  usage: {
    code: 2,
    meaning:
      'The command line names something that does not exist: a flag, version, component, channel, platform or reference.',
  },
  definition: {
    code: 3,
    meaning: 'distribution.yaml, oakum.lock or a policy is faulty; every fault is listed with its place.',
  },
  network: {
    code: 4,
    meaning:
      'A proxy, database or mirror did not answer, refused, or broke off. Trying again may help. For `scan` and `store refresh` also: nothing (new) found, but not everything could be checked.',
  },
  proof: {
    code: 5,
    meaning:
      'Something is not what it must be: a hash, a signature, an expired or rolled-back index, a forked log. Nothing was used.',
  },
  machine: {
    code: 6,
    meaning: 'This machine lacks something: a sandbox, disk space, a program. `oakum doctor` tells more.',
  },
  build: { code: 7, meaning: 'A component did not compile, or what it compiled to is not what was asked for.' },
  registry: { code: 8, meaning: 'The image registry or OCI layout refused, throttled, or broke off.' },
  cache: { code: 9, meaning: 'A cached file was damaged and has been removed; running again makes it anew.' },
  cluster: {
    code: 10,
    meaning:
      'The Kubernetes API server refused: a right is missing, another owns the field, an object is not as it must be. What was done and what is left is said.',
  },
  interrupted: { code: 130, meaning: 'Stopped by Ctrl-C or SIGTERM; the next run goes on from the cache.' },
};

/** The exit code of a verdict that is not an error: what was asked for was looked at, and not all is well. */
export const VERDICT_EXIT_CODE = 1;

/** The exit code of what a scan says as a whole. */
export const EXIT_BY_SCAN_VERDICT: Readonly<Record<ScanVerdict, number>> = {
  clean: 0,
  findings: VERDICT_EXIT_CODE,
  unchecked: EXIT_CODES.network.code,
};

/** The exit code of a verdict: the image was checked, and is not to be trusted. */
export const NOT_TRUSTED_EXIT_CODE = 1;

/** The exit code of a defect in Oakum itself (EX_SOFTWARE of sysexits). */
export const DEFECT_EXIT_CODE = 70;
