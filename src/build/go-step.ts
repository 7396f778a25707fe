// SPDX-License-Identifier: Apache-2.0
import { architectureOf, type Platform } from '#core';
import type { Limits, Mount } from '#engine';
import { compilerFor } from '#bases';
import { type CryptoMode, cryptoEnv, experimentsOf } from './crypto.ts';
import { TLS_OVERLAY } from './tls-overlay.ts';

/** What a compile needs on disk; asked for only when it must run. `hashes` maps `path@version` to h1. */
export interface CompileInputs {
  readonly sourceFolder: string;
  readonly moduleCache: string;
  readonly toolchainFolder: string;
  readonly hashes: ReadonlyMap<string, string>;
  /** The folder of the build root whose C compiler a compile with cgo uses. */
  readonly buildRoot?: string;
}

/** Limits of a step that runs Go. */
export interface CompileLimits {
  readonly memoryBytes: number;
  readonly milliseconds: number;
  readonly processes: number;
}

/** Where things lie inside the sandbox; fixed, so that no path of a machine can reach the bytes. */
export const INSIDE = {
  toolchain: '/usr/local/go',
  modules: '/gomod',
  source: '/src',
  cache: '/gocache',
  output: '/out',
} as const;

/** The go command inside the sandbox. */
export const GO = `${INSIDE.toolchain}/bin/go`;

/** What Go compiles for, and how. */
export interface GoTarget {
  readonly platform: Platform;
  /** `none` where it is left out. */
  readonly crypto?: CryptoMode;
  /** Go experiments (GOEXPERIMENT). */
  readonly experiments?: readonly string[];
}

/**
 * Gives the environment in which Go runs in a sandbox for a platform, crypto mode and experiments, offline: toolchain, modules and caches lie
 * where a compile has them.
 */
export function goEnvironment({
  platform,
  crypto = 'none',
  experiments = [],
}: GoTarget): Readonly<Record<string, string>> {
  const architecture = architectureOf(platform);
  const wanted = experimentsOf(crypto, experiments);
  return {
    ...(crypto === 'boring'
      ? { CC: compilerFor(architecture), CGO_CFLAGS: '-O2', CGO_ENABLED: '1' }
      : { CGO_ENABLED: '0' }),
    ...cryptoEnv(crypto),
    GO111MODULE: 'on',
    GOARCH: architecture,
    ...(architecture === 'amd64' ? { GOAMD64: 'v1' } : { GOARM64: 'v8.0' }),
    GOCACHE: INSIDE.cache,
    GOENV: 'off',
    ...(wanted.length === 0 ? {} : { GOEXPERIMENT: wanted.join(',') }),
    GOFLAGS: '',
    GOMODCACHE: INSIDE.modules,
    GOOS: 'linux',
    GOPROXY: 'off',
    GOROOT: INSIDE.toolchain,
    GOSUMDB: 'off', // the proof was made before; the compiler checks each module against go.sum without network
    GOTELEMETRY: 'off',
    GOTOOLCHAIN: 'local',
    GOVCS: '*:off',
    GOWORK: 'off',
    HOME: '/tmp',
    LC_ALL: 'C',
    PATH: crypto === 'boring' ? `${INSIDE.toolchain}/bin:/usr/bin` : `${INSIDE.toolchain}/bin`,
    TMPDIR: '/tmp',
    TZ: 'UTC',
  };
}

/** Gives what Go sees: toolchain, modules and source to read, and the build cache `goBuild`, which all steps share. */
export function goMounts(
  folders: Pick<CompileInputs, 'toolchainFolder' | 'moduleCache' | 'sourceFolder'>,
  goBuild: string,
): readonly Mount[] {
  return [
    { kind: 'read', from: folders.toolchainFolder, to: INSIDE.toolchain },
    { kind: 'read', from: folders.moduleCache, to: INSIDE.modules },
    { kind: 'read', from: folders.sourceFolder, to: INSIDE.source },
    { kind: 'write', from: goBuild, to: INSIDE.cache, shared: true },
  ];
}

/** Gives what a compile with cgo sees beside that: the build root as `/usr`, and the file that is laid into the main package. */
export function cgoMounts(buildRoot: string, mainPackage: string): readonly Mount[] {
  return [
    { kind: 'read', from: `${buildRoot}/usr`, to: '/usr' },
    { kind: 'read', from: `${buildRoot}/usr/lib`, to: '/lib' },
    { kind: 'read', from: `${buildRoot}/usr/lib64`, to: '/lib64' },
    ...TLS_OVERLAY.files(`${INSIDE.source}/${mainPackage}`).map(
      ({ path, text }): Mount => ({ kind: 'data', content: Buffer.from(text), to: path }),
    ),
  ];
}

/** Takes the limits of a compile and the sizes of what a step may write; gives the engine's limits. */
export function goLimits(
  { milliseconds, memoryBytes, processes }: CompileLimits,
  sizes: Pick<Limits, 'fileBytes' | 'outputBytes'>,
): Limits {
  return { wallMilliseconds: milliseconds, memoryBytes, processes, ...sizes };
}
