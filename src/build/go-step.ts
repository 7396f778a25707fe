// SPDX-License-Identifier: Apache-2.0
import { architectureOf, type Platform } from '#core';
import type { Limits, Mount } from '#engine';
import { type CryptoMode, cryptoEnv } from './crypto.ts';

/** What a compile needs on disk; asked for only when it must run. `hashes` maps `path@version` to h1. */
export interface CompileInputs {
  readonly sourceFolder: string;
  readonly moduleCache: string;
  readonly toolchainFolder: string;
  readonly hashes: ReadonlyMap<string, string>;
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
  return {
    CGO_ENABLED: '0',
    ...cryptoEnv(crypto),
    GO111MODULE: 'on',
    GOARCH: architecture,
    ...(architecture === 'amd64' ? { GOAMD64: 'v1' } : { GOARM64: 'v8.0' }),
    GOCACHE: INSIDE.cache,
    GOENV: 'off',
    ...(experiments.length === 0 ? {} : { GOEXPERIMENT: experiments.join(',') }),
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
    PATH: `${INSIDE.toolchain}/bin`,
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

/** Takes the limits of a compile and the sizes of what a step may write; gives the engine's limits. */
export function goLimits(
  { milliseconds, memoryBytes, processes }: CompileLimits,
  sizes: Pick<Limits, 'fileBytes' | 'outputBytes'>,
): Limits {
  return { wallMilliseconds: milliseconds, memoryBytes, processes, ...sizes };
}
