// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finding, image } from './__fixtures__/images.ts';
import { applyVex } from './apply.ts';
import { purlCovers } from './matches.ts';
import type { VexDocument, VexStatement } from './openvex.ts';
import { parseOpenVex } from './read-openvex.ts';
import { formatTrivyIgnore } from './trivy-ignore.ts';

const NOW = new Date('2026-08-21T00:00:00Z');
const SOURCE = image('source-controller');
const NET = 'pkg:golang/golang.org/x/net@v0.30.0';

function document(statements: readonly Partial<VexStatement>[]): VexDocument {
  return {
    '@context': 'https://openvex.dev/ns/v0.2.0',
    '@id': 'https://example.com/vex-1',
    author: 'somebody',
    timestamp: '2026-08-01T00:00:00Z',
    version: 1,
    statements: statements.map((one) => ({
      vulnerability: { name: 'CVE-2026-0001' },
      products: [{ '@id': 'pkg:oci/source-controller' }],
      status: 'not_affected',
      justification: 'component_not_present',
      ...one,
    })),
  };
}

const judge = (...statements: readonly Partial<VexStatement>[]) =>
  applyVex([finding(SOURCE, NET)], [document(statements)], NOW)[0];

describe('VEX applied to findings', () => {
  it('takes the last statement by time, and names it', () => {
    const fixed = { status: 'fixed', justification: undefined, timestamp: '2026-08-03T00:00:00Z' } as const;
    const early = { timestamp: '2026-07-03T00:00:00+02:00' };
    for (const statements of [
      [early, fixed],
      [fixed, early],
    ]) {
      expect(judge(...statements)).toMatchObject({
        state: 'fixed',
        decidedBy: { document: 'https://example.com/vex-1', at: new Date('2026-08-03T00:00:00Z') },
      });
    }
  });

  it('knows nothing of what was said later', () => {
    expect(judge({ timestamp: '2026-09-01T00:00:00Z' })).toMatchObject({ state: 'open', decidedBy: undefined });
  });

  it('trusts least where two statements of one moment disagree', () => {
    const affected = { status: 'affected', justification: undefined, action_statement: 'Update.' } as const;
    expect(judge({}, affected)?.state).toBe('open');
    expect(judge(affected, {})?.state).toBe('open');
  });

  it('leaves a flaw open that one of its packages still has', () => {
    const seen = { ...finding(SOURCE, NET), purls: [NET, 'pkg:golang/golang.org/x/text@v0.1.0'] };
    const only = document([{ products: [{ '@id': 'pkg:oci/source-controller', subcomponents: [{ '@id': NET }] }] }]);
    expect(applyVex([seen], [only], NOW)[0]?.state).toBe('open');
    expect(applyVex([seen], [document([{}])], NOW)[0]?.state).toBe('not_affected');
  });

  it('takes a package for a product, as other publishers write it', () => {
    expect(judge({ products: [{ '@id': NET }] })?.state).toBe('not_affected');
  });

  it('covers by package URL as go-vex does', () => {
    expect(purlCovers('pkg:golang/golang.org/x/net', NET)).toBe(true);
    expect(purlCovers(NET, 'pkg:golang/golang.org/x/net')).toBe(false);
    expect(purlCovers('pkg:apk/alpine/zlib@1.3', 'pkg:apk/alpine/zlib@1.3?arch=x86_64')).toBe(true);
    expect(purlCovers('pkg:apk/alpine/zlib@1.3?arch=x86_64', 'pkg:apk/alpine/zlib@1.3')).toBe(false);
    expect(purlCovers('pkg:oci/x@sha256%3Aaa', 'pkg:oci/x@sha256:aa')).toBe(true);
    expect(purlCovers('pkg:%zz/', NET)).toBe(false);
  });

  it('is the same in whatever order statements stand, unless they are of one moment', () => {
    const times = fc.uniqueArray(fc.integer({ min: 1, max: 28 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(times, fc.nat(), (days, seed) => {
        const statements = days.map((day, index) => ({
          timestamp: new Date(Date.UTC(2026, 6, day)).toISOString(),
          status: index % 2 === 0 ? ('not_affected' as const) : ('fixed' as const),
        }));
        const turned = statements.toSorted(
          (a, b) => ((Date.parse(a.timestamp) * seed) % 7) - ((Date.parse(b.timestamp) * seed) % 7),
        );
        expect(judge(...turned)?.decidedBy).toEqual(judge(...statements)?.decidedBy);
      }),
    );
  });
});

describe('the OpenVEX reader', () => {
  it('refuses what is no document, with every fault', () => {
    const bad = JSON.stringify(document([{ justification: undefined }, { status: 'affected' }]));
    expect(() => parseOpenVex(bad, 'x.json')).toThrow(
      expect.objectContaining({
        code: 'VEX_INVALID',
        where: 'x.json',
        message: expect.stringMatching(
          /statements.0: status not_affected needs[^]*statements.1: status affected has no justification/,
        ),
      }),
    );
    for (const text of ['', '[]', '{}', '{"@context":1}', '[['.repeat(50_000)])
      expect(() => parseOpenVex(text, 'x')).toThrow(expect.objectContaining({ code: 'VEX_INVALID' }));
  });

  it('throws nothing but its own error, whatever it is given', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          parseOpenVex(JSON.stringify({ ...document([{}]), statements: [value] }), 'x');
        } catch (error) {
          expect(error).toMatchObject({ code: 'VEX_INVALID' });
        }
      }),
    );
  });
});

describe('the .trivyignore', () => {
  it('holds an id only where no finding with it is open, under each of its names', () => {
    const other = finding(SOURCE, 'pkg:golang/stdlib@v1.27.3', { ids: ['GO-2026-0002', 'CVE-2026-0002'] });
    const said = document([
      {},
      { vulnerability: { name: 'CVE-2026-0002' }, products: [{ '@id': 'pkg:golang/stdlib@v1.27.3' }] },
    ]);
    const still = finding(image('helm-controller'), 'pkg:golang/stdlib@v1.27.1', { ids: ['CVE-2026-0002'] });
    const text = formatTrivyIgnore(applyVex([finding(SOURCE, NET), other, still], [said], NOW));
    expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([
      'CVE-2026-0001',
      'GO-2026-0001',
    ]);
    expect(text).toMatch(/# CVE-2026-0002 GO-2026-0002: not ignored, 1 of 2 findings are still open/);
    expect(text).toMatch(/# status: not_affected\n# justification: component_not_present/);
  });

  it('has no line that a hostile text could have made', () => {
    const hostile = finding(SOURCE, NET, { ids: ['CVE-2026-0001', 'x\nCVE-2026-9999'] });
    const text = formatTrivyIgnore(applyVex([hostile], [document([{ impact_statement: 'none\nCVE-2026-8888' }])], NOW));
    expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual(['CVE-2026-0001']);
  });
});
