// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf, hexOf } from '#core';
import { decision, finding, image, ORIGIN } from './__fixtures__/images.ts';
import { applyVex } from './apply.ts';
import type { VexDecision } from './decision.ts';
import { buildVexDocument } from './document.ts';
import { formatOpenVex, toVexAttestation, type VexDocument } from './openvex.ts';
import { toReachabilityDecision } from './reachability-decision.ts';
import { parseOpenVex } from './read-openvex.ts';

const NOW = new Date('2026-08-21T00:00:00Z');
const SOURCE = image('source-controller');
const HELM = image('helm-controller');
const NET = 'pkg:golang/golang.org/x/net@v0.30.0';

function build(decisions: readonly VexDecision[], now = NOW, images = [SOURCE, HELM]): VexDocument {
  const document = buildVexDocument({ decisions, images, now, origin: ORIGIN });
  if (document === undefined) throw new Error('nothing to say');
  return document;
}

const stateOf = (document: VexDocument, ...rest: Parameters<typeof finding>) =>
  applyVex([finding(...rest)], [document], NOW)[0]?.state;

describe('a VEX document', () => {
  it('says of exactly the images and packages in scope that they are not affected', () => {
    const document = build([decision({ scope: { components: ['source-controller'], platforms: ['linux/amd64'] } })]);
    expect(stateOf(document, SOURCE, NET)).toBe('not_affected');
    expect(stateOf(document, SOURCE, NET, { platform: 'linux/arm64' })).toBe('open');
    expect(stateOf(document, HELM, NET)).toBe('open');
    expect(stateOf(document, SOURCE, 'pkg:golang/golang.org/x/text@v0.30.0')).toBe('open');
    expect(stateOf(document, SOURCE, NET, { ids: ['CVE-2026-0002'] })).toBe('open');
    expect(stateOf(document, image('source-controller', '2.9.2-r1'), NET)).toBe('open');
  });

  it('names platform manifests by digest and hash, and the index by architecture', () => {
    const document = build([decision({ scope: { components: ['source-controller'], platforms: ['linux/arm64'] } })]);
    const { digest } = SOURCE.platforms[1] ?? { digest: digestOf('') };
    expect(document.statements[0]?.products?.map((product) => product['@id'])).toEqual([
      `pkg:oci/source-controller@${digest}`,
      `pkg:oci/source-controller@${SOURCE.index}?arch=arm64`,
    ]);
    expect(document.statements[0]?.products?.[0]?.hashes).toEqual({ 'sha-256': hexOf(digest) });
  });

  it('names the index as a whole only where all its platforms are meant', () => {
    const both = build([decision({ scope: { components: ['source-controller'] } })]);
    const whole = `pkg:oci/source-controller@${SOURCE.index}`;
    expect(both.statements[0]?.products?.map((product) => product['@id'])).toContain(whole);
  });

  it('has one statement for each pair of image and package: the last decision', () => {
    const later = decision({ status: 'fixed', justification: undefined, at: new Date('2026-08-02T00:00:00Z') });
    for (const decisions of [
      [decision(), later],
      [later, decision()],
    ]) {
      const document = build(decisions);
      expect(document.statements.map(({ status }) => status)).toEqual(['fixed']);
    }
  });

  it('lets a decision about one component leave the others as they were', () => {
    const one = decision({
      status: 'affected',
      justification: undefined,
      action: 'Do not use Helm charts from strangers.',
      at: new Date('2026-08-02T00:00:00Z'),
      scope: { components: ['helm-controller'] },
    });
    const document = build([decision(), one]);
    expect(stateOf(document, SOURCE, NET)).toBe('not_affected');
    expect(stateOf(document, HELM, NET)).toBe('open');
  });

  it('lets a later word on one version of a package stand alone', () => {
    const one = decision({
      packages: [NET],
      status: 'fixed',
      justification: undefined,
      at: new Date('2026-08-02T00:00:00Z'),
    });
    const document = build([decision(), one]);
    expect(document.statements.map(({ status }) => status)).toEqual(['fixed']);
    expect(
      build([{ ...one, at: new Date('2026-07-01T00:00:00Z') }, decision()]).statements.map(({ status }) => status),
    ).toEqual(['not_affected']);
  });

  it('joins the names that decisions give one vulnerability', () => {
    const later = decision({ vulnerability: 'GO-2026-0001', aliases: ['GHSA-aaaa-bbbb-cccc'], at: NOW });
    const document = build([decision(), later]);
    expect(document.statements).toHaveLength(1);
    expect(document.statements[0]?.vulnerability).toEqual({
      name: 'CVE-2026-0001',
      aliases: ['GHSA-aaaa-bbbb-cccc', 'GO-2026-0001'],
    });
  });

  it('reopens a decision whose review date has come', () => {
    const due = decision({ reviewBy: new Date('2026-08-20T00:00:00Z') });
    expect(stateOf(build([due]), SOURCE, NET)).toBe('under_investigation');
    expect(build([due]).statements[0]?.status_notes).toMatch(/^Reopened: its review date has come/);
    expect(stateOf(build([due], new Date('2026-08-19T23:59:59Z')), SOURCE, NET)).toBe('not_affected');
  });

  it('believes evidence about the very image and no other', () => {
    const { digest } = SOURCE.platforms[0] ?? { digest: digestOf('') };
    const shared = { vulnerability: 'GO-2026-0001', aliases: [], packagePurl: NET, image: digest, at: NOW };
    const told = { ...shared, evidence: digestOf('output'), tool: 'govulncheck v1.1.4' };
    const document = build([toReachabilityDecision({ ...told, reach: 'imported' })]);
    expect(stateOf(document, SOURCE, NET)).toBe('not_affected');
    expect(document.statements[0]?.justification).toBe('vulnerable_code_not_in_execute_path');
    expect(stateOf(document, SOURCE, NET, { platform: 'linux/arm64' })).toBe('open');
    expect(stateOf(build([toReachabilityDecision({ ...told, reach: 'called' })]), SOURCE, NET)).toBe('open');
  });

  it('reopens what a person said of the execute path where evidence refutes it, and keeps every other reason', () => {
    const { digest } = SOURCE.platforms[0] ?? { digest: digestOf('') };
    const called = toReachabilityDecision({
      vulnerability: 'CVE-2026-0001',
      aliases: [],
      packagePurl: NET,
      image: digest,
      at: NOW,
      evidence: digestOf('output'),
      tool: 'govulncheck v1.1.4',
      reach: 'called',
    });
    const claim = decision({ justification: 'vulnerable_code_not_in_execute_path' });
    expect(stateOf(build([claim, called]), SOURCE, NET)).toBe('under_investigation');
    expect(stateOf(build([claim, called]), HELM, NET)).toBe('not_affected');
    const mitigated = decision({ justification: 'inline_mitigations_already_exist' });
    expect(stateOf(build([mitigated, called]), SOURCE, NET)).toBe('not_affected');
  });

  it('has an @id of its own for any other content, and the same bytes for the same', () => {
    const [a, b] = [build([decision()]), build([decision({ reason: 'Another reason altogether.' })])];
    expect(a['@id']).not.toBe(b['@id']);
    expect(formatOpenVex(build([decision()], new Date('2026-12-01T00:00:00Z')))).toBe(formatOpenVex(a));
  });

  it('is not written where there is nothing to say', () => {
    expect(buildVexDocument({ decisions: [], images: [SOURCE], now: NOW, origin: ORIGIN })).toBeUndefined();
  });

  it('names the standard library and Debian epochs as each scanner does', () => {
    const document = build([decision({ packages: ['pkg:golang/stdlib@v1.27.3', 'pkg:deb/debian/libc6@1:2.41-12'] })]);
    const [product] = document.statements[0]?.products ?? [];
    expect(product?.subcomponents?.map((part) => part['@id'])).toEqual([
      'pkg:deb/debian/libc6@1:2.41-12',
      'pkg:deb/debian/libc6@2.41-12?epoch=1',
      'pkg:golang/stdlib@v1.27.3',
      'pkg:golang/stdlib@1.27.3',
    ]);
    expect(stateOf(document, SOURCE, 'pkg:golang/stdlib@1.27.3')).toBe('not_affected');
    expect(stateOf(document, SOURCE, 'pkg:deb/debian/libc6@1%3A2.41-12?arch=amd64&distro=trixie')).toBe('not_affected');
  });

  it('becomes an attestation about an image', () => {
    const statement = toVexAttestation({ name: SOURCE.repository, digest: SOURCE.index }, build([decision()]));
    expect(statement.predicateType).toBe('https://openvex.dev/ns');
    expect(statement.subject[0]?.digest.sha256).toBe(hexOf(SOURCE.index));
  });
});

