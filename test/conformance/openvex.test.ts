// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { digestOf, type Platform } from '#core';
import {
  applyVex,
  buildVexDocument,
  formatOpenVex,
  type VexDecision,
  type VexDocument,
  type VexImage,
  type VexSubject,
} from '#vulnerabilities';
import { goJudge } from '../judges.ts';

/** Asks go-vex, by which Trivy and Grype match, for the statements about each case: a vulnerability, the product's names, a package. */
const SOURCE = `package main

import (
	"encoding/json"
	"os"

	"github.com/openvex/go-vex/pkg/vex"
)

type question struct {
	Document json.RawMessage
	Cases    []struct{ Vulnerability string; Products []string; Package string }
}

type answer struct {
	Faults []string
	// The statuses of all statements that match, by time, for each case.
	Matches [][]string
}

func main() {
	var q question
	check(json.NewDecoder(os.Stdin).Decode(&q))
	document, err := vex.Parse(q.Document)
	check(err)
	a := answer{Faults: []string{}, Matches: [][]string{}}
	for _, statement := range document.Statements {
		if err := statement.Validate(); err != nil {
			a.Faults = append(a.Faults, err.Error())
		}
	}
	for _, c := range q.Cases {
		statuses := []string{}
		for _, product := range c.Products {
			found := document.Matches(c.Vulnerability, product, []string{c.Package})
			for _, statement := range found {
				statuses = append(statuses, string(statement.Status))
			}
			if len(found) > 0 {
				break
			}
		}
		a.Matches = append(a.Matches, statuses)
	}
	check(json.NewEncoder(os.Stdout).Encode(a))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
`;

interface Case {
  readonly Vulnerability: string;
  readonly Products: readonly string[];
  readonly Package: string;
}

interface Answer {
  readonly Faults: readonly string[];
  readonly Matches: readonly (readonly string[])[];
}

let program = '';
beforeAll(async () => {
  program = await goJudge('vexmatch', 'github.com/openvex/go-vex/pkg/vex@v0.2.8', SOURCE);
}, 600_000);

function ask(document: VexDocument, cases: readonly Case[]): Answer {
  const input = JSON.stringify({ Document: JSON.parse(formatOpenVex(document)) as unknown, Cases: cases });
  const { status, stdout, stderr } = spawnSync(program, { input, encoding: 'utf8', maxBuffer: 1 << 28 });
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as Answer;
}

const PLATFORMS: readonly Platform[] = ['linux/amd64', 'linux/arm64'];
const IMAGES: readonly VexImage[] = ['source-controller', 'helm-controller'].map((component) => ({
  component,
  channel: 'distroless',
  revision: '2.9.2-r0',
  repository: `registry.example.com/flux/distroless/${component}`,
  index: digestOf(`${component} index`),
  platforms: PLATFORMS.map((platform) => ({ platform, digest: digestOf(`${component} ${platform}`) })),
}));

const PACKAGES = {
  'pkg:golang/golang.org/x/net': 'pkg:golang/golang.org/x/net@v0.30.0',
  'pkg:golang/stdlib@v1.27.3': 'pkg:golang/stdlib@1.27.3',
  'pkg:deb/debian/tzdata@2026b-0+deb13u1': 'pkg:deb/debian/tzdata@2026b-0%2Bdeb13u1?arch=all&distro=debian-13',
} as const;

/** How each scanner names an image: by the manifest it scanned, or by the index that a tag led to. */
const SCANNERS = {
  'Trivy, a manifest': ({ repository, component }: VexImage, platform: Platform, digest: string) => [
    `pkg:oci/${component}@${encodeURIComponent(digest)}?arch=${platform.slice(6)}&repository_url=${encodeURIComponent(repository)}`,
  ],
  'Trivy, a tag': ({ repository, component, index }: VexImage, platform: Platform) => [
    `pkg:oci/${component}@${encodeURIComponent(index)}?arch=${platform.slice(6)}&repository_url=${encodeURIComponent(repository)}`,
  ],
  'Grype, a manifest': ({ repository, component }: VexImage, _: Platform, digest: string) => [
    `${repository}@${digest}`,
    `pkg:oci/${component}@${encodeURIComponent(digest)}?repository_url=${encodeURIComponent(repository)}`,
    digest.slice(7),
  ],
} as const;

const status: fc.Arbitrary<Partial<VexDecision>> = fc.constantFrom(
  {},
  { status: 'fixed', justification: undefined } as const,
  { status: 'under_investigation', justification: undefined } as const,
  { status: 'affected', justification: undefined, action: 'Update as soon as you can.' } as const,
);
const optional = <T>(values: readonly T[]) => fc.option(fc.subarray([...values], { minLength: 1 }), { nil: undefined });
const decision: fc.Arbitrary<VexDecision> = fc
  .tuple(
    status,
    fc.integer({ min: 1, max: 28 }),
    fc.record({ components: optional(IMAGES.map(({ component }) => component)), platforms: optional(PLATFORMS) }),
    fc.subarray([...Object.keys(PACKAGES), 'pkg:golang/golang.org/x/net@v0.30.0'], { minLength: 1 }),
    fc.constantFrom(['CVE-2026-0001', 'GO-2026-0001'], ['GO-2026-0001', 'CVE-2026-0001'], ['CVE-2026-0002']),
  )
  .map(([kind, day, scope, packages, [vulnerability = '', ...aliases]]) => ({
    kind: 'person',
    author: 'jane@example.com',
    where: 'vex/a.yaml:1:1',
    vulnerability,
    aliases,
    status: 'not_affected',
    justification: 'component_not_present',
    reason: 'It is not there.',
    at: new Date(Date.UTC(2026, 6, day)),
    scope,
    packages,
    ...kind,
  }));

describe('go-vex, by which Trivy and Grype match', () => {
  const now = new Date('2026-08-21T00:00:00Z');
  const origin = { author: 'security@example.com', namespace: 'https://vex.example.com' };
  const cells = IMAGES.flatMap((image) =>
    image.platforms.flatMap(({ platform, digest }) =>
      Object.values(PACKAGES).flatMap((purl) =>
        ['CVE-2026-0001', 'GO-2026-0001', 'CVE-2026-0002', 'CVE-2026-0003'].map((id) => ({
          image,
          platform,
          digest,
          purl,
          id,
        })),
      ),
    ),
  );

  it.each(Object.keys(SCANNERS) as (keyof typeof SCANNERS)[])(
    'suppresses for %s exactly the findings that were decided so, and no others',
    (scanner) => {
      fc.assert(
        fc.property(fc.array(decision, { minLength: 1, maxLength: 6 }), (decisions) => {
          const document = buildVexDocument({ decisions, images: IMAGES, now, origin });
          if (document === undefined) return;
          const subjects = cells.map(
            ({ image, platform, digest, purl, id }): VexSubject => ({
              id,
              ids: [id],
              purls: [purl],
              component: image.component,
              digests: [digest],
              platform,
            }),
          );
          const ours = applyVex(subjects, [document], now).map(({ decidedBy }) => decidedBy?.statement.status);
          const theirs = ask(
            document,
            cells.map(({ image, platform, digest, purl, id }) => ({
              Vulnerability: id,
              Products: SCANNERS[scanner](image, platform, digest),
              Package: purl,
            })),
          );
          expect(theirs.Faults).toEqual([]);
          // One statement at most, so it matters not whether a scanner takes the first or the last.
          expect(theirs.Matches).toEqual(ours.map((one) => (one === undefined ? [] : [one])));
        }),
        { numRuns: 40 },
      );
    },
  );
});
