// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { messageOf } from '#core';
import { type Fault, inFileOrder, type Json, locateYaml, readableJson, toFaults } from '#formats';
import { contradictionsOf } from './contradictions.ts';
import type { ReleaseDocument } from './document.ts';
import { RELEASE_DOCUMENT_TYPE, releaseSchema } from './document-schema.ts';
import { ReleaseError } from './error.ts';

/** The most bytes of a release document that are read. */
export const MOST_DOCUMENT_BYTES = 32 << 20;

const MOST_FAULTS = 20;
/** How many documents are read before the schema is compiled: that takes as long as checking some sixty without. */
const COMPILED_FROM = 30;
const HINT = 'schema/release.schema.json describes the format, docs/release-document.md explains it.';

/**
 * Reads a release document that came from outside: every member known, of the right kind, said once, and none in contradiction with
 * another. `file` is the name to show for it. Throws `RELEASE_INVALID` with every fault and its place, `RELEASE_NEWER` for a version
 * that is not known here, `RELEASE_NOT_CANONICAL` where the text says more than its values do.
 */
export function parseReleaseDocument(text: string, file: string): ReleaseDocument {
  if (text.length > MOST_DOCUMENT_BYTES) {
    throw invalid([{ where: file, message: `it is larger than ${MOST_DOCUMENT_BYTES} bytes` }]);
  }
  const value = parseJson(text, file);
  requireKnownVersion(value, file);
  requireSchema(value, text, file);
  requireOneForm(text, value, file);
  const contradictions = contradictionsOf(value);
  if (contradictions.length === 0) return value;
  const located = locateYaml(text, file);
  throw invalid(inFileOrder(contradictions.map(({ path, message }) => ({ where: located.where(path), message }))));
}

let compiled: typeof releaseSchema | undefined;
let read = 0;

/** Whoever reads hundreds, as a catalog does, has them checked by code that zod makes of the schema, in half of the time. */
function requireSchema(value: unknown, text: string, file: string): asserts value is ReleaseDocument {
  if (read === COMPILED_FROM) compiled = z.compile(releaseSchema);
  read += 1;
  if (compiled?.validate(value) === true) return;
  const { error } = releaseSchema.safeParse(value);
  if (error !== undefined) throw invalid(inFileOrder(toFaults(locateYaml(text, file), error)));
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = messageOf(error);
    const [, place] = /position (\d+)/.exec(message) ?? [];
    throw new ReleaseError('RELEASE_INVALID', `a release document is JSON, and this is none: ${message}`, {
      where: place === undefined ? file : `${file}:${placeOf(text, Number(place))}`,
      hint: HINT,
      cause: error,
    });
  }
}

function placeOf(text: string, offset: number): string {
  const lines = text.slice(0, offset).split('\n');
  return `${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}`;
}

/** Another version is no broken document of this one. */
function requireKnownVersion(value: unknown, file: string): void {
  const type = (value as { mediaType?: unknown } | null)?.mediaType;
  if (typeof type !== 'string' || type === RELEASE_DOCUMENT_TYPE) return;
  if (!/^application\/vnd\.oakum\.release\.v\d{1,4}\+json$/.test(type)) return;
  throw new ReleaseError('RELEASE_NEWER', `this document is ${type}; this Oakum reads ${RELEASE_DOCUMENT_TYPE}`, {
    where: file,
    hint: 'It was written by a newer Oakum. Use that one, or a newer one.',
  });
}

/**
 * A member that is there twice, or a number written in another way, would be read differently by different readers. What Oakum writes
 * is what JSON.stringify gives for it with two spaces, members in order, so any difference is one of those or white space.
 */
function requireOneForm(text: string, value: unknown, file: string): void {
  const proto = text.indexOf('"__proto__": ');
  if (proto !== -1) {
    const where = `${file}:${placeOf(text, proto)}`;
    throw invalid([{ where, message: 'unknown key "__proto__"' }]); // schemas pass over it, wherever any name may stand
  }
  const isInOrder = isSorted(value);
  const wanted = isInOrder ? `${JSON.stringify(value, null, 2)}\n` : readableJson(value as Json);
  if (wanted === text) return;
  const expected = wanted.split('\n');
  const line = text.split('\n').findIndex((one, index) => one !== expected[index]);
  throw new ReleaseError(
    'RELEASE_NOT_CANONICAL',
    'this text is not what its values are written as: from this line on it differs',
    {
      where: `${file}:${(line === -1 ? expected.length : line) + 1}`,
      hint: 'A member that is there twice, another order or spacing, or numbers in another form; Oakum sorts members, writes two spaces, and a newline at the end.',
    },
  );
}

/** Says whether the members of all objects stand in order, as canonical JSON has them. */
function isSorted(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (!Array.isArray(value)) {
    const keys = Object.keys(value);
    for (let index = 1; index < keys.length; index += 1)
      if ((keys[index - 1] ?? '') > (keys[index] ?? '')) return false;
  }
  return Object.values(value).every(isSorted);
}

function invalid(faults: readonly Fault[]): ReleaseError {
  const [first] = faults;
  if (faults.length === 1 && first !== undefined) {
    return new ReleaseError('RELEASE_INVALID', first.message, { where: first.where, hint: HINT });
  }
  const shown = faults.slice(0, MOST_FAULTS).map((one) => `  ${one.where}: ${one.message}`);
  const more = faults.length > MOST_FAULTS ? `\n  and ${faults.length - MOST_FAULTS} more` : '';
  return new ReleaseError('RELEASE_INVALID', `${faults.length} faults:\n${shown.join('\n')}${more}`, { hint: HINT });
}
