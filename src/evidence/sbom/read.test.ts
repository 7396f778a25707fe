// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EvidenceError } from '../error.ts';
import { readSbom, toReading } from './read.ts';

const purl = 'pkg:golang/example.com/a@v1.0.0';
const SPDX = {
  spdxVersion: 'SPDX-2.3',
  name: 'image',
  documentDescribes: ['SPDXRef-root'],
  packages: [
    { SPDXID: 'SPDXRef-root', name: 'image' },
    {
      SPDXID: 'SPDXRef-a',
      name: 'example.com/a',
      versionInfo: 'v1.0.0',
      licenseDeclared: 'MIT',
      checksums: [{ algorithm: 'SHA256', checksumValue: 'AB'.repeat(32) }],
      externalRefs: [{ referenceType: 'purl', referenceLocator: purl }],
    },
    { SPDXID: 'SPDXRef-go', name: 'go', externalRefs: [{ referenceType: 'purl', referenceLocator: 'pkg:golang' }] },
  ],
  files: [{ fileName: './bin/a', checksums: [] }],
  relationships: [
    { spdxElementId: 'SPDXRef-go', relationshipType: 'BUILD_TOOL_OF', relatedSpdxElement: 'SPDXRef-a' },
    { spdxElementId: 'SPDXRef-a', relationshipType: 'CONTAINS', relatedSpdxElement: 'SPDXRef-root' },
    { spdxElementId: 'SPDXRef-root', relationshipType: 'CONTAINS', relatedSpdxElement: 'SPDXRef-a' },
  ],
};
const CYCLONEDX = {
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  metadata: { component: { type: 'container', name: 'image' } },
  components: [
    {
      type: 'library',
      name: 'example.com/a',
      version: 'v1.0.0',
      purl,
      licenses: [{ license: { id: 'MIT' } }],
      hashes: [{ alg: 'SHA-256', content: 'ab'.repeat(32) }],
      components: [{ type: 'library', name: 'go', purl: 'pkg:golang', scope: 'excluded' }],
    },
    { type: 'file', name: '/bin/a' },
  ],
  dependencies: [
    { ref: 'a', dependsOn: ['b'] },
    { ref: 'b', dependsOn: ['a'] },
  ],
};

/** Anything in place of any part of a document: what a stranger's tool, or an enemy, may write. */
function changed(document: object): fc.Arbitrary<unknown> {
  const places: (string | number)[][] = [[]];
  const visit = (value: unknown, path: (string | number)[]) => {
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      const place = [...path, Array.isArray(value) ? Number(key) : key];
      places.push(place);
      visit((value as Record<string, unknown>)[key], place);
    }
  };
  visit(document, []);
  const change = fc.tuple(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 3 }));
  return fc
    .array(change, { minLength: 1, maxLength: 3 })
    .map((changes) => changes.reduce<unknown>((value, [place, by]) => withPart(value, place, by), document));
}

function withPart(value: unknown, place: readonly (string | number)[], by: unknown): unknown {
  const [key, ...rest] = place;
  if (key === undefined) return by;
  if (typeof value !== 'object' || value === null) return value;
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
  copy[key] = withPart(copy[key], rest, by);
  return copy;
}

describe('an SBOM of a stranger', () => {
  it('in SPDX says what is in the image, and what only made it', () => {
    const { components, files } = toReading(SPDX, 'x');
    expect(
      components.map(({ name, version, excluded, described }) => ({ name, version, excluded, described })),
    ).toEqual([
      { name: 'image', version: '', excluded: false, described: true },
      { name: 'example.com/a', version: 'v1.0.0', excluded: false, described: false },
      { name: 'go', version: '', excluded: true, described: false },
    ]);
    expect(components[1]).toMatchObject({ licence: 'MIT', digest: `sha256:${'ab'.repeat(32)}`, purl: { name: 'a' } });
    expect(components[2]).toMatchObject({ hasBrokenPurl: true });
    expect(files).toEqual(new Map([['bin/a', undefined]]));
  });

  it('in CycloneDX says the same, whatever is nested in what', () => {
    const { components, files } = toReading(CYCLONEDX, 'x');
    expect(components.map(({ name, excluded, described }) => ({ name, excluded, described }))).toEqual([
      { name: 'image', excluded: false, described: true },
      { name: 'example.com/a', excluded: false, described: false },
      { name: 'go', excluded: true, described: false },
    ]);
    expect(components[1]).toMatchObject({ licence: 'MIT', digest: `sha256:${'ab'.repeat(32)}`, purl: { name: 'a' } });
    expect(files).toEqual(new Map([['bin/a', undefined]]));
  });

  it.each([
    ['SPDX', SPDX],
    ['CycloneDX', CYCLONEDX],
  ])('in %s is read whole or refused with where it is wrong, whatever is put into it', (_, document) => {
    fc.assert(
      fc.property(changed(document), (value) => {
        try {
          const listed = value as { packages?: readonly unknown[]; components?: readonly unknown[] } | undefined;
          const { components } = toReading(value, 'x');
          expect(components.length).toBeGreaterThanOrEqual(listed?.packages?.length ?? 0);
        } catch (error) {
          expect(error).toBeInstanceOf(EvidenceError);
          expect(error).toMatchObject({ code: 'SBOM_INVALID', where: 'x' });
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('is refused in pieces and in noise', () => {
    const whole = Buffer.from(JSON.stringify(SPDX));
    const piece = fc.nat(whole.length - 1).map((length) => whole.subarray(0, length));
    fc.assert(
      fc.property(
        fc.oneof(
          piece,
          fc.uint8Array(),
          fc.string().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          expect(() => readSbom(bytes, 'x')).toThrow(EvidenceError);
        },
      ),
    );
  });

  it('nested deeper than any honest one is refused, and what it would hide is not dropped', () => {
    let components: readonly object[] = [{ type: 'library', name: 'hidden', purl }];
    for (let depth = 0; depth < 30; depth += 1) components = [{ type: 'library', name: `level ${depth}`, components }];
    const read = () => toReading({ bomFormat: 'CycloneDX', specVersion: '1.6', components }, 'x');
    expect(read).toThrow(/nested/);
  });
});
