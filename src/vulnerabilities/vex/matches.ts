// SPDX-License-Identifier: Apache-2.0
import { parsePurl, type Purl } from '#formats';
import type { VexComponent, VexProduct, VexStatement, VexVulnerability } from './openvex.ts';

/** Takes any text; gives the package URL in it, undefined where it is none. Never throws. */
export function purlOf(text: string): Purl | undefined {
  if (!text.startsWith('pkg:')) return undefined;
  try {
    return parsePurl(text);
  } catch {
    return undefined;
  }
}

/**
 * Says whether a general package URL covers a specific one, as go-vex's `PurlMatches` has it, which Trivy and Grype use:
 * type, namespace and name are the same; a version, and each qualifier, that the general one has, the specific one has too.
 * A subpath counts here, where go-vex leaves it out: a package inside a module is not the module.
 */
export function purlCovers(general: string, specific: string): boolean {
  if (general === specific) return true;
  const [wide, narrow] = [purlOf(general), purlOf(specific)];
  if (wide === undefined || narrow === undefined) return false;
  if (wide.type !== narrow.type || wide.namespace !== narrow.namespace || wide.name !== narrow.name) return false;
  if (wide.version !== undefined && wide.version !== narrow.version) return false;
  if (wide.subpath !== undefined && wide.subpath !== narrow.subpath) return false;
  return Object.entries(wide.qualifiers ?? {}).every(([key, value]) => narrow.qualifiers?.[key] === value);
}

/** Says whether a component is what an identifier names: by `@id`, by a package URL that covers it, by any identifier or hash. */
export function componentMatches(component: VexComponent, identifier: string): boolean {
  const { '@id': id, identifiers = {}, hashes = {} } = component;
  const names = [id, ...Object.values(identifiers)].filter((name) => name !== undefined);
  return names.some((name) => purlCovers(name, identifier)) || Object.values(hashes).includes(identifier);
}

/** Says whether a vulnerability has any of these names. */
export function vulnerabilityMatches(vulnerability: VexVulnerability, names: ReadonlySet<string>): boolean {
  return names.has(vulnerability.name) || (vulnerability.aliases ?? []).some((alias) => names.has(alias));
}

/** What a statement may be about: the names of the vulnerability, of the product (any of them), and of the package in it. */
export interface Sighting {
  readonly names: ReadonlySet<string>;
  readonly products: readonly string[];
  readonly subcomponent: string;
}

/** Says whether a statement is about what was seen. A product without subcomponents is meant whole. */
export function statementMatches(statement: VexStatement, sighting: Sighting): boolean {
  if (!vulnerabilityMatches(statement.vulnerability, sighting.names)) return false;
  return (statement.products ?? []).some((product) => productMatches(product, sighting));
}

function productMatches(product: VexProduct, { products, subcomponent }: Sighting): boolean {
  if (!products.some((identifier) => componentMatches(product, identifier))) return false;
  const { subcomponents = [] } = product;
  return subcomponents.length === 0 || subcomponents.some((part) => componentMatches(part, subcomponent));
}