const SCHEMA = '../shared/schemas/openvex.schema.json';

describe.skipIf(!existsSync(SCHEMA))('the OpenVEX schema', () => {
  const kinds: fc.Arbitrary<Partial<VexDecision>> = fc.constantFrom(
    {},
    { justification: undefined },
    { status: 'fixed', justification: undefined } as const,
    { status: 'under_investigation', justification: undefined } as const,
    { status: 'affected', justification: undefined, action: 'Update as soon as you can.' } as const,
    { reviewBy: new Date('2026-08-20T00:00:00Z') },
    { vulnerability: 'CVE-2026-0002', aliases: [] },
    { packages: ['pkg:golang/stdlib@v1.27.3', 'pkg:deb/debian/libc6@1:2.41-12'] },
    { scope: { platforms: ['linux/arm64'] } } as const,
  );

  it('accepts every document that is written, and so does the reader', () => {
    const ajv = new Ajv2020({ strict: false });
    // The class is the default export's default in some loaders.
    (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
    ajv.addFormat('iri', /^[A-Za-z][A-Za-z0-9+.-]*:\S+$/);
    const accepts = ajv.compile(JSON.parse(readFileSync(SCHEMA, 'utf8')) as object);
    const some = fc.array(fc.tuple(kinds, fc.nat(20)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(some, (list) => {
        const decisions = list.map(([kind, day]) => decision({ ...kind, at: new Date(Date.UTC(2026, 6, 1 + day)) }));
        const text = formatOpenVex(build(decisions));
        expect(accepts(JSON.parse(text)), JSON.stringify(accepts.errors)).toBe(true);
        expect(formatOpenVex(parseOpenVex(text, 'document'))).toBe(text);
      }),
    );
    expect(accepts({ ...JSON.parse(formatOpenVex(build([decision()]))), statements: [] })).toBe(false);
  });
});
