// SPDX-License-Identifier: Apache-2.0
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatReleaseDocument,
  parseReleaseDocument,
  type ReleaseDocument,
  type ReleaseError,
  releaseJsonSchema,
} from '#release';
import { releaseDocument } from '#testing';

const good = releaseDocument('2.9.2-r1');
const text = formatReleaseDocument(good);

/** A document with one thing changed, as text. */
function changed(change: (document: ReleaseDocument) => void): string {
  const copy = structuredClone(good);
  change(copy);
  return formatReleaseDocument(copy);
}

const image = (document: ReleaseDocument) => {
  const found = document.channels['distroless']?.images[0];
  if (found === undefined) throw new Error('no image');
  return found;
};

describe('the reader of release documents', () => {
  it('gives back what was written', () => {
    expect(parseReleaseDocument(text, 'release.json')).toEqual(good);
  });

  it('reads one without publication, as Oakum wrote them before', () => {
    const { publication: _, ...old } = good;
    expect(parseReleaseDocument(formatReleaseDocument(old), 'x')).toEqual(old);
  });

  it.each<[string, string, string, RegExp]>([
    ['no JSON', '{\n  "a": 1,\n  b\n}\n', 'RELEASE_INVALID', /^x\.json:3:3$/],
    ['an unknown member', text.replace('"release":', '"relaese":'), 'RELEASE_INVALID', /./],
    ['a wrong digest', changed((one) => (image(one).digest = 'sha256:12')), 'RELEASE_INVALID', /^x\.json:\d+:\d+$/],
    ['a newer version', text.replace('release.v1+json', 'release.v2+json'), 'RELEASE_NEWER', /^x\.json$/],
    ['a member twice', text.replace('{\n', '{\n  "revision": "2.9.2-r7",\n'), 'RELEASE_NOT_CANONICAL', /^x\.json:2$/],
    ['other spacing', JSON.stringify(good), 'RELEASE_NOT_CANONICAL', /^x\.json:1$/],
    ['null', 'null\n', 'RELEASE_INVALID', /^x\.json/],
  ])('refuses %s and says where', (_, bad, code, where) => {
    expect(() => parseReleaseDocument(bad, 'x.json')).toThrow(
      expect.objectContaining({
        code,
        ...(code === 'RELEASE_INVALID' && where.source === '.' ? {} : { where: expect.stringMatching(where) }),
      }),
    );
  });

  it.each<[string, (document: ReleaseDocument) => void, RegExp]>([
    ['a revision of another release', (one) => (one.revision = '2.9.1-r1'), /2\.9\.1-r1 is none of release 2\.9\.2/],
    ['another Flux', (one) => (one.flux.version = 'v2.9.1'), /Flux v2\.9\.1, the release 2\.9\.2/],
    ['an image under the name of another', (one) => (image(one).name = 'r.example/distroless/other'), /can't be named/],
    ['tags of another revision', (one) => (image(one).tags = ['v1.9.2-r0', 'v1.9.2']), /v1\.9\.2-r1 and v1\.9\.2, not/],
    ['a version its source has not', (one) => (image(one).source.version = 'v1.9.9'), /its source v1\.9\.9/],
    ['an image without platform', (one) => (image(one).platforms = {}), /no platform/],
    [
      'one digest for two components',
      (one) => (image(one).digest = one.channels['distroless']?.images[1]?.digest ?? image(one).digest),
      /is alpha already, and can't be beta/,
    ],
    [
      'a component from two sources',
      (one) => {
        const other = one.channels['fips']?.images[0];
        if (other !== undefined) other.source.commit = 'c'.repeat(40);
      },
      /in another channel/,
    ],
    [
      'evidence of an image that is not there',
      (one) => (one.publication?.evidence ?? []).splice(0, 1, { ...evidence(one), image: 'distroless/gamma' }),
      /no image distroless\/gamma/,
    ],
    [
      'evidence of a platform that is not there',
      (one) => (one.publication?.evidence ?? []).splice(0, 1, { ...evidence(one), subject: 'linux/arm64' }),
      /is not there for linux\/arm64/,
    ],
    [
      'a predecessor that comes after it',
      (one) => Object.assign(one.publication?.predecessor ?? {}, { revision: '2.9.2-r1' }),
      /does not come before 2\.9\.2-r1/,
    ],
    [
      'a predecessor of another line',
      (one) => Object.assign(one.publication?.predecessor ?? {}, { revision: '2.8.9-r0' }),
      /of another line/,
    ],
  ])('refuses %s', (_, change, message) => {
    expect(() => parseReleaseDocument(changed(change), 'x.json')).toThrow(
      expect.objectContaining({ code: 'RELEASE_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('throws nothing but its own error, whatever stands anywhere in a document', () => {
    const paths = pathsOf(good);
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, value) => {
        const copy = structuredClone(good) as unknown;
        replaceAt(copy, path, value);
        const bad = `${JSON.stringify(copy, null, 2)}\n`;
        try {
          const read = parseReleaseDocument(bad, 'x');
          expect(`${JSON.stringify(read, null, 2)}\n`.length).toBe(bad.length); // nothing was dropped or made up
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^RELEASE_/) });
        }
      }),
    );
  });

  it('reads the first documents and the hundredth alike, good and bad', () => {
    const bad = changed((one) => Object.assign(one, { lock: 'sha256:1' }));
    const hidden = text.replace('"channels": {', '"channels": {\n    "__proto__": {},');
    const answers = Array.from({ length: 100 }, () =>
      [text, bad, hidden].map((one) => {
        try {
          return formatReleaseDocument(parseReleaseDocument(one, 'x.json'));
        } catch (error) {
          return `${(error as ReleaseError).code} ${(error as ReleaseError).where} ${(error as ReleaseError).message}`;
        }
      }),
    );
    expect(answers[0]?.[0]).toBe(text);
    expect(answers[0]?.[1]).toMatch(/^RELEASE_INVALID x.json:\d+:\d+ lock: /);
    expect(answers[0]?.[2]).toBe('RELEASE_INVALID x.json:3:5 unknown key "__proto__"');
    expect(new Set(answers.map((one) => JSON.stringify(one))).size).toBe(1);
  });

  it('throws nothing but its own error for any text, cut or deep', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.nat(text.length).map((length) => text.slice(0, length)),
        ),
        (bad) => {
          if (bad === text) return;
          expect(() => parseReleaseDocument(bad, 'x')).toThrow(
            expect.objectContaining({ code: expect.stringMatching(/^RELEASE_/) }),
          );
        },
      ),
    );
    expect(() => parseReleaseDocument('['.repeat(100_000), 'x')).toThrow(
      expect.objectContaining({ code: 'RELEASE_INVALID' }),
    );
  });

  it('has a JSON Schema that an independent validator reads as the reader does', () => {
    const ajv = new Ajv2020({ strict: false });
    (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
    const validate = ajv.compile(releaseJsonSchema());
    expect(validate(good), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ ...good, more: 1 })).toBe(false);
    expect(validate({ ...good, lock: 'sha256:1' })).toBe(false);
  });
});

function evidence(document: ReleaseDocument) {
  const [first] = document.publication?.evidence ?? [];
  if (first === undefined) throw new Error('no evidence');
  return first;
}

type Path = readonly (string | number)[];

function pathsOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at];
  return [
    ...(at.length === 0 ? [] : [at]),
    ...Object.entries(value).flatMap(([key, one]) => pathsOf(one, [...at, key])),
  ];
}

function replaceAt(value: unknown, path: Path, by: unknown): void {
  const last = path.at(-1);
  const parent = path.slice(0, -1).reduce((one, key) => (one as Record<string, unknown>)[key], value);
  if (last !== undefined) (parent as Record<string, unknown>)[last] = by;
}
