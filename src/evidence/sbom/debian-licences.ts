// SPDX-License-Identifier: Apache-2.0
import parse from 'spdx-expression-parse';
import list from 'spdx-license-list';

/** Short names of copyright-format 1.0 (7.2) whose SPDX id differs by more than a version's form. */
const NAMES: Readonly<Record<string, string>> = {
  expat: 'MIT',
  zlib: 'Zlib',
  python: 'PSF-2.0',
  artistic: 'Artistic-1.0-Perl',
  cc0: 'CC0-1.0',
  'gfdl-niv-1.2': 'GFDL-1.2-no-invariants-only',
  'gfdl-niv-1.2+': 'GFDL-1.2-no-invariants-or-later',
  'gfdl-niv-1.3': 'GFDL-1.3-no-invariants-only',
  'gfdl-niv-1.3+': 'GFDL-1.3-no-invariants-or-later',
};

/** SPDX ids do not differ by case (SPDX 2.3, annex D). */
const IDS: ReadonlyMap<string, string> = new Map(Object.keys(list).map((id) => [id.toLowerCase(), id]));

/** A licence expression, and what each `LicenseRef-` in it stands for. */
export interface DebianLicence {
  readonly expression: string;
  readonly other: ReadonlyMap<string, string>;
}

/**
 * Takes the short licence names of a Debian copyright file; gives their SPDX expression: all apply to some file of the
 * package, so they are joined by AND. A name without SPDX id becomes a `LicenseRef-`; none gives `NOASSERTION`.
 */
export function toSpdxLicence(names: readonly string[], where: string): DebianLicence {
  const other = new Map<string, string>();
  const terms = new Set(
    names.map((name) => {
      const parts = name.split(/\s+(and|or)\s+|,\s*/i).filter((part) => part !== undefined && part !== '');
      const words = parts.map((part) =>
        /^(?:and|or)$/i.test(part) ? part.toUpperCase() : (toSpdxId(part) ?? toReference(part, where, other)),
      );
      return words.length === 1 ? (words[0] ?? '') : `(${words.join(' ')})`;
    }),
  );
  const expression = [...terms].sort().join(' AND ');
  return isExpression(expression) ? { expression, other } : { expression: 'NOASSERTION', other: new Map() };
}

/** Says whether a text is an SPDX licence expression (SPDX 2.3, annex D). */
export function isExpression(text: string): boolean {
  try {
    parse(text);
    return true;
  } catch {
    return false;
  }
}

function toSpdxId(name: string): string | undefined {
  const known = NAMES[name.toLowerCase()];
  if (known !== undefined) return known;
  const [, family, version, later] = /^(A?L?GPL|GFDL)-(\d+(?:\.\d+)?)(\+?)$/i.exec(name) ?? [];
  const candidate =
    family === undefined || version === undefined
      ? name
      : `${family.toUpperCase()}-${version.includes('.') ? version : `${version}.0`}-${later === '+' ? 'or-later' : 'only'}`;
  return IDS.get(candidate.toLowerCase());
}

function toReference(name: string, where: string, other: Map<string, string>): string {
  const id = `LicenseRef-Debian-${name.replace(/[^A-Za-z0-9.-]+/g, '-').replace(/^-+|-+$/g, '') || 'unnamed'}`;
  other.set(id, `The licence that Debian calls "${name}"; its text is in the file /${where} of this image.`);
  return id;
}
