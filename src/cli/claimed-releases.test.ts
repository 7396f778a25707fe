// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '#core';
import type { ScanSubject } from '#vulnerabilities';
import { claimedReleases } from './claimed-releases.ts';

const CLAIM = {
  distribution: 'oakum',
  revision: '2.9.2-r1',
  release: '2.9.2',
  channel: 'distroless',
  component: 'source-controller',
  platform: 'linux/amd64',
};
const NAME = 'registry.example.com:5000/flux/distroless/source-controller';

function image(claim: object | undefined, more: Partial<ScanSubject> = {}): ScanSubject {
  const provenance = () =>
    claim === undefined
      ? Promise.reject(new Error('there is none'))
      : Promise.resolve({ buildDefinition: { externalParameters: claim } });
  return {
    target: `${NAME}:v1.9.3-r1`,
    kind: 'image',
    platform: 'linux/amd64',
    digest: digestOf('amd64'),
    root: digestOf('index'),
    basis: 'its layers',
    packages: [],
    gaps: [],
    provenance,
    ...more,
  };
}

describe('what images say of themselves', () => {
  it('makes the platforms of one image one image of its revision', async () => {
    const arm = { ...CLAIM, platform: 'linux/arm64' };
    const digest: Digest = digestOf('arm64');
    const found = await claimedReleases([image(CLAIM), image(arm, { platform: 'linux/arm64', digest })]);
    expect(found).toEqual([
      {
        distribution: 'oakum (as claimed in registry.example.com:5000/flux)',
        images: [
          {
            channel: 'distroless',
            component: 'source-controller',
            revision: '2.9.2-r1',
            repository: NAME,
            index: digestOf('index'),
            tag: 'v1.9.3-r1',
            platforms: [
              { platform: 'linux/amd64', digest: digestOf('amd64') },
              { platform: 'linux/arm64', digest },
            ],
          },
        ],
      },
    ]);
  });

  it.each([
    [`${NAME}@${digestOf('index')}`, 'registry.example.com:5000/flux', NAME, ''],
    ['ghcr.example.com/mirror/sc:v1', 'ghcr.example.com/mirror/sc', 'ghcr.example.com/mirror/sc', 'v1'],
    ['oci:out/oci:distroless/source-controller:v1', 'oci:out/oci', 'oci:out/oci:distroless/source-controller', 'v1'],
  ])('tells of %s where it was found', async (target, place, repository, tag) => {
    const [release] = await claimedReleases([image(CLAIM, { target })]);
    expect(release?.distribution).toBe(`oakum (as claimed in ${place})`);
    expect(release?.images).toMatchObject([{ repository, tag }]);
  });

  it.each<[string, ScanSubject]>([
    ['has no provenance', image(undefined)],
    ['has that of another builder', image({ workflow: { ref: 'refs/tags/v1' } })],
    ['claims to be of another platform', image({ ...CLAIM, platform: 'linux/arm64' })],
    ['claims what is no revision', image({ ...CLAIM, revision: '2.9.2-r1\u001b[2J' })],
    ['claims a name that steers the terminal', image({ ...CLAIM, distribution: 'oakum\u001b[2J' })],
    ['is a file', { target: 'x.json', kind: 'sbom', basis: 'an SBOM', packages: [], gaps: [] }],
  ])('is nothing where the image %s', async (_, subject) => {
    expect(await claimedReleases([subject])).toEqual([]);
  });
});
