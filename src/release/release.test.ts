// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { digestOf } from '#core';
import { formatPins, formatRevision, imageName, imageTags, parseRevision, pinsPath } from '#release';

describe('the release', () => {
  it('writes kustomize pins to the letter', () => {
    const digest = digestOf('x');
    const pins = ['source-controller', 'source-watcher'].map((name) => ({
      name: imageName('registry.example.com/flux', 'distroless', name),
      tag: 'v1.9.4',
      digest,
    }));
    expect(formatPins(pins)).toBe(
      'images:\n' +
        `  - name: registry.example.com/flux/distroless/source-controller\n    newTag: v1.9.4\n    digest: ${digest}\n` +
        `  - name: registry.example.com/flux/distroless/source-watcher\n    newTag: v1.9.4\n    digest: ${digest}\n`,
    );
    expect(pinsPath('2.9.2', 'distroless')).toBe('images/v2.9.2/oakum-distroless.yaml');
  });

  it('names revisions and their tags', () => {
    expect(formatRevision({ release: '2.9.2', number: 1 })).toBe('2.9.2-r1');
    expect(parseRevision('2.9.2-rc.1-r12')).toEqual({ release: '2.9.2-rc.1', number: 12 });
    expect(['2.9.2', '-r1', '2.9.2-r', '2.9.2-r1x'].map(parseRevision)).toEqual(Array.from({ length: 4 }));
    expect(imageTags('v1.9.3', 1)).toEqual({ immutable: 'v1.9.3-r1', moving: 'v1.9.3' });
  });
});
