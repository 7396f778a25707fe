// SPDX-License-Identifier: Apache-2.0

/** The platforms Oakum builds for, as OCI `os/architecture`; architecture names are Go's. */
export const PLATFORMS = ['linux/amd64', 'linux/arm64'] as const;

/** One of {@link PLATFORMS}. */
export type Platform = (typeof PLATFORMS)[number];

/** A CPU architecture by Go's name; Debian uses the same words for these two. */
export type Architecture = 'amd64' | 'arm64';

/** Takes `linux/amd64`; gives `amd64`. */
export function architectureOf(platform: Platform): Architecture {
  return platform === 'linux/amd64' ? 'amd64' : 'arm64';
}

/** Takes Node's `process.arch`; gives the Linux platform of this machine, or undefined where Oakum has none. */
export function platformOfMachine(arch: string): Platform | undefined {
  return arch === 'x64' ? 'linux/amd64' : arch === 'arm64' ? 'linux/arm64' : undefined;
}
