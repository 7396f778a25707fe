// SPDX-License-Identifier: Apache-2.0

/** Takes a copyright file; gives the short names of its licences where it is machine-readable (copyright-format 1.0, 7.2), sorted; none for free text. */
export function copyrightLicences(copyright: string): readonly string[] {
  if (
    !/^Format:\s*https?:\/\/www\.debian\.org\/doc\/packaging-manuals\/copyright-format\/1\.0\/?\s*$/m.test(copyright)
  ) {
    return [];
  }
  const names = [...copyright.matchAll(/^License:[ \t]*(\S[^\n]*)$/gim)].map((match) => (match[1] as string).trim());
  return [...new Set(names)].sort();
}
