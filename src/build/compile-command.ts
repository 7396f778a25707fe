// SPDX-License-Identifier: Apache-2.0
import type { Digest, Platform } from '#core';
import type { CryptoMode } from './crypto.ts';
import { GO, goEnvironment, INSIDE } from './go-step.ts';
import { TLS_OVERLAY } from './tls-overlay.ts';

/** A module as proved: its zip's h1 stands for its content. */
export interface ModuleIdentity {
  readonly path: string;
  readonly version: string;
  readonly zipHash: string;
}

/** What to compile. Together with the flags below it determines the bytes. */
export interface CompileRequest {
  readonly component: string;
  readonly main: ModuleIdentity;
  readonly nested: readonly ModuleIdentity[];
  /** The main package, relative to the module. */
  readonly package: string;
  readonly toolchain: { readonly version: string; readonly zipHash: string };
  readonly platform: Platform;
  readonly crypto: CryptoMode;
  /** Of the build root that the C compiler comes from (`digestOfBuildRoot`); `boring` needs one. */
  readonly buildRoot?: Digest;
  /** Go experiments (GOEXPERIMENT) that the program is compiled with. */
  readonly experiments?: readonly string[];
  /** The digest of what is laid over the source, where something is; without it the key is as it always was. */
  readonly overlay?: Digest;
  /** Build constraints that hold beside Go's own. */
  readonly tags?: readonly string[];
  /** String variables that the linker sets, by `package.name`; without white space and quotes, as the go command splits at them. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** What of names and users Go does by itself: a static glibc would look for shared libraries when it is asked. */
const WITHOUT_LIBC = ['netgo', 'osusergo'] as const;

/** With cgo the C compiler links, so that no shared library is needed. */
const STATIC = ' -linkmode=external -extldflags=-static';

/** Flags that every compile has, of tests too. */
export const SHARED_FLAGS = ['-trimpath', '-buildvcs=false', '-mod=readonly'] as const;

/** Gives the command and environment of a compile as the sandbox sees them, for provenance. */
export function compileCommand(request: CompileRequest): {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
} {
  const output = `${INSIDE.output}/${request.component}`;
  const variables = Object.entries(request.variables ?? {}).map(([name, value]) => ` -X ${name}=${value}`);
  const external = request.crypto === 'boring' ? STATIC : '';
  const linker = `-ldflags=-s -w${external}${variables.join('')}`;
  const argv = [GO, 'build', ...packageFlags(request), linker, '-o', output, request.package] as const;
  return { argv, env: goEnvironment(request) };
}

/** Gives the flags that decide how packages are compiled. */
export function packageFlags({ tags = [], crypto }: CompileRequest): readonly string[] {
  const all = crypto === 'boring' ? [...tags, ...WITHOUT_LIBC] : tags;
  return [
    ...SHARED_FLAGS,
    ...(crypto === 'boring' ? [TLS_OVERLAY.flag] : []),
    ...(all.length === 0 ? [] : [`-tags=${all.join(',')}`]),
  ];
}
