// SPDX-License-Identifier: Apache-2.0
import { type Digest, digestOf } from '#core';
import type { VexDecision } from '../decision.ts';
import type { DocumentOrigin } from '../document.ts';
import type { VexImage } from '../products.ts';

/** Two platforms of one component; digests are made of their names. */
export function image(component: string, revision = '2.9.2-r0'): VexImage {
  const digest = (part: string): Digest => digestOf(`${component} ${revision} ${part}`);
  return {
    component,
    channel: 'distroless',
    revision,
    repository: `registry.example.com/flux/distroless/${component}`,
    index: digest('index'),
    platforms: [
      { platform: 'linux/amd64', digest: digest('amd64') },
      { platform: 'linux/arm64', digest: digest('arm64') },
    ],
  };
}

/** What a finding on one platform of an image looks like to {@link applyVex}. */
export function finding(of: VexImage, purl: string, more: { ids?: readonly string[]; platform?: string } = {}) {
  const platform = more.platform ?? 'linux/amd64';
  const ids = more.ids ?? ['CVE-2026-0001', 'GO-2026-0001'];
  const own = of.platforms.find((one) => one.platform === platform);
  if (own === undefined) throw new Error(platform);
  return { id: ids[0] ?? '', ids, purls: [purl], component: of.component, digests: [own.digest], platform };
}

/** A person's decision, with what is told instead of the usual. */
export function decision(more: Partial<VexDecision> = {}): VexDecision {
  return {
    kind: 'person',
    author: 'jane@example.com',
    where: 'vex/a.yaml:3:5',
    vulnerability: 'CVE-2026-0001',
    aliases: ['GO-2026-0001'],
    status: 'not_affected',
    justification: 'vulnerable_code_not_present',
    reason: 'The vulnerable file is not compiled in.',
    at: new Date('2026-08-01T10:00:00Z'),
    reviewBy: new Date('2027-02-01T00:00:00Z'),
    scope: {},
    packages: ['pkg:golang/golang.org/x/net'],
    ...more,
  };
}

/** Who writes documents in tests. */
export const ORIGIN: DocumentOrigin = { author: 'security@example.com', namespace: 'https://vex.example.com/flux' };
