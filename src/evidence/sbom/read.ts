// SPDX-License-Identifier: Apache-2.0
import { messageOf, OakumError } from '#core';
import { measureJson, type Shape } from '#formats';
import { EvidenceError } from '../error.ts';
import type { SbomReading } from './read-component.ts';
import { cyclonedxShape, fromCycloneDx } from './read-cyclonedx.ts';
import { fromSpdx, spdxShape } from './read-spdx.ts';

export type { ReadComponent, SbomReading } from './read-component.ts';

/** The most bytes of an SBOM that are read. */
const MAX_SBOM_BYTES = 64 << 20;

/** The most values (texts, numbers, lists ...) and packages of an SBOM: with these a scan of it takes up to 480 MB of memory. */
const MAX_SBOM_VALUES = 2_500_000;
const MAX_PACKAGES = 100_000;

/** An SBOM that is smaller can't hold as many values as would matter. */
const SMALL_BYTES = 4 << 20;

/** Takes an SBOM's bytes, in SPDX 2.x or CycloneDX JSON; gives what it says. `where` names it in errors. Throws `SBOM_INVALID`. */
export function readSbom(bytes: Uint8Array, where: string): SbomReading {
  if (bytes.byteLength > MAX_SBOM_BYTES) throw tooLarge(`${MAX_SBOM_BYTES} bytes`, where);
  if (bytes.byteLength > SMALL_BYTES && measureJson(bytes).values > MAX_SBOM_VALUES)
    throw tooLarge(`${MAX_SBOM_VALUES} values`, where);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid(messageOf(error), where, error);
  }
  return toReading(value, where);
}

/** Takes an SBOM as a JSON value, as a statement's predicate is; gives what it says. Throws `SBOM_INVALID`. */
export function toReading(value: unknown, where: string): SbomReading {
  const isSpdx = typeof value === 'object' && value !== null && 'spdxVersion' in value;
  requireFewPackages(value, where);
  if (isSpdx) {
    const document = checked(spdxShape, value, where);
    if (/^SPDX-2\.\d+$/.test(document.spdxVersion)) return fromSpdx(document);
    throw invalid(`spdxVersion: ${JSON.stringify(document.spdxVersion.slice(0, 80))} is not read, only SPDX 2`, where);
  }
  const document = checked(cyclonedxShape, value, where);
  if (document.bomFormat === 'CycloneDX') return fromCycloneDx(document);
  throw invalid('bomFormat: it is neither SPDX 2 nor CycloneDX', where);
}

function requireFewPackages(value: unknown, where: string): void {
  const { packages, components } = (value ?? {}) as { readonly [name in 'packages' | 'components']?: unknown };
  for (const list of [packages, components])
    if (Array.isArray(list) && list.length > MAX_PACKAGES) throw tooLarge(`${MAX_PACKAGES} packages`, where);
}

function checked<T>(shape: Shape<T>, value: unknown, where: string): T {
  try {
    return shape(value);
  } catch (error) {
    const place = error instanceof OakumError && error.where !== undefined ? error.where : 'it';
    throw invalid(`${place}: ${messageOf(error)}`, where, error);
  }
}

function tooLarge(limit: string, where: string): EvidenceError {
  return new EvidenceError('SBOM_INVALID', `this SBOM is too large: it has more than ${limit}`, {
    where,
    hint: 'Cut it into several, or make it without what is no package, such as files.',
  });
}

function invalid(message: string, where: string, cause?: unknown): EvidenceError {
  return new EvidenceError('SBOM_INVALID', `this is no SBOM in SPDX 2 or CycloneDX JSON: ${message}`, { where, cause });
}
