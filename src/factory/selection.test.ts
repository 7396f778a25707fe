// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDefinition } from '#definition';
import { select } from '#factory';

const { definition } = await readDefinition(resolve(import.meta.dirname, '../../distribution.yaml'));

describe('the selection', () => {
  it('is everything where nothing is named, and keeps the order of the definition', () => {
    expect(select(definition, {}).components).toHaveLength(7);
    expect(
      select(definition, { components: ['source-watcher', 'helm-controller'], platforms: ['linux/arm64'] }),
    ).toEqual({
      channels: ['distroless'],
      components: ['helm-controller', 'source-watcher'],
      platforms: ['linux/arm64'],
    });
  });

  it('has a channel that is not meant by default where it is named alone', () => {
    expect(select(definition, {}).channels).toEqual(['distroless']);
    expect(select(definition, { channels: [] }).channels).toEqual(['distroless']);
    expect(select(definition, { channels: ['fips', 'distroless'] }).channels).toEqual(['distroless', 'fips']);
  });

  it('says what is known and what may be meant', () => {
    const message = (request: Parameters<typeof select>[1]) => {
      try {
        select(definition, request);
      } catch (error) {
        return `${(error as Error).message} ${(error as { hint?: string }).hint}`;
      }
      return '';
    };
    expect(message({ components: ['source-controler'] })).toMatch(
      /did you mean source-controller\? Known: .*source-watcher/,
    );
    expect(message({ channels: ['windows'] })).toBe('the definition has no channel "windows" Known: distroless, fips.');
    expect(message({ platforms: ['linux/riscv64'] })).toContain('Known: linux/amd64, linux/arm64.');
  });
});
