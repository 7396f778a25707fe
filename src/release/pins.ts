// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';

/** One image pinned by tag and by the digest of its index. */
export interface Pin {
  readonly name: string;
  readonly tag: string;
  readonly digest: Digest;
}

/**
 * Gives kustomize image pins in the exact form that Flux distributions publish: no document mark, two spaces, no quotes,
 * in the order given.
 */
export function formatPins(pins: readonly Pin[]): string {
  const rows = pins.map((pin) => `  - name: ${pin.name}\n    newTag: ${pin.tag}\n    digest: ${pin.digest}\n`);
  return `images:\n${rows.join('')}`;
}

/** Gives the path of a channel's pins, relative to the output folder: `images/v2.9.2/oakum-distroless.yaml`. */
export function pinsPath(release: string, channel: string): string {
  return `images/v${release}/oakum-${channel}.yaml`;
}
