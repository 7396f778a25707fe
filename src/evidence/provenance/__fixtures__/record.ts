// SPDX-License-Identifier: Apache-2.0
import { digestOf } from '#core';
import type { BuildRecord } from '../record.ts';

/** The record of a real build of source-watcher v2.2.2, shortened to one module and one package. */
export const RECORD: BuildRecord = {
  builder: {
    id: 'https://oakum.dev/builders/local/v1',
    version: { oakum: '0.1.0', node: '24.21.0' },
    engine: 'local',
    sandbox: 'bubblewrap 0.8.0, seccomp, cgroup v1 (memory, pids)',
  },
  invocation: {
    id: '0b5a3c1e-6d1f-4d0e-8f0c-2f6a0a6d9b11',
    startedOn: new Date('2026-11-24T09:00:00.123Z'),
    finishedOn: new Date('2026-11-24T09:03:20Z'),
  },
  request: {
    distribution: 'oakum',
    release: '2.9.2',
    revision: '2.9.2-r0',
    channel: 'distroless',
    component: 'source-watcher',
    platform: 'linux/amd64',
    definition: digestOf('definition'),
    lock: digestOf('lock'),
  },
  steps: {
    pack: { parameters: { compressor: 'gzip', epoch: '2026-07-07T11:39:33Z' } },
    compile: { argv: ['/usr/local/go/bin/go', 'build', '-trimpath'], env: { CGO_ENABLED: '0' } },
  },
  materials: {
    source: {
      path: 'github.com/fluxcd/source-watcher/v2',
      version: 'v2.2.2',
      h1: 'h1:rDqpdZrQ2RM3+k+wGauwXGdI78qIqEG9F6By2hZqV20=',
      repository: 'https://github.com/fluxcd/source-watcher',
      commit: 'e29d07bf96317cae3964424de446940dcaac494f',
      ref: 'refs/tags/v2.2.2',
    },
    nested: [
      {
        path: 'github.com/fluxcd/source-watcher/api/v2',
        version: 'v2.2.2',
        h1: 'h1:D9zHdmLoLl8VI+DgsgAaa6Vc2e1mXGDBn8OaToAhMT4=',
      },
    ],
    modules: [
      {
        path: 'github.com/Masterminds/semver',
        version: 'v1.5.0+incompatible',
        h1: 'h1:H65muMkzWKEuNDnfl9d70GUjFniHKHRbFPGBuZ3QEww=',
      },
    ],
    toolchain: {
      path: 'golang.org/toolchain',
      version: 'v0.0.1-go1.27.3.linux-amd64',
      // The example of in-toto's digest_set.md, with the hex it says this is.
      h1: 'h1:Khu2En+0gcYPZ2kuIihfswbzxv/mIHXgzPZ018Oty48=',
    },
    packages: [
      {
        name: 'base-files',
        version: '13.8+deb13u8',
        architecture: 'amd64',
        sha256: 'sha256:f5a0546098f38bad5843380521781fe7214e5a283d3bed63f79c505545f262af',
        source: { name: 'base-files', version: '13.8+deb13u8' },
      },
    ],
    distribution: { id: 'debian', versionId: '13' },
    exemptions: [],
  },
};
